-- Ends the lease of a node ($1) at once: whoever reaps next frees its rows. Answers nothing if the node is forgotten already.
update perdure.node set expires_at = '-infinity' where id = $1::uuid returning id
