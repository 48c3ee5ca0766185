"""Shared by all DuckDB connections: quoting, safe settings, a spill folder, opening a published database."""
