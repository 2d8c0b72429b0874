-- Moves schedules on, a JSON document ($1), and brings the actors of their occurrences into being, another one ($2). Answers the
-- schedules that moved, each with the ids of the actors that were born, in the order of their times, as a JSON array.
--
-- Promise: a schedule moves and its actors are born in one statement, or neither: each occurrence once, whoever dies in between.
-- Races, and why none is lost
-- 1. Two nodes bring the same occurrence. One of them has the lock, the other skips the row; or it comes later, sees another revision,
--    and does nothing. If the first one dies, its statement is taken back, and the occurrence is due as before.
-- 2. A schedule is changed, paused or removed meanwhile. The revision is another one, or the row is gone: nothing is born.
-- 3. The answer was lost and the statement comes again: the revision is another one.
-- 4. An occurrence comes back, because the schedule was removed and made again: its id exists. The actor is not born twice.
-- Rows are locked in the order of names, and nobody waits for them.
with move as materialized (
  select document.* from json_to_recordset($1::text::json) as document (
    name text, revision uuid, next_at float8, last_at float8
  )
),
held as materialized (
  select s.name
  from perdure.schedule as s
  join move on move.name = s.name and move.revision = s.revision
  order by s.name
  for update of s skip locked
),
moved as (
  update perdure.schedule as s
  set next_at = to_timestamp(move.next_at / 1000),
    last_at = coalesce(to_timestamp(move.last_at / 1000), s.last_at),
    revision = gen_random_uuid(),
    updated_at = now()
  from move
  join held on held.name = move.name
  where s.name = move.name and s.revision = move.revision
  returning s.name, s.machine, s.machine_version, s.queue, s.priority, s.partition_key, s.input
),
birth as materialized (
  select document.* from json_to_recordset($2::text::json) as document (name text, id uuid, at float8, input text)
),
born as (
  insert into perdure.actor (
    id, machine, machine_version, key_scope, queue, priority, partition_key, input, status, wake_at
  )
  select
    birth.id, moved.machine, moved.machine_version, '{}'::perdure.key_scope, moved.queue, moved.priority, moved.partition_key,
    coalesce(birth.input::json, moved.input), 'ready'::perdure.actor_status, to_timestamp(birth.at / 1000)
  from birth
  join moved on moved.name = birth.name
  order by birth.at
  on conflict do nothing
  returning id
)
select
  moved.name,
  coalesce(
    (select json_agg(birth.id order by birth.at) from birth join born on born.id = birth.id where birth.name = moved.name),
    '[]'
  )::text as born
from moved
