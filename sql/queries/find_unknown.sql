-- Which machines, in which versions, rows name that nobody takes and this node cannot: of the queues that it serves ($2), none of
-- the machines that it knows ($1), runnable for so many milliseconds ($3), at most so many rows of each looked at ($4).
--
-- Promises: work is in proportion to the queues, to the machines and versions that are found in them, and to the limit, not to the
-- backlog; counts are those of the rows that were looked at.
with recursive known as materialized (
  select json_build_array(entry ->> 'name', coalesce(entry ->> 'version', ''))::text as machine
  from json_array_elements($1::text::json) as entry
),
-- From each machine and version on to the next, by index.
kind (queue, status, machine, version) as (
  select served.queue, wanted.status, '', ''
  from json_array_elements_text($2::text::json) as served (queue)
  cross join (values ('ready'), ('waiting')) as wanted (status)
  union all
  select kind.queue, kind.status, following.machine, following.version
  from kind
  cross join lateral (
    (
      select a.machine, coalesce(a.machine_version, '') as version
      from perdure.actor as a
      where kind.status = 'ready' and a.queue = kind.queue and a.owner is null and a.status = 'ready'
        and (a.machine, coalesce(a.machine_version, '')) > (kind.machine, kind.version)
      order by a.machine, coalesce(a.machine_version, '')
      limit 1
    )
    union all
    (
      select a.machine, coalesce(a.machine_version, '')
      from perdure.actor as a
      where kind.status = 'waiting' and a.queue = kind.queue and a.owner is null and a.status = 'waiting'
        and a.wake_at is not null and (a.machine, coalesce(a.machine_version, '')) > (kind.machine, kind.version)
      order by a.machine, coalesce(a.machine_version, '')
      limit 1
    )
  ) as following
),
front as materialized (
  select kind.machine, kind.version, first.wake_at
  from kind
  cross join lateral (
    (
      select a.wake_at
      from perdure.actor as a
      where kind.status = 'ready' and a.queue = kind.queue and a.machine = kind.machine
        and coalesce(a.machine_version, '') = kind.version and a.owner is null and a.status = 'ready'
      order by a.lane, a.priority, a.wake_at
      limit $4::integer
    )
    union all
    (
      select a.wake_at
      from perdure.actor as a
      where kind.status = 'waiting' and a.queue = kind.queue and a.machine = kind.machine
        and coalesce(a.machine_version, '') = kind.version and a.owner is null and a.status = 'waiting' and a.wake_at is not null
      order by a.wake_at
      limit $4::integer
    )
  ) as first
  where json_build_array(kind.machine, kind.version)::text not in (select known.machine from known)
)
select front.machine, nullif(front.version, '') as version, count(*)::integer as count
from front
where front.wake_at <= now() - $3::float8 * interval '1 millisecond'
group by front.machine, front.version
order by front.machine, front.version
