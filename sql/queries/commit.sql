-- Writes the outcomes of one node ($1): a batch as one JSON document ($2), in the order of ids.
-- Answers one row, for clients read it faster than many: the outcomes that are committed, and the known keys that refused ones
-- bring, each as a JSON array. Outcomes of which nothing is answered are stale.
--
-- Promises: an outcome takes effect as a whole, or not at all, by itself: compare-and-set on (id, owner, version).
-- It waits for half a second at most for a row that somebody else keeps locked: nothing of perdure's own holds a lock that long; the
-- transaction of a caller may. The limit is set by the statement, and for it alone, before it looks for rows: a setting of the session
-- would be another client's behind some poolers.
-- Races, and why none is lost
-- 1. Another owner, or our own first try, commits before. Every guard reads the target row itself, so that it is evaluated
--    again, on the newest row, after a wait for its lock. Stale goes before duplicate: the keys of an outcome that is
--    repeated after it landed are its own.
-- 2. A signal lands while its actor lets go of the lease. Both write the actor's row: whoever comes second sees the other.
--    Either inbox_seq has moved and the lease stays, or the sender finds the row without an owner and wakes it.
-- 3. Two writers bring the same new dedup key, and neither sees the other's. The plain insert then fails on the primary
--    key, the statement takes back all it did, and the store asks again, and then sees the key.
-- 4. Batches name the same rows in other orders. Rows are reached by their ids, in order, and in no other way: owners are
--    compared so that no index serves (the one on owners would bring all that a node has), and no join reorders outcomes.
with document as (
  select * from json_to_recordset($2::text::json) as document (
    n integer, id uuid, version bigint, snapshot text, status perdure.actor_status, output text, last_error text, journal text,
    keep_before boolean, timer_at float8, inbox_seen bigint, release boolean, retry_in_ms float8, untried boolean,
    dedup_keys text[], consumed bigint[], deferred_events text[], deferred_keys text[], machine_version text
  )
),
outcome as (
  select document.*,
    $1::uuid as owner,
    to_timestamp(timer_at / 1000) as timer,
    case when retry_in_ms is null and status in ('done', 'failed', 'stopped') then now() end as ended_at,
    now() + retry_in_ms * interval '1 millisecond' as retry_at,
    coalesce(cardinality(deferred_events), 0) as deferred_count,
    -- The lease ends if no signal is newer than this number: the highest possible number (always), the newest seen (if none was
    -- missed), -1 (never).
    case
      when retry_in_ms is not null or status in ('done', 'failed', 'stopped', 'parked') then 9223372036854775807
      when release then inbox_seen
      else -1
    end as free_upto,
    -- What nobody owns cannot be running: it is to be taken up.
    case when retry_in_ms is not null then 'waiting' when status = 'running' then 'ready' else status end as free_status
  from document
),
known as (
  select o.n, brought.dedup_key
  from outcome as o
  cross join unnest(o.dedup_keys) as brought (dedup_key)
  cross join lateral (
    select from perdure.dedup as d where d.actor_id = o.id and d.dedup_key = brought.dedup_key limit 1
  ) as remembered
  cross join lateral (
    select from perdure.actor as a
    where a.id = o.id and a.version = o.version and a.owner is not distinct from $1::uuid
    limit 1
  ) as fresh
  where o.dedup_keys is not null
),
committed as (
  update perdure.actor as a set
    version = a.version + case when o.snapshot is null then 0 else 1 end,
    snapshot = coalesce(o.snapshot::json, a.snapshot),
    machine_version = coalesce(o.machine_version, a.machine_version),
    output = coalesce(o.output::json, a.output),
    last_error = o.last_error::json,
    journal = o.journal::json,
    journal_before = case
      when o.journal is null then null
      when o.snapshot is null then a.journal_before
      when o.keep_before then a.snapshot
    end,
    status = case when a.inbox_seq <= o.free_upto then o.free_status else o.status end,
    owner = case when a.inbox_seq <= o.free_upto then null else a.owner end,
    attempt = case
      when o.retry_at is not null then greatest(a.attempt, 1)
      when o.untried and a.inbox_seq <= o.free_upto then greatest(a.attempt - 1, 0)
      -- Effects that are acknowledged are progress, as a transition is.
      when o.snapshot is not null or a.inbox_seq <= o.free_upto or (a.journal is not null and o.journal is null) then 0
      else a.attempt
    end,
    timer_at = o.timer,
    wake_at = case
      when a.inbox_seq > o.free_upto then case when o.status = 'ready' then coalesce(a.wake_at, now()) else a.wake_at end
      when o.retry_at is not null then o.retry_at
      when o.free_status = 'ready' then now()
      when o.free_status = 'waiting' then o.timer
    end,
    inbox_seq = a.inbox_seq + o.deferred_count,
    inbox_seen = case when a.inbox_seq <= o.inbox_seen then a.inbox_seq + o.deferred_count else o.inbox_seen end,
    updated_at = now(),
    ended_at = o.ended_at
  from outcome as o
  where a.id = any (array(select outcome.id from outcome))
    and a.id = o.id and a.version = o.version and a.owner is not distinct from o.owner
    and o.n <> all (array(select known.n from known))
    and (select set_config('lock_timeout', '500ms', true)) is not null
  returning
    o.n, a.id, a.owner is null as released, a.inbox_seq, a.inbox_seq - o.deferred_count as seq_before,
    o.dedup_keys, o.consumed, o.deferred_events, o.deferred_keys
),
remembered as (
  insert into perdure.dedup (actor_id, dedup_key)
  select distinct committed.id, brought.dedup_key
  from committed cross join unnest(committed.dedup_keys) as brought (dedup_key)
  where committed.dedup_keys is not null
),
taken as (
  delete from perdure.signal
  using committed cross join unnest(committed.consumed) as consumed (seq)
  where committed.consumed is not null and signal.actor_id = committed.id and signal.seq = consumed.seq
),
deferred as (
  insert into perdure.signal (actor_id, seq, event, dedup_key)
  select committed.id, committed.seq_before + entry.place, entry.event::json, entry.dedup_key
  from committed
  cross join unnest(committed.deferred_events, committed.deferred_keys) with ordinality as entry (event, dedup_key, place)
  where committed.deferred_events is not null
)
select
  (select json_agg(json_build_array(n, released, inbox_seq)) from committed)::text as committed,
  (select json_agg(json_build_array(n, dedup_key)) from known)::text as known
