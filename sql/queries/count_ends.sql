-- Counts the ends of children in their parents' joins: of the actors of a JSON document ($1) that `tell` and have ended. Lets as
-- many others run where a join allows some at a time only, and releases what is over: when all have ended; where some must succeed
-- (`need`), also when enough have, or too few are left to. Joins of sessions that the same commits cancel, and of actors that end, are
-- forgotten, and nobody is told of children there.
--
-- Answers a row for each event that a parent is to get: the session, the outcomes with their places as a JSON array, and of a join
-- how many children it needs (null: their ends, however) and has (null for a child without one); and who was let run. Runs under the locks of lock_joins.sql and
-- lock_linked.sql: each child is counted once, since it ends once, and each join is released once, since it is deleted with that.
with document as materialized (
  select document.*
  from json_to_recordset($1::text::json) as document (n integer, id uuid, tells boolean, ends boolean, cancels integer[])
),
forgotten as materialized (
  select document.id as parent, cancelled.session
  from document
  cross join unnest(document.cancels) as cancelled (session)
  union
  select j.parent, j.session
  from document
  cross join lateral (
    select own.parent, own.session from perdure.child_join as own where own.parent = document.id offset 0
  ) as j
  where document.ends
),
ended as materialized (
  select document.n, a.parent, a.session, a.place, a.status, a.output, a.last_error
  from document
  cross join lateral (
    select own.parent, own.parent_session as session, own.parent_index as place, own.status, own.output, own.last_error, own.ended_at
    from perdure.actor as own
    where own.id = document.id
    -- As in lock_linked.sql: what else it must be is asked outside.
    limit 1
  ) as a
  where document.tells and a.parent is not null and a.ended_at is not null
    and not exists (select from forgotten where forgotten.parent = a.parent and forgotten.session = a.session)
),
tally as materialized (
  select
    max(ended.n) as n, j.parent, j.session, j.total, j.need, j.concurrency, j.started,
    j.ended + count(*) as ended,
    j.succeeded + count(*) filter (where ended.status = 'done') as succeeded,
    -- Those that never ran leave no room.
    count(*) filter (where ended.place < j.started) as room
  from ended
  cross join lateral (
    select * from perdure.child_join where child_join.parent = ended.parent and child_join.session = ended.session limit 1
  ) as j
  where ended.place is not null
  group by j.parent, j.session, j.total, j.need, j.concurrency, j.started, j.ended, j.succeeded
),
judged as materialized (
  select tally.*,
    tally.ended >= tally.total
      or (tally.need is not null
        and (tally.succeeded >= tally.need or tally.succeeded + tally.total - tally.ended < tally.need)) as is_over
  from tally
),
gone as (
  delete from perdure.child_join as j
  using (
    select parent, session from forgotten
    union select parent, session from judged where is_over
  ) as over
  where j.parent = over.parent and j.session = over.session
),
next as materialized (
  select judged.n, judged.parent, judged.session, a.id, a.parent_index
  from judged
  cross join lateral (
    select own.id, own.parent_index
    from perdure.actor as own
    where own.parent = judged.parent and own.parent_session = judged.session and own.parent_index >= judged.started
      and own.ended_at is null
    order by own.parent_index
    limit judged.room
  ) as a
  where not judged.is_over and judged.concurrency is not null
),
counted as (
  update perdure.child_join as j set
    ended = judged.ended,
    succeeded = judged.succeeded,
    started = coalesce(
      (select max(next.parent_index) + 1 from next where next.parent = j.parent and next.session = j.session),
      j.started
    )
  from judged
  where not judged.is_over and j.parent = judged.parent and j.session = judged.session
),
let_run as (
  update perdure.actor as a set status = 'ready', wake_at = now(), updated_at = now()
  from next
  where a.id = next.id
  returning next.n
)
select
  ended.n, ended.parent, ended.session, null::integer as need, null::integer as total,
  json_build_array(json_build_array(0, ended.status, ended.output::text, ended.last_error::text))::text as outcomes
from ended
where ended.place is null
union all
select
  judged.n, judged.parent, judged.session, judged.need, judged.total,
  (
    select json_agg(json_build_array(a.parent_index, a.status, a.output::text, a.last_error::text))
    from perdure.actor as a
    where a.parent = judged.parent and a.parent_session = judged.session and a.ended_at is not null
  )::text
from judged
where judged.is_over
union all
select distinct let_run.n, null::uuid, null::integer, null::integer, null::integer, null::text from let_run
order by n
