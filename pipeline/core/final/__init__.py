"""The final store clusters: merged, numbered, with stores that people place themselves."""
