"""Store clustering: a Luigi file-target pipeline from raw sales to store clusters in DuckDB."""
