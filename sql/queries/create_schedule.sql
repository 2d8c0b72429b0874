-- Creates a schedule, a JSON document ($1). Answers a row if it did.
--
-- Race: two nodes bring the same schedule for the first time. The second one waits for the first and does nothing: it looks again.
insert into perdure.schedule (
  name, cron, time_zone, missed, machine, machine_version, queue, priority, partition_key, input, time_field, next_at
)
select
  name, cron, time_zone, missed, machine, machine_version, queue, priority, partition_key, input::json, time_field,
  to_timestamp(next_at / 1000)
from json_to_record($1::text::json) as document (
  name text, cron text, time_zone text, missed text, machine text, machine_version text, queue text, priority smallint,
  partition_key text, input text, time_field text, next_at float8
)
on conflict (name) do nothing
returning name
