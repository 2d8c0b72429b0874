-- Puts events into inboxes: a batch as one JSON document ($1), no inbox to hold more than a limit ($2). Answers a row for
-- each event, in order: its kind, the status of its actor, its arrival number and the actor's owner.
--
-- Promises: accepted events get their arrival numbers under the row's lock, in the order of the batch; a row that waits
-- without an owner is woken.
-- Races, and why none is lost
-- 1. An actor ends while it is sent to. Its status is read after its lock is held: the event is refused, or comes first.
-- 2. An actor goes to rest while it is sent to: see commit.sql, 2.
-- 3. The same new dedup key is sent twice at once: see commit.sql, 3.
-- 4. Batches name the same actors in other orders. Rows are locked in the order of ids, by a lateral join.
-- The limit is counted before the lock: senders that race can exceed it by what they bring, and no more.
with sent as materialized (
  select document.*,
    -- The first of the batch with the same key; each event without a key is its own.
    case when dedup_key is null then n else min(n) over (partition by actor_id, dedup_key) end as first_n
  from json_to_recordset($1::text::json) as document (n integer, actor_id uuid, event text, dedup_key text)
),
locked as materialized (
  select a.*, (select count(*) from perdure.signal where signal.actor_id = a.id) as waiting
  from (select distinct actor_id from sent order by actor_id) as wanted
  cross join lateral (
    select id, status, ended_at from perdure.actor where actor.id = wanted.actor_id for no key update
  ) as a
),
judged as materialized (
  select sent.*, locked.status, locked.ended_at, locked.waiting, coalesce(remembered.known, false) as known
  from sent
  left join locked on locked.id = sent.actor_id
  left join lateral (
    select true as known from perdure.dedup as d
    where d.actor_id = sent.actor_id and d.dedup_key = sent.dedup_key
    limit 1
  ) as remembered on true
),
fresh as (
  select judged.*, row_number() over (partition by actor_id order by n) as place
  from judged
  where status is not null and ended_at is null and not known and n = first_n
),
accepted as materialized (
  select * from fresh where place <= $2::bigint - waiting
),
raised as (
  update perdure.actor as a set
    inbox_seq = a.inbox_seq + news.amount,
    (status, wake_at) = (
      select 'ready', now()
      where a.owner is null and a.status = 'waiting'
        -- Neither a delayed start nor a retry that lies ahead.
        and (a.wake_at is null or a.wake_at <= now() or (a.snapshot is not null and a.attempt = 0))
      union all select a.status, a.wake_at
      limit 1
    ),
    updated_at = now()
  from (select actor_id, count(*) as amount from accepted group by actor_id) as news
  where a.id = any (array(select accepted.actor_id from accepted)) and a.id = news.actor_id
  returning a.id, a.owner, a.inbox_seq - news.amount as seq_before
),
remembered as (
  insert into perdure.dedup (actor_id, dedup_key)
  select actor_id, dedup_key from accepted where dedup_key is not null
),
queued as (
  insert into perdure.signal (actor_id, seq, event, dedup_key)
  select accepted.actor_id, raised.seq_before + accepted.place, accepted.event::json, accepted.dedup_key
  from accepted join raised on raised.id = accepted.actor_id
)
select
  case
    when judged.status is null then 'missing'
    when judged.known then 'duplicate'
    when judged.ended_at is not null then 'terminated'
    when first.n is null then 'full'
    when judged.n = judged.first_n then 'queued'
    else 'duplicate'
  end as kind,
  judged.status,
  (raised.seq_before + first.place)::float8 as seq,
  raised.owner
from judged
left join accepted as first on first.n = judged.first_n
left join raised on raised.id = judged.actor_id
order by judged.n
