"""The workbench: one local page on which to see the pipeline, launch it, watch it, and look at what it made.

It has no state of its own. Traces, locks, run records, logs and the database are read for every answer, by the same functions as on the
command line, so that page, command line and cron agree. What could harm the server or be slow runs in a child process: `snapshot` judges
the tasks, `reading` reads the database, a launched run is `store-clustering run`.
"""
