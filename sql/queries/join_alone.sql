-- A node ($1, named $2) joins, with a lease of so many milliseconds ($3), where one process has the database for itself.
-- A node that joined before this database came up belongs to a process that has ended: its lease ends here.
with former as (
  update perdure.node set expires_at = '-infinity' where started_at < pg_postmaster_start_time()
)
insert into perdure.node (id, name, expires_at)
values ($1::text::uuid, $2::text, now() + $3::float8 * interval '1 millisecond')
