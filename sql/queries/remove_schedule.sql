-- Removes a schedule ($1). Answers a row if there was one. Its actors live on.
delete from perdure.schedule where name = $1::text returning name
