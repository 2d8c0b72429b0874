-- Forgets dedup keys that are older than so many milliseconds ($1), the oldest first, up to a limit ($2).
-- Two janitors at once: skip locked, each takes its own.
with old as materialized (
  select actor_id, dedup_key from perdure.dedup
  where seen_at < now() - $1::float8 * interval '1 millisecond'
  order by seen_at
  limit $2::integer
  for update skip locked
),
purged as (
  delete from perdure.dedup using old
  where dedup.actor_id = old.actor_id and dedup.dedup_key = old.dedup_key
  returning 1
)
select count(*)::integer as purged from purged
