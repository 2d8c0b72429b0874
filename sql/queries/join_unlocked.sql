-- A node ($1, named $2) joins, with a lease of so many milliseconds ($3), where a pooler gives each transaction another session.
-- A lock would stay behind on one that others use next. So there is none: that the node is dead, only the end of its lease tells.
insert into perdure.node (id, name, expires_at)
values ($1::text::uuid, $2::text, now() + $3::float8 * interval '1 millisecond')
