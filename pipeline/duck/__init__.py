"""What every DuckDB connection shares: quoting, safe settings, a folder to spill into."""
