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

CREATE INDEX actor_partition_ready ON perdure.actor USING btree (partition_key, lane, priority, wake_at) WHERE owner IS NULL AND status = 'ready'::perdure.actor_status AND partition_key IS NOT NULL;

CREATE INDEX actor_ready ON perdure.actor USING btree (queue, machine, COALESCE(machine_version, ''::text), lane, priority, wake_at) WHERE owner IS NULL AND status = 'ready'::perdure.actor_status;

CREATE UNIQUE INDEX actor_key_taken ON perdure.actor USING btree (key) WHERE key IS NOT NULL AND (status = ANY (key_scope));

CREATE UNIQUE INDEX actor_partition_taken ON perdure.actor USING btree (partition_key) WHERE owner IS NOT NULL AND partition_key IS NOT NULL;

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
    (EXTRACT(epoch FROM wake_at) * 1000::numeric)::double precision AS "wakeAt",
    (EXTRACT(epoch FROM timer_at) * 1000::numeric)::double precision AS "timerAt",
    inbox_seq::double precision AS "inboxSeq",
    (EXTRACT(epoch FROM created_at) * 1000::numeric)::double precision AS "createdAt"
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
 SELECT actor_id,
    json_agg(json_build_object('seq', seq, 'event', event::text, 'dedupKey', dedup_key, 'sentAt', (EXTRACT(epoch FROM sent_at) * 1000::numeric)::double precision) ORDER BY seq)::text AS inbox
   FROM perdure.signal
  GROUP BY actor_id;
