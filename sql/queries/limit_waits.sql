-- Run on each connection that commits outcomes: a batch waits half a second at most for a row that somebody else keeps locked.
-- Nothing of perdure's own holds a lock that long; the transaction of a caller may.
select set_config('lock_timeout', '500ms', false)
