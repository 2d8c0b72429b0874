-- Locks an actor ($1) until the end of the caller's own transaction, before it is sent an event with a dedup key there.
-- The statement that sends begins after that: it sees every key that the actor knows, and nobody brings another meanwhile, since
-- keys are only written by who holds this lock. So it cannot fail on a key that two bring at once, which would abort the transaction.
select id from perdure.actor where id = $1::uuid for no key update
