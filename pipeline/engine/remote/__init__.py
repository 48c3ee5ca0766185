"""Sources that are in a database: its engine sums the sales, and what comes here is a local copy in Parquet.

`dialects` are the words in which SQL differs, `drivers` open a database, `refusals` are its errors, `statements` are what is asked of it, `extracts` writes the
copy. Nothing here is imported unless the config names such a source, and a driver only when its database is asked.
"""
