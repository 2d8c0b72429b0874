-- The signals of an actor ($1) that arrived after a number ($2), in order.
-- No gap can be missed: numbers are given under the row's lock, so that a later commit has a higher number.
select
  seq::float8 as seq,
  event::text as event,
  dedup_key as "dedupKey",
  (extract(epoch from sent_at) * 1000)::float8 as "sentAt"
from perdure.signal
where actor_id = $1::uuid and seq > $2::bigint
order by seq
