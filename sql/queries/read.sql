-- Reads actors by id ($1, a JSON array). Answers those that exist, in the order asked, each with its place.
select asked.n::integer - 1 as n, actor_row.*
from json_array_elements_text($1::text::json) with ordinality as asked (id, n)
cross join lateral (select * from perdure.actor_row where actor_row.id = asked.id::uuid limit 1) as actor_row
order by asked.n
