-- Has an actor ($1) run now that is parked, or waits for its next attempt. Answers its status before that, and whether it was
-- moved; no row where there is none.
--
-- Promises: attempts are counted from 0 again; the last error stays until there is progress; any other actor is left alone.
-- Race: the actor is leased or ended meanwhile. The conditions are on the target row itself and are read again after its lock.
with moved as (
  update perdure.actor as a set status = 'ready', wake_at = now(), attempt = 0, updated_at = now()
  where a.id = $1::uuid and a.owner is null and (a.status = 'parked' or (a.status = 'waiting' and a.attempt > 0))
  returning a.id
)
select actor.status, moved.id is not null as moved
from perdure.actor
left join moved on moved.id = actor.id
where actor.id = $1::uuid
