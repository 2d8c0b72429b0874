-- Leases for a node ($1) up to a limit ($3) of the rows of a queue ($2), of the machines that it knows ($4), that must run now: ready ones, and waiting ones whose
-- time has come, by priority, then by the time since which they wait. Answers at least one row: the time until the next row
-- is due stands in each, and a row without an id brings nothing else.
--
-- Promises: each row goes to one picker, which lives; nobody waits for a lock; work is in proportion to the limit, not to the backlog.
-- Of the rows whose time has come only the `limit` longest due are looked at, whatever their priority.
-- Races, and why none is lost
-- 1. Two nodes pick at once: skip locked.
-- 2. A row is leased, committed and let go between our snapshot and our lock. The lock then brings its newest state, which
--    may be fit to run again, but its inbox would be that of the snapshot, with signals that were applied. The update looks
--    for the row as the snapshot has it, and only where xmin is that of the locked one: such a row is left for the next pick.
-- 3. `for no key update` does not collide with the key share lock that a foreign key takes when a signal is inserted.
with picker as materialized (
  select node.id from perdure.node where node.id = $1::uuid and node.expires_at > now()
),
known as materialized (
  select json_build_array(entry ->> 'name', entry ->> 'version')::text as machine
  from json_array_elements($4::text::json) as entry
),
ready as materialized (
  select a.id, a.xmin as stamp, a.priority, a.wake_at
  from perdure.actor as a
  where a.queue = $2::text and a.owner is null and a.status = 'ready'
    and exists (select from picker)
    and json_build_array(a.machine, a.machine_version)::text in (select known.machine from known)
  order by a.priority, a.wake_at
  limit $3::integer
  for no key update skip locked
),
due as materialized (
  select a.id, a.xmin as stamp, a.priority, a.wake_at
  from perdure.actor as a
  where a.queue = $2::text and a.owner is null and a.status = 'waiting' and a.wake_at <= now()
    and exists (select from picker)
    and json_build_array(a.machine, a.machine_version)::text in (select known.machine from known)
  order by a.wake_at
  limit $3::integer
  for no key update skip locked
),
chosen as materialized (
  select * from ready union all select * from due
  order by priority, wake_at, id
  limit $3::integer
),
claimed as (
  update perdure.actor as a set owner = $1::uuid, attempt = a.attempt + 1, updated_at = now()
  from chosen
  where a.id = chosen.id and a.xmin = chosen.stamp
  returning a.id
),
next as (
  select greatest(extract(epoch from a.wake_at - now()) * 1000, 0)::float8 as due_in_ms
  from perdure.actor as a
  where a.queue = $2::text and a.owner is null and a.status = 'waiting' and a.wake_at is not null
    and json_build_array(a.machine, a.machine_version)::text in (select known.machine from known)
    and a.id not in (select claimed.id from claimed)
  order by a.wake_at
  limit 1
)
select (select next.due_in_ms from next) as "nextDueInMs", picked.*
from (select) as always
left join (
  select
    actor_row.*,
    coalesce((select inbox from perdure.inbox_row where inbox_row.actor_id = claimed.id), '[]') as inbox,
    coalesce((select dedup_keys from perdure.dedup_row where dedup_row.actor_id = claimed.id), '[]') as "dedupKeys"
  from claimed
  join perdure.actor_row on actor_row.id = claimed.id
) as picked on true
order by picked.priority, picked."wakeAt", picked.id
