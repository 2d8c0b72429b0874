-- Locks all actors that the commits of a JSON document ($1) may touch, in the order of ids; with them those that are named by id ($2)
-- and by key ($3). Answers their ids, as a JSON array. No lock of the transaction is waited for longer than $4 allows.
--
-- These are: the actors themselves; the parents that an end is told to; what is below the sessions that are cancelled, and below an
-- actor that ends; below a join, where the children that end here may release it before all have ended; and the children whose turn
-- comes when these end. Joins are locked already, so none of that is moved by another end meanwhile. What can still move is what hangs
-- below an actor before its lock is held (it has just become a parent), and who has a key. Both are looked at again later, and where
-- this list lacks one, all of it is done again (postgres-linked.ts).
with recursive document as materialized (
  select document.*
  from json_to_recordset($1::text::json) as document (id uuid, tells boolean, ends boolean, done boolean, cancels integer[])
  where (select set_config('lock_timeout', $4::text, true)) is not null
),
child as materialized (
  select document.done, a.parent, a.parent_session as session, a.parent_index as place
  from document
  cross join lateral (
    select own.parent, own.parent_session, own.parent_index
    from perdure.actor as own
    where own.id = document.id
    -- Whether it has a parent is asked outside: in here it would make the index on parents look like a way to find it.
    limit 1
  ) as a
  where document.tells and a.parent is not null
),
counted as materialized (
  select
    j.*, ending.ends,
    j.need is not null and (
      j.succeeded + ending.done >= j.need or j.succeeded + j.total - j.ended - (ending.ends - ending.done) < j.need
    ) as may_end_early
  from (
    select child.parent, child.session, count(*) as ends, count(*) filter (where child.done) as done
    from child
    where child.place is not null
    group by child.parent, child.session
  ) as ending
  cross join lateral (
    select * from perdure.child_join where child_join.parent = ending.parent and child_join.session = ending.session limit 1
  ) as j
),
cause as (
  select document.id as parent, null::integer as session from document where document.ends
  union
  select document.id, cancelled.session from document cross join unnest(document.cancels) as cancelled (session)
  union
  select counted.parent, counted.session from counted where counted.may_end_early
),
below (id) as (
  select a.id
  from cause
  cross join lateral (
    select own.id from perdure.actor as own
    where own.parent = cause.parent and (cause.session is null or own.parent_session = cause.session) and own.ended_at is null
    offset 0
  ) as a
  union
  select a.id
  from below
  cross join lateral (
    select own.id from perdure.actor as own where own.parent = below.id and own.ended_at is null offset 0
  ) as a
),
next as (
  select a.id
  from counted
  cross join lateral (
    select own.id
    from perdure.actor as own
    where own.parent = counted.parent and own.parent_session = counted.session and own.parent_index >= counted.started
      and own.ended_at is null
    order by own.parent_index
    limit counted.ends
  ) as a
  where counted.concurrency is not null
),
-- Who has a key, and the newest that had it: it is meant where these commits end the one that has it.
named as (
  select a.id
  from json_array_elements_text($3::text::json) as asked (key)
  cross join lateral (
    (
      select actor.id from perdure.actor
      where actor.key = asked.key and actor.status = any (actor.key_scope) and actor.ended_at is null
      limit 1
    )
    union
    (
      select actor.id from perdure.actor
      where actor.key = asked.key
      order by actor.created_at desc, actor.id desc
      limit 1
    )
  ) as a
),
locked as materialized (
  select wanted.id
  from (
    select document.id from document
    union select child.parent from child
    union select below.id from below
    union select next.id from next
    union select asked.id::uuid from json_array_elements_text($2::text::json) as asked (id)
    union select named.id from named
    order by id
  ) as wanted
  cross join lateral (select from perdure.actor as a where a.id = wanted.id for no key update) as a
)
select coalesce(json_agg(locked.id), '[]')::text as locked from locked
