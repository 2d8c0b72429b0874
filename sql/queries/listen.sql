-- Run on a connection that does nothing else. The channel has the name of the schema.
listen perdure;
