"""Read what a published database says of itself: which environments made it, and from what raw files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import duckdb

from pipeline.duck import opening
from pipeline.wording import first_line


def environments_of(path: Path) -> set[str]:
    """The environments whose runs are in a database; empty if the file is not a database of ours, or cannot be opened."""
    try:
        with opening.for_reading(path) as connection:
            connection.execute("SELECT target, task, inputs FROM lineage LIMIT 0")
            return {env for (env,) in connection.execute("SELECT DISTINCT env FROM runs").fetchall()}
    except (duckdb.Error, OSError):
        return set()


class Load(NamedTuple):
    """A load's delivery: how many findings it had, and what its raw files held, as JSON."""

    findings: int
    content: str


def deliveries(path: Path) -> tuple[list[Load], str]:
    """What the last loads of a database were made from, the newest first, and why that cannot be read; empty if it can.

    A database of an earlier version has none, and that is no fault.
    """
    try:
        with opening.for_reading(path) as connection:
            is_there = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'deliveries'").fetchall()
            if not is_there:
                return [], ""
            rows = connection.execute("SELECT findings, content FROM deliveries ORDER BY age").fetchall()
            return [Load(int(findings), str(content)) for findings, content in rows], ""
    except (duckdb.Error, OSError) as error:
        return [], f"the raw files are not compared with those of the last load: {path.name} ({first_line(error)})"
