"""Our DuckDB connections read the files they are for, load nothing, take no variable for a table, and stay that way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipeline.duck import safe_settings
from pipeline.duck.quoting import identifier, literal
from pipeline.engine import connections
from pipeline.warehouse import load

FORBIDDEN = {
    "reading another file": "SELECT * FROM read_csv('{other}')",
    "reading another file by its name alone": "SELECT * FROM '{other}'",
    "reading all files": "SELECT * FROM glob('/etc/*')",
    "reading bytes": "SELECT * FROM read_blob('/etc/hostname')",
    "writing": "COPY (SELECT 1) TO '{folder}/new.csv'",
    "attaching": "ATTACH '{folder}/new.duckdb' AS new",
    "exporting": "EXPORT DATABASE '{folder}/new'",
    "loading an extension": "LOAD httpfs",
    "installing an extension": "INSTALL httpfs",
    "the network": "SELECT * FROM read_csv('https://localhost:1/a.csv')",
    "opening up again": "SET enable_external_access = true",
    "allowing a folder": "SET allowed_directories = ['/']",
    "loading extensions by itself": "SET autoload_known_extensions = true",
    "a variable of Python": "SELECT * FROM frame_of_the_caller",
    "a secret": "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
}


@contextmanager
def of_engine(folder: Path, mine: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connections.connect([str(mine)], memory_limit="", threads=1, spill=str(folder / "spill")) as connection:
        assert connection.sql(f"SELECT * FROM read_csv('{mine}')").fetchall() == [(1,)]
        yield connection


@contextmanager
def of_warehouse(folder: Path, mine: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with load._connected(folder / "a.duckdb", str(folder / "spill")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1")
        try:
            yield connection
        finally:
            connection.execute("CHECKPOINT")


@contextmanager
def of_reader(folder: Path, mine: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / "b.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT 1; CREATE VIEW v AS SELECT * FROM read_csv('{mine}')")
    with duckdb.connect(str(folder / "b.duckdb"), read_only=True, config=safe_settings.READER) as connection:
        with pytest.raises(duckdb.Error):
            connection.sql("SELECT * FROM v").fetchall()  # a view that somebody planted
        yield connection


@pytest.mark.parametrize("connected", [of_engine, of_warehouse, of_reader])
def test_a_connection_does_what_it_is_for_and_nothing_else(connected, tmp_path: Path, tried) -> None:
    mine, other = tmp_path / "mine.csv", tmp_path / "other.csv"
    for path in (mine, other):
        path.write_text("a\n1\n")
    before = {path for path in tmp_path.iterdir() if path.suffix in (".csv", ".duckdb")}
    frame_of_the_caller = pd.DataFrame({"a": [1]})
    assert len(frame_of_the_caller) == 1
    with connected(tmp_path, mine) as connection:
        for what, statement in FORBIDDEN.items():
            with pytest.raises(duckdb.Error):
                connection.execute(statement.format(other=other, folder=tmp_path)).fetchall()
            tried("DuckDB: other files, the network, extensions, variables, settings")[f"{what}: refused"] += 1
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    assert {path.name for path in tmp_path.iterdir() if path.suffix in (".csv", ".duckdb")} - {p.name for p in before} <= {
        "a.duckdb", "b.duckdb",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ['"; DROP TABLE t;--', "'; DROP TABLE t;--", "a\nb", "\\'", "--", "/*", "select", "é\u0301", "x" * 300]
)
def test_names_and_texts_are_quoted(name: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {literal(name)} AS {identifier(name)}")
        assert connection.sql(f"SELECT {identifier(name)} FROM t").fetchall() == [(name,)]
        assert connection.sql("SELECT * FROM t").columns == [name]
