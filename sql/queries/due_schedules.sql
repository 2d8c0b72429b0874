-- The schedules that are due, the longest due first, then by name, up to a limit ($2): of machines that the node knows, a JSON document
-- ($1). They begin after one that was due at a time ($3, in epoch milliseconds) and has a name ($4); null: with the first. Answers
-- at least one row, with the time and how long it is until the next of those that are not due; without a name it stands for no schedule.
--
-- Promise: reads what is due, and the first row that is not; nothing is locked. Many nodes look at the same time when an occurrence
-- falls due, and each is told of it: fire_schedules.sql lets one of them have it.
with known as materialized (
  select document.* from json_to_recordset($1::text::json) as document (name text, version text)
)
select
  (extract(epoch from now()) * 1000)::float8 as now,
  (
    select (extract(epoch from s.next_at - now()) * 1000)::float8
    from perdure.schedule as s
    where not s.paused and s.next_at > now()
      and exists (select from known where known.name = s.machine and known.version is not distinct from s.machine_version)
    order by s.next_at
    limit 1
  ) as "nextInMs",
  due.*
from (values (true)) as one
left join lateral (
  select shown.*
  from perdure.schedule as s
  join perdure.schedule_row as shown on shown.name = s.name
  where not s.paused and s.next_at <= now()
    and exists (select from known where known.name = s.machine and known.version is not distinct from s.machine_version)
    and ($3::float8 is null or (s.next_at, s.name) > (to_timestamp($3::float8 / 1000), $4::text))
  order by s.next_at, s.name
  limit $2::integer
) as due on true
order by due."nextAt", due.name
