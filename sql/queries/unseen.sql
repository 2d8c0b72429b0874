-- Actors of a node ($1) with signals that it has not seen, in the order of their ids, from the first after a given one ($3; null: from
-- the first of all), up to a limit ($2).
-- An unseen signal lies in the inbox table, which is small; the actors of a node may be many, and no index can tell those
-- apart without making every commit that has seen a signal a write to that index.
-- Materialized, so that order and limit do not tempt the planner to walk the primary key of all actors.
with unseen as materialized (
  select a.id
  from perdure.actor as a
  where a.owner = $1::uuid
    and a.inbox_seq > a.inbox_seen
    and a.id in (select signal.actor_id from perdure.signal)
)
select unseen.id
from unseen
where $3::uuid is null or unseen.id > $3::uuid
order by unseen.id
limit $2::integer
