"""The final store clusters: merged, numbered, with stores placed by hand."""
