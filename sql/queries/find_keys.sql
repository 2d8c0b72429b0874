-- The actor of each key ($1, a JSON array), in the order asked: the live one that has it, else the newest that had it.
select coalesce(
  (select id from perdure.actor where key = asked.key and status = any (key_scope) and ended_at is null),
  (select id from perdure.actor where key = asked.key order by created_at desc, id desc limit 1)
) as id
from json_array_elements_text($1::text::json) with ordinality as asked (key, n)
order by asked.n
