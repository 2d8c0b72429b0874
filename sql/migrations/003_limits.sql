-- Migration 3: what is left of the named limits that all nodes share: tokens of rates, slots of concurrency.
--
-- What a limit allows is not kept here: each node brings its figures along with what it asks for (take_permits.sql).

select pg_advisory_xact_lock(hashtextextended('perdure.migration', 0));

insert into perdure.migration (version, name) values (3, 'limits');

-- The tokens of a rate. A bucket that is full says nothing, and may be deleted.
create table perdure.bucket (
  limit_name text not null,
  -- Empty: the limit is not divided.
  partition text not null,
  -- How many tokens there were, and when.
  level float8 not null,
  filled_at timestamptz not null,
  full_at timestamptz not null,
  primary key (limit_name, partition)
) with (fillfactor = 50);

-- One of the things that only so many may do at once. It is free where no node has it: a node that is forgotten frees its slots.
create table perdure.slot (
  limit_name text not null,
  partition text not null,
  -- 1, 2, … up to the concurrency of the limit.
  number integer not null,
  holder text,
  node uuid references perdure.node on delete set null,
  taken_at timestamptz not null default now(),
  primary key (limit_name, partition, number),
  constraint slot_is_held_by_somebody check (node is null or holder is not null),
  constraint slot_number_is_positive check (number > 0)
);

create unique index slot_holder on perdure.slot (limit_name, partition, holder) where node is not null;

-- In the order in which slots are locked.
create index slot_node on perdure.slot (node, limit_name, partition, holder) where node is not null;
