-- Pauses a schedule ($1), or lets it go on ($2). Answers a row if there is one. The revision is another one then: who is about to fire it
-- with the old one does nothing.
update perdure.schedule
set paused = $2::boolean, revision = gen_random_uuid(), updated_at = now()
where name = $1::text
returning name
