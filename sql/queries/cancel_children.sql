-- Ends the living children of actors, with all that is below them: a JSON document ($1) of parents, each with a session, or with
-- none for all that it has. Who is owned is asked to end, by an event in its inbox ($3), once; who is not has ended.
--
-- Only actors that the transaction has locked ($2, a JSON array of ids) are touched; `missed` counts the others, and the transaction is
-- then begun again. Where that is 0, nothing is left below that lives and was not asked: an owner that is asked cancels, with the
-- commit of its end, what it has brought into being until then. Answers who was asked, each with the `n` of its cause.
with recursive cause as materialized (
  select document.* from json_to_recordset($1::text::json) as document (n integer, parent uuid, session integer)
),
below (n, id) as (
  select cause.n, a.id
  from cause
  cross join lateral (
    select own.id from perdure.actor as own
    where own.parent = cause.parent and (cause.session is null or own.parent_session = cause.session) and own.ended_at is null
    offset 0
  ) as a
  union
  select below.n, a.id
  from below
  cross join lateral (
    select own.id from perdure.actor as own where own.parent = below.id and own.ended_at is null offset 0
  ) as a
),
found as materialized (
  select min(below.n) as n, below.id, asked.id is not null as is_locked, exists (
    select from perdure.signal
    where signal.actor_id = below.id and starts_with(signal.event::text, '{"type":"xstate.stop"')
  ) as was_asked
  from below
  left join json_array_elements_text($2::text::json) as asked (id) on asked.id::uuid = below.id
  group by below.id, asked.id
),
moved as (
  update perdure.actor as a set
    status = case when a.owner is null then 'stopped' else a.status end,
    ended_at = case when a.owner is null then now() end,
    wake_at = case when a.owner is not null then a.wake_at end,
    timer_at = case when a.owner is not null then a.timer_at end,
    journal = case when a.owner is not null then a.journal end,
    journal_before = case when a.owner is not null then a.journal_before end,
    inbox_seq = a.inbox_seq + case when a.owner is null or found.was_asked then 0 else 1 end,
    updated_at = now()
  from found
  where a.id = found.id and found.is_locked
  returning a.id, a.owner, a.inbox_seq, found.n, found.was_asked
),
requested as (
  insert into perdure.signal (actor_id, seq, event)
  select moved.id, moved.inbox_seq, $3::text::json
  from moved
  where moved.owner is not null and not moved.was_asked
)
select
  (select count(*) from found where not found.is_locked)::integer as missed,
  (
    select json_agg(json_build_array(moved.n, moved.id, moved.owner, moved.inbox_seq))
    from moved
    where moved.owner is not null
  )::text as asked
