-- Which commits of a JSON document ($1) others hold up at this moment: those whose own row is locked, or their parent's, or one that
-- they send to. Waits for nobody. Answers their places.
with document as materialized (
  select document.*
  from json_to_recordset($1::text::json) as document (n integer, id uuid, tells boolean, targets uuid[], keys text[])
),
wanted as materialized (
  select document.n, document.id from document
  union all
  select document.n, a.parent
  from document
  cross join lateral (select own.parent from perdure.actor as own where own.id = document.id limit 1) as a
  where document.tells
  union all
  select document.n, target.id from document cross join unnest(document.targets) as target (id)
  union all
  select document.n, a.id
  from document
  cross join unnest(document.keys) as asked (key)
  cross join lateral (
    select actor.id from perdure.actor where actor.key = asked.key and actor.status = any (actor.key_scope) limit 1
  ) as a
),
free as materialized (
  select actor.id from perdure.actor where actor.id = any (array(select wanted.id from wanted)) for no key update skip locked
)
select distinct wanted.n
from wanted
where wanted.id not in (select free.id from free) and exists (select from perdure.actor where actor.id = wanted.id)
