-- Ends the living children of actors, with all that is below them: a JSON document ($1) of parents, each with a session, or with
-- none for all that it has. Who is not owned has ended, and its joins are forgotten; who is owned is to be asked to end: those are the
-- answer, each with the `n` of its cause, and whether it was asked before.
--
-- Only actors that the transaction has locked ($2, a JSON array of ids) are touched; `missed` counts the others, and the transaction is
-- then begun again. Where that is 0, nothing is left below that lives and is not asked: an owner that is asked cancels, with the
-- commit of its end, what it has brought into being until then.
-- A join that another transaction has locked is left alone: that one waits for an actor that is locked here. Nobody is told by a
-- join whose parent has ended, and it goes with the row of its parent at the latest.
with recursive cause as materialized (
  select document.* from json_to_recordset($1::text::json) as document (n integer, parent uuid, session integer)
),
below (n, id, owner, inbox_seq) as (
  select cause.n, a.*
  from cause
  cross join lateral (
    select own.id, own.owner, own.inbox_seq from perdure.actor as own
    where own.parent = cause.parent and (cause.session is null or own.parent_session = cause.session) and own.ended_at is null
    offset 0
  ) as a
  union
  select below.n, a.*
  from below
  cross join lateral (
    select own.id, own.owner, own.inbox_seq from perdure.actor as own
    where own.parent = below.id and own.ended_at is null
    offset 0
  ) as a
),
found as materialized (
  select min(below.n) as n, below.id, below.owner, below.inbox_seq, held.id is not null as is_locked
  from below
  left join json_array_elements_text($2::text::json) as held (id) on held.id::uuid = below.id
  group by below.id, below.owner, below.inbox_seq, held.id
),
ended as (
  update perdure.actor as a set
    status = 'stopped', ended_at = now(), wake_at = null, timer_at = null, journal = null, journal_before = null, updated_at = now()
  from found
  where a.id = found.id and found.is_locked and found.owner is null
  returning a.id
),
forgotten as (
  delete from perdure.child_join as j
  using (
    select owned.parent, owned.session
    from ended
    cross join lateral (
      select own.parent, own.session from perdure.child_join as own where own.parent = ended.id for update skip locked
    ) as owned
  ) as free
  where j.parent = free.parent and j.session = free.session
)
select
  (select count(*) from found where not found.is_locked)::integer as missed,
  (
    select json_agg(json_build_array(found.n, found.id, found.owner, found.inbox_seq, exists (
      select from perdure.signal
      where signal.actor_id = found.id and starts_with(signal.event::text, '{"type":"xstate.stop"')
    )))
    from found
    where found.is_locked and found.owner is not null
  )::text as living
