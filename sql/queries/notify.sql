-- Tells all who listen on a channel ($1) some messages ($2, a JSON array of texts). A statement of its own, after what the messages
-- tell of was committed: a transaction that notifies holds a lock that all others that notify wait for.
select pg_notify($1::text, message)::text as told from json_array_elements_text($2::text::json) as message
