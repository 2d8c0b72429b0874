-- Frees up to a limit ($2) of the rows of dead nodes, but never those of the reaper ($1), and forgets each node that has none
-- left. Dead is a node whose lease has run out, or whose session is gone, or an owner that no node row names.
--
-- Promises: what was being done becomes `ready`, the rest waits on; a dead node's later writes find no row of theirs.
-- Races, and why none is lost
-- 1. The node is alive but late, and commits. Its commit is guarded by owner: it comes first, or changes nothing.
-- 2. Two reapers at once: the lock of a dead session goes to one of them, rows that the other has are skipped.
-- 3. A signal lands meanwhile. Each reads the row again after the lock: the counters then tell, or the row is awake already.
-- 4. A node that was forgotten leases a row by a statement that was under way. Its id is found among the owners.
with recursive owner as (
  (select a.owner as id from perdure.actor as a where a.owner is not null order by a.owner limit 1)
  union all
  -- From each owner on to the next, by index: as many steps as owners, not as rows.
  select (select a.owner from perdure.actor as a where a.owner > owner.id order by a.owner limit 1)
  from owner
  where owner.id is not null
),
dead as materialized (
  -- One that left of its own accord: what it had claimed was no failed attempt.
  select node.id, node.expires_at = '-infinity' as has_left from perdure.node
  where node.id <> $1::uuid
    and (node.expires_at <= now() or (node.lock_key is not null and pg_try_advisory_xact_lock(node.lock_key)))
  union
  select owner.id, false from owner
  where owner.id <> $1::uuid and not exists (select from perdure.node where node.id = owner.id)
),
found as materialized (
  select a.id, dead.has_left
  from dead
  join perdure.actor as a on a.owner = dead.id
  limit $2::integer
  for no key update of a skip locked
),
freed as (
  update perdure.actor as a set
    owner = null,
    status = case
      when a.status = 'parked' then 'parked'
      -- Claimed without any progress since counts as undone: left `waiting` with its attempt it would look like a retry.
      when a.status <> 'waiting' or a.journal is not null or a.inbox_seq > a.inbox_seen
        or (a.attempt > 0 and not (found.has_left and a.snapshot is not null)) then 'ready'
      else 'waiting'
    end::perdure.actor_status,
    wake_at = case
      when a.status = 'parked' then a.wake_at
      when a.status <> 'waiting' or a.journal is not null or a.inbox_seq > a.inbox_seen
        or (a.attempt > 0 and not (found.has_left and a.snapshot is not null)) then now()
      else a.timer_at
    end,
    -- What waits on with attempts would look like a retry that lies ahead.
    attempt = case
      when not found.has_left then a.attempt
      when a.status = 'waiting' and a.journal is null and a.inbox_seq <= a.inbox_seen and a.snapshot is not null then 0
      else greatest(a.attempt - 1, 0)
    end,
    updated_at = now()
  from found
  where a.id = found.id
  returning a.id
),
gone as (
  select dead.id from dead
  where not exists (
    select from perdure.actor as a where a.owner = dead.id and a.id not in (select freed.id from freed)
  )
),
forgotten as (
  delete from perdure.node using gone where node.id = gone.id
)
select
  (select count(*) from freed)::integer as actors,
  (select coalesce(json_agg(gone.id), '[]') from gone)::text as nodes
