"""A source's files -> typed columns in SQL: a module per format, and keys, weeks and columns as text becomes a value."""
