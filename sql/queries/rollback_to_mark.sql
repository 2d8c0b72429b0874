-- Takes back what was done since set_mark.sql, the locks too.
rollback to savepoint commit_of_turn
