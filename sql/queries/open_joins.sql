-- Has parents wait for children: a JSON document ($1) of joins, written with the commit that brings the children into being.
insert into perdure.child_join (parent, session, total, need, concurrency, started)
select parent, session, total, need, concurrency, least(coalesce(concurrency, total), total)
from json_to_recordset($1::text::json) as document (parent uuid, session integer, total integer, need integer, concurrency integer)
