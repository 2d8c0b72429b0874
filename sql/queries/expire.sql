-- Ends the lease of a node ($1) at once: whoever reaps next frees its rows. Answers nothing if the node is forgotten already.
-- One that leaves in order ($2) says so: reap.sql then takes back the attempts that its claims had counted.
update perdure.node
set expires_at = case when $2::boolean then '-infinity' else now() end
where id = $1::uuid
returning id
