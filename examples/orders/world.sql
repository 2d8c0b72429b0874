-- The world around the orders: what the carrier and the mail server keep, and a witness of every step that is committed.
-- It is made anew by every run.

drop schema if exists orders_world cascade;
create schema orders_world;

-- The carrier: every call that reached it, and the parcels that came of them.
create table orders_world.call (
  key text not null,
  order_no integer not null,
  worker integer not null,
  at timestamptz not null default clock_timestamp()
);

create table orders_world.parcel (
  key text primary key,
  order_no integer not null,
  tracking text generated always as ('PD-' || order_no) stored
);

-- The mail server: its spool, loaded when all is over. A key of an action is `<actor>:<version>:<index>`.
create table orders_world.mail (
  kind text not null,
  order_no integer not null,
  worker integer not null,
  key text not null,
  actor uuid generated always as (split_part(key, ':', 1)::uuid) stored,
  version bigint generated always as (split_part(key, ':', 2)::bigint) stored
);

-- The witness. No constraints: what must not happen is to be seen here, not prevented.
create table orders_world.step (
  actor uuid not null,
  version bigint not null,
  worker integer,
  order_no integer not null,
  state text not null,
  reminders integer not null,
  timer_at timestamptz,
  at timestamptz not null default clock_timestamp()
);

create function orders_world.witness_step() returns trigger language plpgsql as $$
begin
  insert into orders_world.step (actor, version, worker, order_no, state, reminders, timer_at)
  values (
    new.id,
    new.version,
    -- A last step gives up the lease.
    (select substring(name from '\d+$')::integer from perdure_orders.node where id = coalesce(new.owner, old.owner)),
    (new.snapshot #>> '{context,orderNo}')::integer,
    new.snapshot ->> 'value',
    (new.snapshot #>> '{context,reminders}')::integer,
    new.timer_at
  );
  return null;
end $$;

create trigger witness_step after update on perdure_orders.actor
  for each row when (new.version <> old.version) execute function orders_world.witness_step();
