-- Actors that a node ($1) has leased and written nothing for since, up to a limit ($2). Asked for only where the answer to a pick was
-- lost: it reads all rows of the node.
select a.id
from perdure.actor as a
where a.owner = $1::uuid and a.attempt > 0
limit $2::integer
