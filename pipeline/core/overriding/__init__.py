"""Overrides: stores that people place themselves. Their rows are checked (`rows`), then applied to the clusters (`place`)."""
