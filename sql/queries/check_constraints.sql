-- Has constraints that wait for the end of a transaction checked now, so that it is the user's statements that fail by them.
set constraints all immediate
