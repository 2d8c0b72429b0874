-- Deletes actors that ended long ago, with their inboxes and dedup keys, up to a limit ($2): of each machine of a JSON document ($1)
-- those that ended longer ago than its retention, the oldest first.
--
-- Promises: work is in proportion to the machines and the limit, not to what has ended or lives. Left alone is an actor that keeps
-- its key beyond its end, and one whose parent has not ended.
-- Races, and why none is lost
-- 1. Two janitors at once: skip locked, each takes its own.
-- 2. A signal arrives for an actor that is being deleted. It waits for the row's lock and finds no actor, or has the lock, and
--    the row is left for the next look. The inbox and the dedup keys go with the row, by their foreign keys.
with rule as materialized (
  select document.* from json_to_recordset($1::text::json) as document (machine text, retention_ms float8)
),
old as materialized (
  select ended.id
  from rule
  cross join lateral (
    select a.id
    from perdure.actor as a
    where a.machine = rule.machine
      and a.ended_at < now() - rule.retention_ms * interval '1 millisecond'
      and (a.key is null or a.status <> all (a.key_scope))
      and not exists (select from perdure.actor as parent where parent.id = a.parent and parent.ended_at is null)
    order by a.ended_at
    limit $2::integer
    for update of a skip locked
  ) as ended
  limit $2::integer
),
collected as (
  delete from perdure.actor as a using old where a.id = old.id returning 1
)
select count(*)::integer as collected from collected
