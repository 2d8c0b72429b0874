-- The server process that answers.
select pg_backend_pid() as pid
