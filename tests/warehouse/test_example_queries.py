"""The example queries of docs/queries.md run on a database that was built."""

from __future__ import annotations

import re

import duckdb
from conftest import ROOT
from projects import Project

QUERIES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "queries.md").read_text(), re.DOTALL)


def test_every_example_query_runs_and_most_find_something(built: Project) -> None:
    assert len(QUERIES) == 11
    with duckdb.connect(str(built.database), read_only=True) as connection:
        found = [len(connection.execute(query).fetchall()) for query in QUERIES]
    empty = [number for number, count in enumerate(found) if not count]
    assert set(empty) <= {3, 8}, "one cluster has no next; a small project moves and excludes nobody"
