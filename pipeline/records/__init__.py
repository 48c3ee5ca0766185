"""Run records: what each run did, and the failures of its tasks."""
