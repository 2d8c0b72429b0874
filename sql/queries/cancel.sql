-- Ends an actor ($1) that nobody owns, for a reason ($3, which may be null). Of one that is owned, its owner is asked to: by an event in
-- its inbox ($2), once. Answers a row: whether the actor exists, whether it was still alive, and its owner.
--
-- Promises: an actor without an owner has ended when this answers, whatever its row holds; nothing of the row needs to be readable.
-- Races, and why none is lost
-- 1. The actor is leased, or let go, meanwhile. Every case reads the target row itself, so that it is decided again, on the newest
--    row, after a wait for its lock.
-- 2. Its owner goes to rest while it is asked to: see commit.sql, 2.
-- 3. Two ask at once, and neither sees the other's event. The second one finds the actor ended, and stays unread.
with asked as materialized (
  select exists (
    select from perdure.signal
    where signal.actor_id = $1::uuid and starts_with(signal.event::text, '{"type":"xstate.stop"')
  ) as before
),
moved as (
  update perdure.actor as a set
    status = case when a.owner is null then 'stopped' else a.status end,
    ended_at = case when a.owner is null then now() end,
    wake_at = case when a.owner is not null then a.wake_at end,
    timer_at = case when a.owner is not null then a.timer_at end,
    journal = case when a.owner is not null then a.journal end,
    journal_before = case when a.owner is not null then a.journal_before end,
    last_error = case when a.owner is null then coalesce($3::text::json, a.last_error) else a.last_error end,
    inbox_seq = a.inbox_seq + case when a.owner is null or asked.before then 0 else 1 end,
    updated_at = now()
  from asked
  where a.id = $1::uuid and a.ended_at is null
  returning a.id, a.owner, a.inbox_seq
),
requested as (
  insert into perdure.signal (actor_id, seq, event)
  select moved.id, moved.inbox_seq, $2::text::json
  from moved cross join asked
  where moved.owner is not null and not asked.before
)
select
  exists (select from perdure.actor where actor.id = $1::uuid) as "exists",
  moved.id is not null as lived,
  moved.owner
from (select) as always
left join moved on true
