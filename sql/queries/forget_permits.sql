-- Forgets buckets that have been full, and slots that have been free, for so many milliseconds ($1), up to a limit ($2) each.
-- Answers how many. Both tables are read from end to end: they hold a row for each partition that was used of late.
--
-- Race: somebody takes from a bucket, or a slot, that is old. Guard: skip locked; one that finds its row gone makes it anew.
with bucket_to_go as materialized (
  select limit_name, partition from perdure.bucket
  where full_at < now() - $1::float8 * interval '1 millisecond'
  limit $2::integer
  for update skip locked
),
slot_to_go as materialized (
  select limit_name, partition, number from perdure.slot
  where node is null and taken_at < now() - $1::float8 * interval '1 millisecond'
  limit $2::integer
  for update skip locked
),
forgotten_bucket as (
  delete from perdure.bucket using bucket_to_go as old
  where bucket.limit_name = old.limit_name and bucket.partition = old.partition
  returning 1
),
forgotten_slot as (
  delete from perdure.slot using slot_to_go as old
  where slot.limit_name = old.limit_name and slot.partition = old.partition and slot.number = old.number
  returning 1
)
select (select count(*) from forgotten_bucket)::integer + (select count(*) from forgotten_slot)::integer as forgotten
