-- Children that could not be born, because another actor has their key: a JSON document ($1). They are there as actors that have
-- failed, without their key, so that their parent hears of them as it does of any other child.
insert into perdure.actor (
  id, machine, machine_version, key_scope, queue, priority, partition_key, input, status, ended_at, last_error,
  parent, parent_session, parent_index
)
select
  id, machine, machine_version, '{}', queue, priority, partition_key, input::json, 'failed', now(), error::json,
  parent, parent_session, parent_index
from json_to_recordset($1::text::json) as document (
  id uuid, machine text, machine_version text, queue text, priority smallint, partition_key text, input text, error text,
  parent uuid, parent_session integer, parent_index integer
)
