-- Takes permits for work of a node ($1): a batch as one JSON document ($2), each entry with the figures of its limit. Answers a row
-- for each entry, in order: `granted`, with the time until its tokens are there, which is at most that of $3 in milliseconds; or refused
-- by `rate`, with the time until they may be given, or by `concurrency`, or because of the `death` of the node; nothing where it could
-- not be told yet: ask again.
--
-- Promises: of a limit and partition no slot has two holders, and there are as many as its concurrency; tokens are given no
-- earlier than that, by this clock: what is given ahead makes the level negative. Of a batch the first are granted, as many as there is room for; no later one overtakes another.
-- A holder that has its slot already keeps it, whichever node had asked for it, and takes neither a second one nor tokens.
-- Nothing is written where nothing is granted.
-- Races, and why none is lost
-- 1. Two batches want the tokens of one bucket. The level is read under the bucket's lock, and the time after it.
-- 2. Two batches want the last slot. Who finds it locked leaves it, and the lock of a slot that was taken since finds it not free.
-- 3. A bucket, or a slot, does not exist yet: it is made, full or free, and what wants it asks again. Whoever makes it first, wins.
-- 4. The same request runs twice at once, its first connection lost. The second slot of the holder fails on the unique index;
--    all is taken back, and run again. Of a rate alone the tokens are taken twice: it is stricter then, never laxer.
--    What a row was locked for is read from one materialized list when the row is written: written again by others since the
--    snapshot, it is joined anew, and a `union all` in its place is then read from its beginning, and may give somebody else's slot.
-- 5. The node is forgotten meanwhile. Its row is locked first: it stays until the slots that name it are there, and are freed with it.
-- No deadlocks: locked are the node, then buckets, then slots of the holders, each in the order of their keys; free slots wait for
-- nobody, and rows are made last, in the order of their keys.
with able as materialized (
  select node.id from perdure.node where node.id = $1::uuid and node.expires_at > now() for key share
),
asked as materialized (
  select document.*, min(n) over (partition by limit_name, partition, holder) as first_n
  from json_to_recordset($2::text::json) as document (
    n integer, limit_name text, partition text, holder text, weight float8,
    tokens_per_ms float8, burst float8, concurrency integer
  )
),
wanted as materialized (
  select distinct on (limit_name, partition) limit_name, partition, tokens_per_ms, burst, concurrency
  from asked
  where exists (select from able)
  order by limit_name, partition, n
),
locked as materialized (
  select rated.*, b.level, b.filled_at
  from (select * from wanted where tokens_per_ms is not null order by limit_name, partition) as rated
  cross join lateral (
    select bucket.level, bucket.filled_at
    from perdure.bucket
    where bucket.limit_name = rated.limit_name and bucket.partition = rated.partition
    for no key update
  ) as b
),
timed as materialized (
  select locked.*, clock_timestamp() as at from locked
),
filled as materialized (
  select timed.*,
    least(burst, level + greatest(extract(epoch from at - filled_at)::float8 * 1000, 0) * tokens_per_ms) as available
  from timed
),
held as materialized (
  select mine.n, mine.limit_name, mine.partition, s.number
  from (
    select * from asked
    where n = first_n and concurrency is not null and exists (select from able) and (select count(*) from locked) >= 0
    order by limit_name, partition, holder
  ) as mine
  cross join lateral (
    select slot.number
    from perdure.slot
    where slot.limit_name = mine.limit_name and slot.partition = mine.partition and slot.holder = mine.holder
      and slot.node is not null
    for no key update
  ) as s
),
fresh as materialized (
  select asked.*,
    row_number() over earlier as place,
    sum(weight) over earlier as tokens
  from asked
  where n = first_n and exists (select from able) and n not in (select held.n from held)
  window earlier as (partition by limit_name, partition order by n)
),
free as materialized (
  select s.*, row_number() over (partition by s.limit_name, s.partition order by s.number) as place
  from wanted
  cross join lateral (
    select slot.limit_name, slot.partition, slot.number
    from perdure.slot
    where slot.limit_name = wanted.limit_name and slot.partition = wanted.partition
      and slot.node is null and slot.number <= wanted.concurrency
    order by slot.number
    limit (
      select count(*) from fresh where fresh.limit_name = wanted.limit_name and fresh.partition = wanted.partition
    )
    for no key update skip locked
  ) as s
  where wanted.concurrency is not null
),
-- Slots that may exist and do not, of limits whose slots were too few: as many as are wanted.
missing as materialized (
  select short.limit_name, short.partition, made.number
  from (
    select fresh.limit_name, fresh.partition, min(fresh.concurrency) as concurrency, count(*) as size
    from fresh
    left join free using (limit_name, partition, place)
    where fresh.concurrency is not null and free.number is null
    group by fresh.limit_name, fresh.partition
  ) as short
  cross join lateral (
    select number
    from generate_series(1, short.concurrency) as number
    where not exists (
      select from perdure.slot
      where slot.limit_name = short.limit_name and slot.partition = short.partition and slot.number = number.number
    )
    limit short.size
  ) as made
),
judged as materialized (
  select fresh.n, fresh.limit_name, fresh.partition, fresh.holder, fresh.weight, free.number,
    -- Levels are sums of fractions.
    case when fresh.tokens > filled.available + 1e-6 then (fresh.tokens - filled.available) / fresh.tokens_per_ms else 0 end as in_ms,
    case
      when fresh.tokens_per_ms is not null and filled.level is null then 'untold'
      when fresh.tokens > filled.available + $3::float8 * fresh.tokens_per_ms + 1e-6 then 'rate'
      when fresh.concurrency is null or free.number is not null then 'granted'
      when (fresh.limit_name, fresh.partition) in (select missing.limit_name, missing.partition from missing) then 'untold'
      else 'concurrency'
    end as verdict
  from fresh
  left join filled using (limit_name, partition)
  left join free using (limit_name, partition, place)
),
spent as materialized (
  select limit_name, partition, min(at) as at, min(available) - sum(weight) as level,
    (min(burst) - min(available) + sum(weight)) / min(tokens_per_ms) as full_in_ms
  from judged
  join filled using (limit_name, partition)
  where verdict = 'granted'
  group by limit_name, partition
),
debited as (
  update perdure.bucket
  set level = spent.level, filled_at = spent.at, full_at = spent.at + spent.full_in_ms * interval '1 millisecond'
  from spent
  where bucket.limit_name = spent.limit_name and bucket.partition = spent.partition
),
given as materialized (
  select judged.n, limit_name, partition, number, holder from judged where verdict = 'granted' and number is not null
  union all
  select held.n, held.limit_name, held.partition, held.number, asked.holder from held join asked using (n)
),
taken as (
  update perdure.slot set node = $1::uuid, holder = given.holder, taken_at = now()
  from given
  where slot.limit_name = given.limit_name and slot.partition = given.partition and slot.number = given.number
  returning given.n
),
made_buckets as (
  insert into perdure.bucket (limit_name, partition, level, filled_at, full_at)
  select limit_name, partition, burst, now(), now()
  from wanted
  where tokens_per_ms is not null
    and (limit_name, partition) not in (select locked.limit_name, locked.partition from locked)
  order by limit_name, partition
  on conflict do nothing
),
made_slots as (
  insert into perdure.slot (limit_name, partition, number)
  select limit_name, partition, number from missing order by limit_name, partition, number
  on conflict do nothing
)
select
  case
    when not exists (select from able) then 'death'
    when given.n is not null and taken.n is null then null
    when given.n is not null then 'granted'
    when judged.verdict <> 'untold' then judged.verdict
  end as verdict,
  coalesce(judged.in_ms, 0) as "inMs",
  ceil(judged.in_ms - $3::float8) as "retryInMs"
from asked
left join judged on judged.n = asked.first_n
left join given on given.n = asked.first_n
left join taken on taken.n = asked.first_n
order by asked.n
