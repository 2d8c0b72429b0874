-- Frees slots of a node ($1): a batch as one JSON document ($2). Answers nothing.
--
-- Promises: freed is only what the node still has; a slot that its holder has from elsewhere by now stays.
-- Race: another take, another release, or the end of the node locks the same slots. All lock them in the order of their keys.
with given as materialized (
  select distinct document.*
  from json_to_recordset($2::text::json) as document (limit_name text, partition text, holder text)
),
locked as materialized (
  select s.*
  from (select * from given order by limit_name, partition, holder) as given
  cross join lateral (
    select slot.limit_name, slot.partition, slot.number
    from perdure.slot
    where slot.limit_name = given.limit_name and slot.partition = given.partition and slot.holder = given.holder
      and slot.node = $1::uuid
    for no key update
  ) as s
)
update perdure.slot set node = null
from locked
where slot.limit_name = locked.limit_name and slot.partition = locked.partition and slot.number = locked.number
  and slot.node = $1::uuid
