-- Reads actors by id ($1, a JSON array). Answers those that exist, in the order asked, each with its place.
select asked.n::integer - 1 as n, actor_row.*
from json_array_elements_text($1::text::json) with ordinality as asked (id, n)
join perdure.actor_row on actor_row.id = asked.id::uuid
order by asked.n
