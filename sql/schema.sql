-- What sql/migrations add up to. Written by `npm run schema:dump`; do not edit.

create type perdure.actor_status as enum ('ready', 'running', 'waiting', 'parked', 'done', 'failed', 'stopped');

create domain perdure.key_scope as perdure.actor_status[] constraint key_scope_keeps_a_taken_key CHECK (VALUE = '{}'::perdure.actor_status[] OR VALUE @> '{ready,running,waiting}'::perdure.actor_status[]);

create table perdure.actor (
  id uuid not null,
  machine text not null,
  machine_version text,
  key text,
  key_scope perdure.key_scope not null,
  queue text not null,
  priority smallint not null,
  partition_key text,
  status perdure.actor_status not null,
  owner uuid,
  version bigint default 0 not null,
  attempt integer default 0 not null,
  timer_at timestamp with time zone,
  wake_at timestamp with time zone,
  lane bigint default 0 not null,
  inbox_seq bigint default 0 not null,
  inbox_seen bigint default 0 not null,
  parent uuid,
  parent_session integer,
  parent_index integer,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  input json,
  snapshot json,
  journal json,
  journal_before json,
  output json,
  last_error json,
  constraint actor_pkey PRIMARY KEY (id),
  constraint actor_ended_at_iff_ended CHECK ((status >= 'done'::perdure.actor_status) = (ended_at IS NOT NULL)),
  constraint actor_ended_is_at_rest CHECK (ended_at IS NULL OR owner IS NULL AND wake_at IS NULL),
  constraint actor_has_index_only_with_parent CHECK (parent_index IS NULL OR parent IS NOT NULL),
  constraint actor_has_session_iff_it_has_parent CHECK ((parent IS NULL) = (parent_session IS NULL)),
  constraint actor_has_snapshot_iff_started CHECK ((version > 0) = (snapshot IS NOT NULL)),
  constraint actor_inbox_seen_within_inbox_seq CHECK (inbox_seen <= inbox_seq),
  constraint actor_journal_before_only_with_journal CHECK (journal_before IS NULL OR journal IS NOT NULL),
  constraint actor_output_only_when_done CHECK (output IS NULL OR status = 'done'::perdure.actor_status),
  constraint actor_ready_has_wake_at CHECK (status <> 'ready'::perdure.actor_status OR wake_at IS NOT NULL),
  constraint actor_running_has_owner CHECK (status <> 'running'::perdure.actor_status OR owner IS NOT NULL)
) with (fillfactor=50);

CREATE INDEX actor_collectable ON perdure.actor USING btree (machine, ended_at) WHERE ended_at IS NOT NULL AND (key IS NULL OR (status <> ALL (key_scope)));

CREATE INDEX actor_due ON perdure.actor USING btree (queue, machine, COALESCE(machine_version, ''::text), wake_at) WHERE owner IS NULL AND status = 'waiting'::perdure.actor_status AND wake_at IS NOT NULL;

CREATE INDEX actor_key ON perdure.actor USING btree (key, created_at) WHERE key IS NOT NULL;

CREATE INDEX actor_owner ON perdure.actor USING btree (owner) WHERE owner IS NOT NULL;

CREATE INDEX actor_parent ON perdure.actor USING btree (parent, parent_session, parent_index) WHERE parent IS NOT NULL;

CREATE INDEX actor_partition_ready ON perdure.actor USING btree (partition_key, lane, priority, wake_at) WHERE owner IS NULL AND status = 'ready'::perdure.actor_status AND partition_key IS NOT NULL;

CREATE INDEX actor_ready ON perdure.actor USING btree (queue, machine, COALESCE(machine_version, ''::text), lane, priority, wake_at) WHERE owner IS NULL AND status = 'ready'::perdure.actor_status;

CREATE UNIQUE INDEX actor_key_taken ON perdure.actor USING btree (key) WHERE key IS NOT NULL AND (status = ANY (key_scope));

CREATE UNIQUE INDEX actor_partition_taken ON perdure.actor USING btree (partition_key) WHERE owner IS NOT NULL AND partition_key IS NOT NULL;

create table perdure.bucket (
  limit_name text not null,
  partition text not null,
  level double precision not null,
  filled_at timestamp with time zone not null,
  full_at timestamp with time zone not null,
  constraint bucket_pkey PRIMARY KEY (limit_name, partition)
) with (fillfactor=50);

create table perdure.child_join (
  parent uuid not null,
  session integer not null,
  total integer not null,
  need integer,
  concurrency integer,
  started integer not null,
  ended integer default 0 not null,
  succeeded integer default 0 not null,
  constraint child_join_pkey PRIMARY KEY (parent, session),
  constraint child_join_parent_fkey FOREIGN KEY (parent) REFERENCES perdure.actor(id) ON DELETE CASCADE,
  constraint child_join_concurrency_is_positive CHECK (concurrency > 0),
  constraint child_join_needs_some_of_its_children CHECK (need >= 1 AND need <= total)
);

create table perdure.dedup (
  actor_id uuid not null,
  dedup_key text not null,
  seen_at timestamp with time zone default now() not null,
  constraint dedup_pkey PRIMARY KEY (actor_id, dedup_key),
  constraint dedup_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES perdure.actor(id) ON DELETE CASCADE
);

CREATE INDEX dedup_seen_at ON perdure.dedup USING btree (seen_at);

create table perdure.migration (
  version integer not null,
  name text not null,
  applied_at timestamp with time zone default now() not null,
  constraint migration_pkey PRIMARY KEY (version)
);

create table perdure.node (
  id uuid not null,
  name text not null,
  lock_key bigint,
  started_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint node_pkey PRIMARY KEY (id)
);

create table perdure.schedule (
  name text not null,
  revision uuid default gen_random_uuid() not null,
  cron text not null,
  time_zone text not null,
  missed text not null,
  machine text not null,
  machine_version text,
  queue text not null,
  priority smallint not null,
  partition_key text,
  input json,
  time_field text,
  paused boolean default false not null,
  next_at timestamp with time zone,
  last_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint schedule_pkey PRIMARY KEY (name),
  constraint schedule_goes_forward CHECK (last_at < next_at),
  constraint schedule_missed_is_known CHECK (missed = ANY (ARRAY['skip'::text, 'once'::text, 'all'::text]))
);

CREATE INDEX schedule_due ON perdure.schedule USING btree (next_at) WHERE NOT paused AND next_at IS NOT NULL;

create table perdure.signal (
  actor_id uuid not null,
  seq bigint not null,
  event json not null,
  dedup_key text,
  sent_at timestamp with time zone default now() not null,
  constraint signal_pkey PRIMARY KEY (actor_id, seq),
  constraint signal_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES perdure.actor(id) ON DELETE CASCADE,
  constraint signal_seq_is_positive CHECK (seq > 0)
);

create table perdure.slot (
  limit_name text not null,
  partition text not null,
  number integer not null,
  holder text,
  node uuid,
  taken_at timestamp with time zone default now() not null,
  constraint slot_pkey PRIMARY KEY (limit_name, partition, number),
  constraint slot_node_fkey FOREIGN KEY (node) REFERENCES perdure.node(id) ON DELETE SET NULL,
  constraint slot_is_held_by_somebody CHECK (node IS NULL OR holder IS NOT NULL),
  constraint slot_number_is_positive CHECK (number > 0)
);

CREATE INDEX slot_node ON perdure.slot USING btree (node, limit_name, partition, holder) WHERE node IS NOT NULL;

CREATE UNIQUE INDEX slot_holder ON perdure.slot USING btree (limit_name, partition, holder) WHERE node IS NOT NULL;

create view perdure.actor_row as
 SELECT id,
    machine,
    machine_version AS "machineVersion",
    key,
    queue,
    priority,
    partition_key AS "partitionKey",
    status,
    owner,
    version::double precision AS version,
    attempt,
    input::text AS input,
    snapshot::text AS snapshot,
    journal::text AS journal,
    journal_before::text AS "journalBefore",
    output::text AS output,
    last_error::text AS "lastError",
    (EXTRACT(epoch FROM NULLIF(wake_at, 'infinity'::timestamp with time zone)) * 1000::numeric)::double precision AS "wakeAt",
    (EXTRACT(epoch FROM timer_at) * 1000::numeric)::double precision AS "timerAt",
    inbox_seq::double precision AS "inboxSeq",
    (EXTRACT(epoch FROM created_at) * 1000::numeric)::double precision AS "createdAt",
    parent,
    parent_session AS "parentSession",
    parent_index AS "parentIndex"
   FROM perdure.actor;

create view perdure.dedup_row as
 SELECT id AS actor_id,
    ( SELECT json_agg(newest.dedup_key)::text AS json_agg
           FROM ( SELECT dedup.dedup_key
                   FROM perdure.dedup
                  WHERE dedup.actor_id = actor.id
                  ORDER BY dedup.seen_at DESC, dedup.dedup_key
                 LIMIT 256) newest) AS dedup_keys
   FROM perdure.actor;

create view perdure.inbox_row as
 SELECT id AS actor_id,
    ( SELECT json_agg(json_build_object('seq', first.seq, 'event', first.event::text, 'dedupKey', first.dedup_key, 'sentAt', (EXTRACT(epoch FROM first.sent_at) * 1000::numeric)::double precision) ORDER BY first.seq)::text AS json_agg
           FROM ( SELECT signal.actor_id,
                    signal.seq,
                    signal.event,
                    signal.dedup_key,
                    signal.sent_at
                   FROM perdure.signal
                  WHERE signal.actor_id = actor.id
                  ORDER BY signal.seq
                 LIMIT 50) first) AS inbox
   FROM perdure.actor;

create view perdure.schedule_row as
 SELECT name,
    revision,
    cron,
    time_zone AS "timeZone",
    missed,
    machine,
    machine_version AS "machineVersion",
    queue,
    priority,
    partition_key AS "partitionKey",
    input::text AS input,
    time_field AS "timeField",
    paused AS "isPaused",
    (EXTRACT(epoch FROM next_at) * 1000::numeric)::double precision AS "nextAt",
    (EXTRACT(epoch FROM last_at) * 1000::numeric)::double precision AS "lastAt"
   FROM perdure.schedule;
