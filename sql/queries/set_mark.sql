-- Where a commit in the transaction of a user's function goes back to, to look again (postgres-linked.ts). What the user did before stays.
savepoint commit_of_turn
