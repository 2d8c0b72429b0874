-- Puts events into inboxes: a batch as one JSON document ($1), no inbox to hold more than a limit ($2). Answers a row for
-- each event, in order: its kind, the status and machine of its actor, its arrival number and the actor's owner.
--
-- Promises: accepted events get their arrival numbers under the row's lock, in the order of the batch; a row that waits
-- without an owner is woken.
-- Races, and why none is lost
-- 1. An actor ends while it is sent to. Its status is read after its lock is held: the event is refused, or comes first.
-- 2. An actor goes to rest while it is sent to: see commit.sql, 2.
-- 3. The same new dedup key is sent twice at once: see commit.sql, 3.
-- 4. Batches name the same actors in other orders. Rows are locked in the order of ids, by a lateral join.
-- It waits for a row that somebody else keeps locked as long as $3 says; null: as the transaction that it is a part of.
-- The limit is counted before the lock: senders that race can exceed it by what they bring, and no more.
with sent as materialized (
  select document.*
  from json_to_recordset($1::text::json) as document (n integer, actor_id uuid, machine text, event text, dedup_key text)
),
locked as materialized (
  select a.*, (select count(*) from perdure.signal where signal.actor_id = a.id) as waiting
  from (
    select distinct actor_id
    from sent
    where $3::text is null or (select set_config('lock_timeout', $3::text, true)) is not null
    order by actor_id
  ) as wanted
  cross join lateral (
    select id, machine, status, ended_at is not null as has_ended
    from perdure.actor
    where actor.id = wanted.actor_id
    for no key update
  ) as a
),
addressed as materialized (
  select sent.n, sent.actor_id, sent.event, sent.dedup_key, locked.machine, locked.status, locked.has_ended, locked.waiting,
    coalesce(sent.machine <> locked.machine, false) as is_misaddressed
  from sent
  left join locked on locked.id = sent.actor_id
),
judged as materialized (
  select addressed.*,
    coalesce(remembered.known, false) as is_known,
    -- The first of the batch with the same key that may be taken; each event without a key is its own.
    case
      when dedup_key is null then n
      else min(n) over (partition by actor_id, dedup_key, is_misaddressed)
    end as first_n
  from addressed
  left join lateral (
    select true as known from perdure.dedup as d
    where d.actor_id = addressed.actor_id and d.dedup_key = addressed.dedup_key
    limit 1
  ) as remembered on true
),
news as (
  select
    actor_id,
    array_agg(n order by n) as ns,
    array_agg(event order by n) as events,
    array_agg(dedup_key order by n) as dedup_keys
  from (
    select judged.*, row_number() over (partition by actor_id order by n) as place
    from judged
    where not is_misaddressed and not has_ended and not is_known and n = first_n
  ) as fresh
  where place <= $2::bigint - waiting
  group by actor_id
),
raised as (
  update perdure.actor as a set
    inbox_seq = a.inbox_seq + cardinality(news.ns),
    (status, wake_at) = (
      select 'ready', now()
      where a.owner is null and a.status = 'waiting'
        -- Neither a delayed start nor a retry that lies ahead.
        and (a.wake_at is null or a.wake_at <= now() or (a.snapshot is not null and a.attempt = 0))
      union all select a.status, a.wake_at
      limit 1
    ),
    updated_at = now()
  from news
  where a.id = any (array(select locked.id from locked)) and a.id = news.actor_id
  returning a.id, a.owner, a.inbox_seq - cardinality(news.ns) as seq_before, news.ns, news.events, news.dedup_keys
),
accepted as (
  select raised.id, raised.owner, raised.seq_before + entry.place as seq, entry.n, entry.event, entry.dedup_key
  from raised
  cross join unnest(raised.ns, raised.events, raised.dedup_keys) with ordinality as entry (n, event, dedup_key, place)
),
remembered as (
  insert into perdure.dedup (actor_id, dedup_key)
  select id, dedup_key from accepted where dedup_key is not null
),
queued as (
  insert into perdure.signal (actor_id, seq, event, dedup_key)
  select id, seq, event::json, dedup_key from accepted
)
select
  case
    when judged.status is null then 'missing'
    when judged.is_misaddressed then 'otherMachine'
    when judged.is_known then 'duplicate'
    when judged.has_ended then 'terminated'
    when first.n is null then 'full'
    when judged.n = judged.first_n then 'queued'
    else 'duplicate'
  end as kind,
  judged.status,
  judged.machine,
  first.seq::float8 as seq,
  first.owner
from judged
left join accepted as first on first.n = judged.first_n
order by judged.n
