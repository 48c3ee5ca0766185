"""Run records: what each run did, and how a failure of a task is recorded."""
