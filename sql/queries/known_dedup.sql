-- Which pairs of actor and dedup key ($1, a JSON document) are known, in the order asked.
select coalesce(remembered.known, false) as known
from json_to_recordset($1::text::json) as asked (n integer, actor_id uuid, dedup_key text)
left join lateral (
  select true as known from perdure.dedup as d
  where d.actor_id = asked.actor_id and d.dedup_key = asked.dedup_key
  limit 1
) as remembered on true
order by asked.n
