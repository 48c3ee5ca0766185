"""Read which environments published a database."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipeline.duck import safe_settings


def environments_of(path: Path) -> set[str]:
    """The environments whose runs are in a database; empty if the file is not a database of ours, or cannot be opened."""
    try:
        with duckdb.connect(str(path), read_only=True, config=safe_settings.READER) as connection:
            connection.execute("SELECT target, task, inputs FROM lineage LIMIT 0")
            return {env for (env,) in connection.execute("SELECT DISTINCT env FROM runs").fetchall()}
    except (duckdb.Error, OSError):
        return set()
