-- Extends the lease of a node ($1) to so many milliseconds from now ($2). Not held: its row is gone. Tells the time, too, and
-- when the server was started: one that took over from another, or crashed, may have lost commits.
with renewed as (
  update perdure.node set expires_at = now() + $2::float8 * interval '1 millisecond' where id = $1::uuid returning 1
)
select
  exists (select from renewed) as held,
  (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
  extract(epoch from pg_postmaster_start_time())::text as server
