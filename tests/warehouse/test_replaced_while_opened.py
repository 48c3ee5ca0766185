"""A database that a run replaces in the instant in which DuckDB opens it, between its headers and its blocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import ROOT

from pipeline.duck import opening


def database(path: Path, value: int) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE a AS SELECT {value} AS b")
    return path


def replaced_at(monkeypatch: pytest.MonkeyPatch, path: Path, values: list[int], error: Exception | None) -> None:
    """At each of the next openings, replace the database, and then open it, or let DuckDB fail as it does in between."""
    connect = duckdb.connect

    def connect_later(*words: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        if not values:
            return connect(*words, **options)
        before = connect(*words, **options)
        value = values.pop(0)
        monkeypatch.undo()
        database(path.with_name(f"next{value}"), value).replace(path)
        replaced_at(monkeypatch, path, values, error)
        if error is None:
            return before
        before.close()
        raise error

    monkeypatch.setattr(duckdb, "connect", connect_later)


def value_of(path: Path) -> int:
    with opening.for_reading(path) as connection:
        return connection.execute("SELECT b FROM a").fetchall()[0][0]


@pytest.mark.parametrize("error", [None, duckdb.IOException("No more data remaining in MetadataReader"), duckdb.SerializationException("field id")])  # fmt: skip
def test_a_database_that_is_replaced_as_it_is_opened_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    path = database(tmp_path / "a.duckdb", 1)
    replaced_at(monkeypatch, path, [2, 3], error)
    assert value_of(path) == 3


def test_a_database_that_cannot_be_opened_and_was_not_replaced_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(duckdb.IOException):
        opening.for_reading(tmp_path / "none.duckdb")
    damaged = tmp_path / "a.duckdb"
    damaged.write_bytes(b"x" * 20_000)
    with pytest.raises(duckdb.Error):
        opening.for_reading(damaged)


def test_what_is_opened_can_write_nothing_and_read_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    attempts: list[Callable[[duckdb.DuckDBPyConnection], Any]] = [
        lambda connection: connection.execute("DROP TABLE a"),
        lambda connection: connection.execute(f"FROM '{tmp_path}/secret.csv'"),
        lambda connection: connection.execute("SET enable_external_access = true"),
        lambda connection: connection.execute(f"ATTACH '{tmp_path}/other.duckdb'"),
    ]
    with opening.for_reading(database(tmp_path / "a.duckdb", 1), {"threads": 1}) as connection:
        for attempt in attempts:
            with pytest.raises(duckdb.Error):
                attempt(connection)


def test_a_published_database_is_opened_in_one_way_only() -> None:
    others = [
        path.relative_to(ROOT)
        for path in (ROOT / "pipeline").rglob("*.py")
        if re.search(r"duckdb\.connect\(.*read_only=True", path.read_text())
    ]
    assert others == [Path("pipeline/duck/opening.py")]
