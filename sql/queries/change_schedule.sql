-- Changes a schedule to what a JSON document says ($1), where its revision is the expected one ($2). Answers a row if it did. When it
-- was last fired, and whether it is paused, stay.
--
-- Race: it is changed, fired, paused or removed meanwhile. The second one waits for the first, finds another revision or no row, and
-- does nothing: it looks again.
update perdure.schedule as s
set cron = document.cron,
  time_zone = document.time_zone,
  missed = document.missed,
  machine = document.machine,
  machine_version = document.machine_version,
  queue = document.queue,
  priority = document.priority,
  partition_key = document.partition_key,
  input = document.input::json,
  time_field = document.time_field,
  next_at = to_timestamp(document.next_at / 1000),
  revision = gen_random_uuid(),
  updated_at = now()
from json_to_record($1::text::json) as document (
  name text, cron text, time_zone text, missed text, machine text, machine_version text, queue text, priority smallint,
  partition_key text, input text, time_field text, next_at float8
)
where s.name = document.name and s.revision = $2::text::uuid
returning s.name
