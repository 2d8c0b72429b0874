-- Run first on each connection that perdure opens, where that has a session of its own. Every statement has an index for every row that it names. But a plan that
-- was made and kept while the tables were small may read them from end to end when they are large, and lock rows in that order.
-- Lateral lookups with `limit 1` in the statements are there for the same reason: no other plan exists for them.
select set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false)
