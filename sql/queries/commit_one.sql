-- Writes the outcome of one actor of a node ($1) whose transition is all there is to write: it goes on, its lease stays, and
-- nothing goes into its inbox, comes out of it, or brings a dedup key. Everything else is for commit.sql, which says why races do
-- no harm; what this one writes is what that one would.
--
-- An event that comes alone should not wait for what a batch needs: reading a document costs as much as the update itself.
-- It waits for a row that somebody else keeps locked as long as commit.sql does.
update perdure.actor set
  version = version + 1,
  snapshot = $4::text::json,
  status = $5::text::perdure.actor_status,
  last_error = null,
  journal = $6::text::json,
  journal_before = case when $7::boolean then snapshot end,
  attempt = 0,
  timer_at = to_timestamp($8::float8 / 1000),
  inbox_seen = least(inbox_seq, $9::bigint),
  updated_at = now()
where id = $2::uuid and version = $3::bigint and owner is not distinct from $1::uuid
  and (select set_config('lock_timeout', '500ms', true)) is not null
returning inbox_seq::float8 as "inboxSeq"
