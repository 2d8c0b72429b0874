-- Migration 2: schedules, whose occurrences become actors.
--
-- Promises, race and guard are those of migration 1.

select pg_advisory_xact_lock(hashtextextended('perdure.migration', 0));

insert into perdure.migration (version, name) values (2, 'schedules');

create table perdure.schedule (
  name text primary key,
  -- Another one with every change, so that nobody changes what they have not seen, even where a schedule was removed and came again.
  revision uuid not null default gen_random_uuid(),
  cron text not null,
  time_zone text not null,
  missed text not null,
  machine text not null,
  machine_version text,
  queue text not null,
  priority smallint not null,
  partition_key text,
  input json,
  -- The field of the input that gets the time of the occurrence.
  time_field text,
  paused boolean not null default false,
  -- The first occurrence that was not dealt with. Null: there is none to come.
  next_at timestamptz,
  -- The last occurrence that an actor came of.
  last_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint schedule_missed_is_known check (missed in ('skip', 'once', 'all')),
  constraint schedule_goes_forward check (last_at < next_at)
);

create index schedule_due on perdure.schedule (next_at) where not paused and next_at is not null;

-- A schedule in the shape that every driver carries without loss.
create view perdure.schedule_row as
select
  name, revision, cron, time_zone as "timeZone", missed, machine, machine_version as "machineVersion", queue, priority,
  partition_key as "partitionKey", input::text as input, time_field as "timeField", paused as "isPaused",
  (extract(epoch from next_at) * 1000)::float8 as "nextAt",
  (extract(epoch from last_at) * 1000)::float8 as "lastAt"
from perdure.schedule;
