-- Which pairs of actor and dedup key ($1, a JSON document) are known, in the order asked.
select exists (
  select from perdure.dedup where dedup.actor_id = asked.actor_id and dedup.dedup_key = asked.dedup_key
) as known
from json_to_recordset($1::text::json) as asked (n integer, actor_id uuid, dedup_key text)
order by asked.n
