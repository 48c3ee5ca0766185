"""The DuckDB file: every published table with its keys and comments, and views for merchants."""
