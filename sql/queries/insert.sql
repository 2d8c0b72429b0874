-- Brings actors into being: a batch as one JSON document ($1). Answers a row for each, in order: inserted, or the actor that has
-- its id or its key, and the machine of that actor. A row without an actor is one whose occupant this statement cannot see: ask again.
--
-- It waits for a transaction that is taking a key, or an id, as long as $2 says; null: as the transaction that it is a part of.
--
-- Promises: a key is taken by one actor; of entries in one batch the first wins; nothing fails for a duplicate.
-- Nobody is born into a partition as one that is leased: whose turn it is there is for pick.sql and claim.sql.
-- Races, and why none is lost
-- 1. Two inserts bring the same key. The unique index lets one of them in; the other waits for it and does nothing. Its
--    occupant then is newer than the snapshot of the statement and cannot be told: hence "ask again".
-- 2. Batches bring the same keys in other orders. Rows go in by the order of keys.
with newborn as materialized (
  select document.*,
    n = min(n) over (partition by id) as is_first,
    case when partition_key is null then owner end as holder,
    case
      -- A child that waits for its turn: count_ends.sql lets it run.
      when held then 'infinity'
      else coalesce(to_timestamp(start_at / 1000), now() + coalesce(start_in_ms, 0) * interval '1 millisecond')
    end as start
  from json_to_recordset($1::text::json) as document (
    n integer, id uuid, machine text, machine_version text, key text, key_scope perdure.key_scope, queue text,
    priority smallint, partition_key text, input text, owner uuid, start_at float8, start_in_ms float8,
    parent uuid, parent_session integer, parent_index integer, held boolean
  )
),
born as (
  insert into perdure.actor (
    id, machine, machine_version, key, key_scope, queue, priority, partition_key, input, owner, status, wake_at,
    parent, parent_session, parent_index
  )
  select
    id, machine, machine_version, key, key_scope, queue, priority, partition_key, input::json, holder,
    case when holder is null and start > now() then 'waiting' else 'ready' end::perdure.actor_status, start,
    parent, parent_session, parent_index
  from newborn
  where is_first and ($2::text is null or (select set_config('lock_timeout', $2::text, true)) is not null)
  order by key, n
  on conflict do nothing
  returning id, machine, key, status = any (key_scope) as takes_key
)
select
  born.id is not null and newborn.is_first as inserted,
  namesake.id is not null as "sameId",
  coalesce(namesake.id, occupant.id, first.id) as occupant,
  coalesce(namesake.machine, occupant.machine, first.machine) as machine
from newborn
left join born on born.id = newborn.id
left join lateral (
  select id, machine from perdure.actor where actor.id = newborn.id
  union all
  select born.id, born.machine where not newborn.is_first
  limit 1
) as namesake on true
left join lateral (
  select id, machine from perdure.actor
  where actor.key = newborn.key and actor.status = any (actor.key_scope)
  limit 1
) as occupant on true
left join born as first on first.key = newborn.key and first.takes_key
order by newborn.n
