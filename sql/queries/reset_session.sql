-- Takes back what `set` has left on a session. Those with names of an application's own (`set app.tenant`) are in no list: session_state.sql
-- cannot see them. What the connection was made with stays.
reset all
