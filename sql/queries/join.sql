-- A node ($1, named $2) joins, with a lease of so many milliseconds ($3).
--
-- Promises: whoever sees the row finds its lock held, as long as the session of this statement lives.
-- Race: a reaper sees the row before the lock is held, takes the lock itself, and holds the node for dead. Guard: the lock
-- is taken by the very statement that inserts the row, and before it does.
with held as materialized (
  select hashtextextended($1::text, 0) as lock_key, pg_advisory_lock(hashtextextended($1::text, 0))
)
insert into perdure.node (id, name, lock_key, expires_at)
select $1::text::uuid, $2::text, held.lock_key, now() + $3::float8 * interval '1 millisecond'
from held
