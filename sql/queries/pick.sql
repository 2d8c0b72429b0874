-- Leases for a node ($1) up to a limit ($3) of the rows of a queue ($2), of the machines that it knows ($4), that must run now: ready
-- ones, and waiting ones whose time has come, by priority, then by the time since which they wait. Answers at least one row: the time
-- until the next row is due, and who was put behind others of its partition, stand in each; a row without an id brings nothing else.
--
-- Promises: each row goes to one picker, which lives; of a partition one row at a time is leased; nobody waits for a lock; work is in
-- proportion to the limit and the machines, not to the backlog, whatever machines that others know it is of.
-- Of the rows whose time has come only the `limit` longest due are looked at, whatever their priority.
--
-- A row of a partition that cannot run is put aside, into the lane of its partition, others of its partition with it: no pick reads
-- past it again. Of the lanes, which are as many as partitions that are contended, each pick looks at the first row, where nobody
-- has the partition any more. So a row is put aside once at most for each time that it waits, and that order is kept.
-- Races, and why none is lost
-- 1. Two nodes pick at once: skip locked.
-- 2. A row is leased, committed and let go between our snapshot and our lock. The lock then brings its newest state, which
--    may be fit to run again, but its inbox would be that of the snapshot, with signals that were applied. The update looks
--    for the row as the snapshot has it, and only where xmin is that of the locked one: such a row is left for the next pick.
-- 3. `for no key update` does not collide with the key share lock that a foreign key takes when a signal is inserted.
-- 4. Two statements lease two rows of one partition. Whoever does not get the partition's lock leaves it to the other. One that gets it
--    right after the other has committed has not seen that: it fails on the unique index, takes back all it did, and is run again.
-- 5. A partition becomes free while its rows are put aside. Who frees it has the pickers look again, and so does the sender whose
--    signal found it taken; the lane is looked at by every pick.
with recursive picker as materialized (
  select node.id from perdure.node where node.id = $1::uuid and node.expires_at > now()
),
known as materialized (
  select distinct entry ->> 'name' as machine, coalesce(entry ->> 'version', '') as version
  from json_array_elements($4::text::json) as entry
),
able as materialized (
  select known.machine, known.version from known where exists (select from picker)
),
-- How many of the rows to be leased are of which machine. Locked is then no more than that.
front as materialized (
  select able.machine, able.version, first.*
  from able
  cross join lateral (
    (
      select true as is_ready, a.priority, a.wake_at
      from perdure.actor as a
      where a.queue = $2::text and a.machine = able.machine and coalesce(a.machine_version, '') = able.version
        and a.lane = 0 and a.owner is null and a.status = 'ready'
      order by a.priority, a.wake_at
      limit $3::integer
    )
    union all
    (
      select false, a.priority, a.wake_at
      from perdure.actor as a
      where a.queue = $2::text and a.machine = able.machine and coalesce(a.machine_version, '') = able.version
        and a.owner is null and a.status = 'waiting' and a.wake_at <= now()
      order by a.wake_at
      limit $3::integer
    )
  ) as first
  order by first.priority, first.wake_at
  limit $3::integer
),
share as materialized (
  select front.machine, front.version, front.is_ready, count(*) as size
  from front
  group by front.machine, front.version, front.is_ready
),
ready as materialized (
  select line.*
  from share
  cross join lateral (
    select a.id, a.xmin as stamp, a.priority, a.wake_at, a.partition_key
    from perdure.actor as a
    where a.queue = $2::text and a.machine = share.machine and coalesce(a.machine_version, '') = share.version
      and a.lane = 0 and a.owner is null and a.status = 'ready'
    order by a.priority, a.wake_at
    limit share.size
    for no key update skip locked
  ) as line
  where share.is_ready
),
due as materialized (
  select line.*
  from share
  cross join lateral (
    select a.id, a.xmin as stamp, a.priority, a.wake_at, a.partition_key
    from perdure.actor as a
    where a.queue = $2::text and a.machine = share.machine and coalesce(a.machine_version, '') = share.version
      and a.owner is null and a.status = 'waiting' and a.wake_at <= now()
    order by a.wake_at
    limit share.size
    for no key update skip locked
  ) as line
  where not share.is_ready
),
-- From each lane on to the next, by index: as many steps as lanes, not as rows.
lane (machine, version, key) as (
  select able.machine, able.version, 0::bigint
  from able
  union all
  select lane.machine, lane.version, (
    select a.lane
    from perdure.actor as a
    where a.queue = $2::text and a.machine = lane.machine and coalesce(a.machine_version, '') = lane.version
      and a.lane > lane.key and a.owner is null and a.status = 'ready'
    order by a.lane
    limit 1
  )
  from lane
  where lane.key is not null
),
head as materialized (
  select line.*
  from (
    select first.id
    from lane
    cross join lateral (
      select a.id, a.priority, a.wake_at, a.partition_key
      from perdure.actor as a
      where a.queue = $2::text and a.machine = lane.machine and coalesce(a.machine_version, '') = lane.version
        and a.lane = lane.key and a.owner is null and a.status = 'ready'
      order by a.priority, a.wake_at
      limit 1
    ) as first
    where lane.key > 0
      and not exists (
        select from perdure.actor as holder where holder.partition_key = first.partition_key and holder.owner is not null
      )
    order by first.priority, first.wake_at
    limit $3::integer
  ) as wanted
  cross join lateral (
    select a.id, a.xmin as stamp, a.priority, a.wake_at, a.partition_key
    from perdure.actor as a
    where a.id = wanted.id and a.owner is null and a.status = 'ready'
    for no key update skip locked
  ) as line
),
judged as materialized (
  select ranked.*, case
    when partition_key is null then true
    when place > 1 then false
    when exists (
      select from perdure.actor as holder where holder.partition_key = ranked.partition_key and holder.owner is not null
    ) then false
    else pg_try_advisory_xact_lock(hashtextextended(partition_key, 0) & 9223372036854775807)
  end as may_run
  from (
    select found.*, row_number() over (partition by partition_key order by priority, wake_at, id) as place
    from (select * from ready union all select * from due union all select * from head) as found
  ) as ranked
),
chosen as materialized (
  select judged.id, judged.stamp
  from judged
  where judged.may_run
  order by judged.priority, judged.wake_at, judged.id
  limit $3::integer
),
claimed as (
  update perdure.actor as a set owner = $1::uuid, lane = 0, attempt = a.attempt + 1, updated_at = now()
  from chosen
  where a.id = chosen.id and a.xmin = chosen.stamp
  returning a.id
),
contended as materialized (
  select judged.id, judged.stamp from judged where not judged.may_run
  union
  select others.id, others.stamp
  from (select distinct judged.partition_key from judged where not judged.may_run) as partition
  cross join lateral (
    select a.id, a.xmin as stamp
    from perdure.actor as a
    where a.partition_key = partition.partition_key and a.owner is null and a.status = 'ready' and a.lane = 0
    limit 500
    for no key update skip locked
  ) as others
  where others.id not in (select chosen.id from chosen)
),
put_aside as (
  update perdure.actor as a set
    lane = hashtextextended(a.partition_key, 0) & 9223372036854775807,
    status = 'ready',
    updated_at = now()
  from contended
  where a.id = contended.id and a.xmin = contended.stamp and a.lane = 0
  returning a.id, a.machine
),
next as (
  select min(greatest(extract(epoch from first.wake_at - now()) * 1000, 0))::float8 as due_in_ms
  from known
  cross join lateral (
    select a.wake_at
    from perdure.actor as a
    where a.queue = $2::text and a.machine = known.machine and coalesce(a.machine_version, '') = known.version
      and a.owner is null and a.status = 'waiting' and a.wake_at < 'infinity'
      and a.id not in (select claimed.id from claimed union all select put_aside.id from put_aside)
    order by a.wake_at
    limit 1
  ) as first
)
select
  (select next.due_in_ms from next) as "nextDueInMs",
  (select json_agg(json_build_object('id', put_aside.id, 'machine', put_aside.machine))::text from put_aside) as contended,
  picked.*
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
