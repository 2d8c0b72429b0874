-- The first of the statements in which commits reach other rows: locks the joins that may change, for the commits of a JSON document
-- ($1): those that an ending child is counted in (`tells`), those of sessions that are cancelled, all those of an actor that ends. No
-- lock of the transaction is waited for longer than $2 allows.
--
-- Joins come before actors, in one order, so that what the next statement reads of a join stands still: who of its children run, who
-- wait for their turn, whether it is about to be released. A join is there as soon as its children are, and never comes back: the
-- parent's one commit brings all of them.
with document as materialized (
  select document.*
  from json_to_recordset($1::text::json) as document (id uuid, tells boolean, ends boolean, cancels integer[])
  where (select set_config('lock_timeout', $2::text, true)) is not null
),
wanted as materialized (
  select child.parent, child.parent_session as session
  from document
  cross join lateral (
    select a.parent, a.parent_session, a.parent_index from perdure.actor as a where a.id = document.id limit 1
  ) as child
  where document.tells and child.parent_index is not null
  union
  select document.id, cancelled.session
  from document
  cross join unnest(document.cancels) as cancelled (session)
  union
  select owned.parent, owned.session
  from document
  cross join lateral (
    select j.parent, j.session from perdure.child_join as j where j.parent = document.id offset 0
  ) as owned
  where document.ends
)
select count(*)::integer as locked
from (select wanted.parent, wanted.session from wanted order by wanted.parent, wanted.session) as wanted
cross join lateral (
  select from perdure.child_join as j where j.parent = wanted.parent and j.session = wanted.session for no key update
) as locked
