-- Migration 1: actors, their inboxes, the dedup keys that they know, and the nodes that lease them.
--
-- Promises: applied as a whole or not at all, once, however many nodes try at the same time. Run as one script it is one
-- transaction.
-- Race: two nodes both find nothing and both create. Guard: the advisory lock lets one of them go first; the other then
-- fails on the primary key of `migration`, before it has changed anything, and takes that as "done already".
--
-- Documents are `json`, never `jsonb`: their text is kept to the letter, and `\u0000` is allowed.

select pg_advisory_xact_lock(hashtextextended('perdure.migration', 0));

create schema if not exists perdure;

create table if not exists perdure.migration (
  version integer primary key,
  name text not null,
  applied_at timestamptz not null default now()
);

insert into perdure.migration (version, name) values (1, 'actors');

-- A type, and a domain for sets of it, rather than checks: those of a table are read anew by every statement that writes to it.
-- In this order: those that are not over, then, from `done` on, those that are.
create type perdure.actor_status as enum ('ready', 'running', 'waiting', 'parked', 'done', 'failed', 'stopped');

-- The statuses in which an actor keeps its key: none, or all that live and some more. A status outside the scope gives the key
-- away; an actor that could come back from there would collide in mid-flight.
create domain perdure.key_scope as perdure.actor_status[]
  constraint key_scope_keeps_a_taken_key check (value = '{}' or value @> '{ready,running,waiting}');

create table perdure.actor (
  id uuid primary key,
  machine text not null,
  machine_version text,
  key text,
  key_scope perdure.key_scope not null,
  queue text not null,
  priority smallint not null,
  partition_key text,
  status perdure.actor_status not null,
  owner uuid,
  version bigint not null default 0,
  attempt integer not null default 0,
  -- When the earliest timer is due. Changes with every transition, so it is in no index.
  timer_at timestamptz,
  -- When a row that nobody owns is to be picked. Changes only when a lease ends, so that other commits stay HOT.
  wake_at timestamptz,
  -- The line in which a ready row stands: the common one of its queue, 0, or that of its partition, a hash of the key, once a picker
  -- has found it to be behind another of its partition.
  lane bigint not null default 0,
  inbox_seq bigint not null default 0,
  inbox_seen bigint not null default 0,
  parent uuid,
  -- What its parent knows it by; and its place, where it is one of several that a join waits for.
  parent_session integer,
  parent_index integer,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz,
  input json,
  snapshot json,
  journal json,
  journal_before json,
  output json,
  last_error json,

  constraint actor_has_snapshot_iff_started check ((version > 0) = (snapshot is not null)),
  constraint actor_running_has_owner check (status <> 'running' or owner is not null),
  constraint actor_ready_has_wake_at check (status <> 'ready' or wake_at is not null),
  constraint actor_ended_is_at_rest check (ended_at is null or (owner is null and wake_at is null)),
  constraint actor_ended_at_iff_ended check ((status >= 'done') = (ended_at is not null)),
  constraint actor_output_only_when_done check (output is null or status = 'done'),
  constraint actor_journal_before_only_with_journal check (journal_before is null or journal is not null),
  constraint actor_has_session_iff_it_has_parent check ((parent is null) = (parent_session is null)),
  constraint actor_has_index_only_with_parent check (parent_index is null or parent is not null),
  constraint actor_inbox_seen_within_inbox_seq check (inbox_seen <= inbox_seq)
) with (fillfactor = 50);

-- A key is taken while its actor's status is in its scope.
create unique index actor_key_taken on perdure.actor (key) where key is not null and status = any (key_scope);

-- Everyone who ever had a key, the ended ones too.
create index actor_key on perdure.actor (key, created_at) where key is not null;

create index actor_owner on perdure.actor (owner) where owner is not null;

-- By machine and version, so that a picker never reads past rows of those that its node does not know. No version is ''.
create index actor_ready on perdure.actor (queue, machine, coalesce(machine_version, ''), lane, priority, wake_at)
  where owner is null and status = 'ready';

create index actor_due on perdure.actor (queue, machine, coalesce(machine_version, ''), wake_at)
  where owner is null and status = 'waiting' and wake_at is not null;

-- Of the actors of a partition one at most is owned. What keeps statements from waiting here for each other: pick.sql, 4.
create unique index actor_partition_taken on perdure.actor (partition_key)
  where owner is not null and partition_key is not null;

create index actor_partition_ready on perdure.actor (partition_key, lane, priority, wake_at)
  where owner is null and status = 'ready' and partition_key is not null;

-- What the janitor collects. Only the end of an actor writes to it.
create index actor_collectable on perdure.actor (machine, ended_at)
  where ended_at is not null and (key is null or status <> all (key_scope));

-- The children of an actor. None of it ever changes.
create index actor_parent on perdure.actor (parent, parent_session, parent_index) where parent is not null;

-- What a parent waits for: `need` of `total` children that succeed; or, where that is null, the end of all of them. Deleted when it is
-- released.
create table perdure.child_join (
  parent uuid not null references perdure.actor on delete cascade,
  session integer not null,
  total integer not null,
  need integer,
  -- How many may run at a time; null: all of them.
  concurrency integer,
  -- The place of the first child that was not let run yet.
  started integer not null,
  ended integer not null default 0,
  succeeded integer not null default 0,
  primary key (parent, session),
  constraint child_join_needs_some_of_its_children check (need between 1 and total),
  constraint child_join_concurrency_is_positive check (concurrency > 0)
);

create table perdure.signal (
  actor_id uuid not null references perdure.actor on delete cascade,
  seq bigint not null,
  event json not null,
  dedup_key text,
  sent_at timestamptz not null default now(),
  primary key (actor_id, seq),
  constraint signal_seq_is_positive check (seq > 0)
);

create table perdure.dedup (
  actor_id uuid not null references perdure.actor on delete cascade,
  dedup_key text not null,
  seen_at timestamptz not null default now(),
  primary key (actor_id, dedup_key)
);

create index dedup_seen_at on perdure.dedup (seen_at);

create table perdure.node (
  id uuid primary key,
  name text not null,
  -- Held as a session advisory lock for as long as the node's session lives; null where there are no other sessions.
  lock_key bigint,
  started_at timestamptz not null default now(),
  expires_at timestamptz not null
);

-- An actor in the shape that every driver carries without loss: documents as text, times in epoch milliseconds.
create view perdure.actor_row as
select
  id, machine, machine_version as "machineVersion", key, queue, priority, partition_key as "partitionKey",
  status, owner, version::float8 as version, attempt,
  input::text as input, snapshot::text as snapshot, journal::text as journal, journal_before::text as "journalBefore",
  output::text as output, last_error::text as "lastError",
  -- A child that waits for its turn waits for ever, as far as the clock goes.
  (extract(epoch from nullif(wake_at, 'infinity')) * 1000)::float8 as "wakeAt",
  (extract(epoch from timer_at) * 1000)::float8 as "timerAt",
  inbox_seq::float8 as "inboxSeq",
  (extract(epoch from created_at) * 1000)::float8 as "createdAt",
  parent, parent_session as "parentSession", parent_index as "parentIndex"
from perdure.actor;

-- The inbox of each actor, as one JSON array in order of arrival: as many signals as a client can read in one text. Events are
-- strings in it, so that their text is kept to the letter.
create view perdure.inbox_row as
select actor.id as actor_id, (
  select
    json_agg(
      json_build_object(
        'seq', seq,
        'event', event::text,
        'dedupKey', dedup_key,
        'sentAt', (extract(epoch from sent_at) * 1000)::float8
      ) order by seq
    )::text
  from (select * from perdure.signal where signal.actor_id = actor.id order by seq limit 50) as first
) as inbox
from perdure.actor;

-- The dedup keys that each actor took last, newest first, as one JSON array.
create view perdure.dedup_row as
select actor.id as actor_id, (
  select json_agg(newest.dedup_key)::text
  from (
    select dedup_key from perdure.dedup where dedup.actor_id = actor.id order by seen_at desc, dedup_key limit 256
  ) as newest
) as dedup_keys
from perdure.actor;
