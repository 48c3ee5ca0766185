"""A database that a run replaces in the instant in which DuckDB opens it, between its headers and its blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.workbench import reading

IN_BETWEEN = duckdb.IOException("IO Error: No more data remaining in MetadataReader")


def failing(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let so many openings of a database fail."""
    connect, left = duckdb.connect, [IN_BETWEEN] * times

    def connect_later(*words: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        if left:
            raise left.pop()
        return connect(*words, **options)

    monkeypatch.setattr(duckdb, "connect", connect_later)


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "a.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE a AS SELECT 7 AS b")
    return path


def test_a_database_that_is_replaced_as_it_is_opened_is_opened_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, times=1)
    with reading.opened(database) as connection:
        assert connection.execute("SELECT b FROM a").fetchall() == [(7,)]


def test_a_database_that_cannot_be_opened_twice_is_an_error(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, times=2)
    with pytest.raises(duckdb.IOException, match="No more data"):
        reading.opened(database)
