-- The world around the trips: the bank's accounts, what the providers keep, and the mail server. It is made anew by every run.

drop schema if exists trips_world cascade;
create schema trips_world;

-- The bank. What is taken and given back is written here by the transactions of the trips, and by nothing else.
create table trips_world.account (
  traveller text primary key,
  opening bigint not null,
  cents bigint not null check (cents >= 0)
);

create table trips_world.transfer (
  trip_no integer not null,
  traveller text not null references trips_world.account,
  -- Negative: taken.
  cents bigint not null
);

-- The providers. A reference names one reservation, however often it is asked for.
create table trips_world.reservation (
  reference text primary key,
  trip_no integer not null,
  kind text not null,
  state text not null check (state in ('reserved', 'confirmed', 'withdrawn'))
);

-- Every attempt that reached them, or the mail server.
create table trips_world.call (
  what text not null,
  trip_no integer not null,
  key text not null,
  attempt integer not null,
  worker integer not null
);

create table trips_world.mail (
  trip_no integer not null,
  subject text not null,
  key text not null
);
