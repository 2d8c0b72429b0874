-- Actors of a node ($1) with signals that it has not seen, up to a limit ($2).
-- An unseen signal lies in the inbox table, which is small; the actors of a node may be many, and no index can tell those
-- apart without making every commit that has seen a signal a write to that index.
select a.id
from perdure.actor as a
where a.owner = $1::uuid
  and a.inbox_seq > a.inbox_seen
  and a.id in (select signal.actor_id from perdure.signal)
limit $2::integer
