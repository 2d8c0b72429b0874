-- The version of the server, for people.
select current_setting('server_version') as version
