-- Leases rows for a node ($1), asked for by id ($2, a JSON array). Answers a row for each id that exists, in the order asked;
-- `free` without `claimed` is a row that moved meanwhile: ask again.
--
-- Promises: leased is only what nobody live owns, or what the node owns already, and to a node that lives itself; the row and the inbox that are answered
-- belong together. A row of a partition is not leased while another of it is, nor while one of it is ready that comes first.
-- It fails as a whole where it has waited half a second for a row that somebody else keeps locked.
-- Races, and why none is lost
-- 1. Two nodes claim the same row, or one claims while the other commits and lets go. What is judged, and the inbox, come
--    from the snapshot of the statement; a row that anybody has written since has another xmin and is not leased. Without
--    that guard the newest row could be paired with an old inbox, and a signal be applied twice or overlooked.
-- 2. Batches name the same rows in other orders. Rows are locked in the order of ids, by a lateral join, which leaves the
--    planner no choice of order.
-- 3. Two statements lease two rows of one partition: see pick.sql, 4.
with asked as materialized (
  select entry.id::uuid as id, entry.n
  from json_array_elements_text($2::text::json) with ordinality as entry (id, n)
),
claimant as materialized (
  select exists (select from perdure.node where node.id = $1::uuid and node.expires_at > now()) as lives
),
looked_at as materialized (
  select
    a.id, a.xmin as stamp, a.owner is null as is_free, a.partition_key, a.priority,
    hashtextextended(a.partition_key, 0) & 9223372036854775807 as lane,
    case when a.status = 'ready' then a.wake_at else now() end as ready_since,
    a.status in ('ready', 'running', 'waiting') and (select claimant.lives from claimant) and case
      when a.owner is null
        -- Neither a delayed start nor a retry that lies ahead.
        then a.wake_at is null or a.wake_at <= now() or (a.snapshot is not null and a.attempt = 0)
      else a.owner = $1::uuid
        or not exists (select from perdure.node where node.id = a.owner and node.expires_at > now())
    end as free
  from (select distinct id from asked order by id) as wanted
  cross join lateral (select actor.*, actor.xmin from perdure.actor where actor.id = wanted.id limit 1) as a
),
judged as materialized (
  select ranked.id, ranked.stamp, case
    when not free or partition_key is null or not is_free then free
    when place > 1 or exists (
      select from perdure.actor as rival
      where rival.partition_key = ranked.partition_key and rival.owner is not null
    ) or exists (
      select from perdure.actor as rival
      where rival.partition_key = ranked.partition_key and rival.owner is null and rival.status = 'ready'
        and rival.lane in (0, ranked.lane)
        and (rival.priority, rival.wake_at) < (ranked.priority, ranked.ready_since)
    ) then false
    else pg_try_advisory_xact_lock(ranked.lane)
  end as free
  from (
    select looked_at.*, row_number() over (partition by partition_key, free and is_free order by priority, id) as place
    from looked_at
  ) as ranked
),
locked as materialized (
  select wanted.id, wanted.stamp
  from (
    select judged.id, judged.stamp
    from judged
    where judged.free and (select set_config('lock_timeout', '500ms', true)) is not null
    order by judged.id
  ) as wanted
  cross join lateral (select from perdure.actor as a where a.id = wanted.id for no key update) as a
),
claimed as (
  update perdure.actor as a set
    owner = $1::uuid,
    lane = 0,
    -- Its own node only reads it again.
    attempt = a.attempt + case when a.owner is distinct from $1::uuid then 1 else 0 end,
    updated_at = now()
  from locked
  where a.id = any (array(select locked.id from locked)) and a.id = locked.id and a.xmin = locked.stamp
  returning a.id
)
select
  asked.n::integer - 1 as n, judged.free, claimed.id is not null as claimed, actor_row.*,
  coalesce((select inbox from perdure.inbox_row where inbox_row.actor_id = claimed.id), '[]') as inbox,
  coalesce((select dedup_keys from perdure.dedup_row where dedup_row.actor_id = claimed.id), '[]') as "dedupKeys"
from asked
join judged on judged.id = asked.id
cross join lateral (select * from perdure.actor_row where actor_row.id = asked.id limit 1) as actor_row
left join claimed on claimed.id = asked.id
order by asked.n
