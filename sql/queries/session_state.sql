-- What code may leave behind on a session beside its rows, as one text: two that are alike have the same things left on them.
-- Only what `set`, locks, LISTEN, temporary tables, cursors, and `prepare` as a statement leave; what clients prepare by name they
-- know themselves.
select concat_ws(
  ' ',
  session_user,
  current_user,
  (
    select md5(string_agg(quote_literal(name) || quote_literal(setting), '' order by name))
    from pg_catalog.pg_settings
    where source = 'session'
  ),
  (select count(*) from pg_catalog.pg_locks where pid = pg_backend_pid() and locktype = 'advisory'),
  (select string_agg(quote_literal(channel), '' order by channel) from pg_catalog.pg_listening_channels() as channel),
  (select count(*) from pg_catalog.pg_class where relnamespace = pg_my_temp_schema()),
  (select count(*) from pg_catalog.pg_prepared_statements where from_sql),
  (select count(*) from pg_catalog.pg_cursors where is_holdable)
) as state
