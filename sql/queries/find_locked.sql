-- Which of some actors ($1, a JSON array of ids) others keep locked at this moment. Waits for nobody.
with free as materialized (
  select id from perdure.actor
  where id = any (array(select value::uuid from json_array_elements_text($1::text::json)))
  for no key update skip locked
)
select id from perdure.actor
where id = any (array(select value::uuid from json_array_elements_text($1::text::json))) and id not in (select id from free)
