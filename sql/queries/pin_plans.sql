-- Set once on each session that commits. Every statement of perdure has an index for each row that it names; but a plan that was
-- made and kept while the tables were small would read them from end to end as they grow, and lock rows in that order.
select set_config('enable_seqscan', 'off', false)
