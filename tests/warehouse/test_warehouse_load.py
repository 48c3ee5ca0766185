"""The DuckDB file holds every table as it was given, with its keys and comments, or is not there at all."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.duck.quoting import identifier, literal, unique_names
from pipeline.errors import OutputError
from pipeline.schema import TABLES, Column, Table
from pipeline.storage import parquet
from pipeline.storage.rows import DECIMALS
from pipeline.warehouse import load

HOSTILE = ['"; DROP TABLE runs; --', "'; DROP TABLE runs; --", "=1+1", "x" * 300, "🍞 tost", "Bread", "BREAD", "bread"]
FRAMES = ("lineage", "runs")  # the others are loaded from files


def value(column: Column, row: int) -> Any:
    """What DuckDB should give back of this row: every value another one, nulls where they may be."""
    if column.nullable and row == 2:
        return None
    return {
        "text": HOSTILE[row],
        "integer": 3 * row + 1,
        "float": round(row / 8 - 1 / 3, DECIMALS),
        "boolean": row % 2 == 1,
        "money": Decimal(-(10**16)) + Decimal("0.01") + row,
        "timestamp": dt.datetime(2026, 2, 28, 23, 59, 59, 999_990 + row),
    }[column.type]


def in_frame(column: Column, row: int) -> Any:
    """The value as a DataFrame of the pipeline holds it."""
    found = value(column, row)
    if found is not None and column.type == "money":
        return int(found * 100)
    return found.replace(tzinfo=dt.timezone.utc) if found is not None and column.type == "timestamp" else found


def frame_of(table: Table, rows: list[int]) -> pd.DataFrame:
    more = [table.column(name) for name in (*HOSTILE, "STORE_ID", "2")] if table.more else []
    columns = [*table.columns, *more]
    found = pd.DataFrame({c.frame_name: pd.Series([in_frame(c, r) for r in rows], dtype="object") for c in columns})
    kinds = {"float": "float64", "integer": "Int64", "money": "int64", "boolean": "bool"}
    return found.astype({c.frame_name: kinds[c.type] for c in columns if c.type in kinds})


def expected(table: Table) -> list[tuple]:
    columns = list(table.columns) + ([Column("", table.more.type, "")] * (len(HOSTILE) + 2) if table.more else [])
    found = [tuple(value(column, row) for column in columns) for row in range(len(HOSTILE))]
    return sorted(found, key=lambda row: row[: len(table.key)])


def write(name: str, path: Path, rows: list[int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write(frame_of(TABLES[name], rows), TABLES[name], path)
    return path


def read(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def listing(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Every table but `FRAMES`, each in two files."""
    folder = tmp_path_factory.mktemp("inputs")
    found = {}
    for name in TABLES:
        if name not in FRAMES:
            parts = {"1": [5, 3, 0, 6], "0": [7, 2, 1, 4]}
            found[name] = [write(name, folder / name / f"{part}.parquet", rows) for part, rows in parts.items()]
    return found


@pytest.fixture(scope="module")
def database(inputs: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All tables in one file, in a folder whose name is no help; nothing is left beside it, no input is changed."""
    path = tmp_path_factory.mktemp("out") / 'it\'s a "folder"; DROP' / ".clusters.duckdb.17.tmp"
    path.parent.mkdir()
    frames = {name: frame_of(TABLES[name], list(range(len(HOSTILE)))) for name in FRAMES}
    before = {name: frame.copy() for name, frame in frames.items()}
    bytes_before = listing(inputs["categories"][0].parent.parent)
    load.build(path, inputs, frames)
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert listing(inputs["categories"][0].parent.parent) == bytes_before
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])
    return path


@pytest.mark.parametrize("name", TABLES)
def test_a_table_reads_back_as_it_was_given_and_in_order_of_its_key(database, name):
    assert read(database, f"SELECT * FROM {name}") == expected(TABLES[name])


def test_columns_have_the_types_of_the_schema(database):
    found = {
        (t, c): kind
        for t, c, kind in read(
            database, "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        )
    }
    kinds = {
        "text": "VARCHAR",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "boolean": "BOOLEAN",
        "money": "DECIMAL(22,6)",
        "timestamp": "TIMESTAMP",
    }
    for table in TABLES.values():
        for column in table.columns:
            assert found[table.name, column.name] == kinds[column.type]


@pytest.mark.parametrize("name", TABLES)
def test_the_file_itself_refuses_a_key_twice_and_a_null(database, tmp_path, name):
    copy = Path(shutil.copy(database, tmp_path / "copy.duckdb"))
    table = TABLES[name]
    with duckdb.connect(str(copy)) as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({name})").fetchall()]
        for column in table.columns:
            listed = ", ".join("NULL" if own == column.name else identifier(own) for own in names)
            # another key than any there is, so that it is the null alone that is refused
            shifted = f"(SELECT * REPLACE ({another(table, column)}) FROM {name} LIMIT 1)"
            insert = f"INSERT INTO {name} SELECT {listed} FROM {shifted}"
            if column.nullable:
                connection.execute(insert)
                connection.execute(f"DELETE FROM {name} WHERE {another_is(table)}")
            else:
                with pytest.raises(duckdb.ConstraintException, match="NOT NULL constraint failed"):
                    connection.execute(insert)
        with pytest.raises(duckdb.ConstraintException, match=r"(?i)duplicate key"):
            connection.execute(f"INSERT INTO {name} SELECT * FROM {name} LIMIT 1")


# By type of a column of a key: values that, together, no row has.
ANOTHER = {"integer": "777", "text": literal("another"), "boolean": "false"}


def another(table: Table, but: Column) -> str:
    keys = [table.column(name) for name in table.key]
    return ", ".join(f"{ANOTHER[key.type]} AS {identifier(key.name)}" for key in keys)


def another_is(table: Table) -> str:
    keys = [table.column(name) for name in table.key]
    return " AND ".join(f"{identifier(key.name)} = {ANOTHER[key.type]}" for key in keys)


def test_every_table_view_and_column_has_its_comment(database):
    described = dict(read(database, "SELECT table_name, comment FROM duckdb_tables()"))
    assert described == {table.name: f"{table.comment}; {table.grain}" for table in TABLES.values()}
    said = {
        (t, c): text
        for t, c, text in read(
            database, "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        )
    }
    for table in TABLES.values():
        for column in table.columns:
            unit = f" [{column.unit}]" if column.unit else ""
            assert said[table.name, column.name] == column.comment + unit
    assert all(said.values())
    views = dict(read(database, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert set(views) == {"store_clusters_wide", "cluster_profiles", "latest_run", "data_quality"}
    assert all(views.values())
    assert {name for name, _ in said} == set(TABLES) | set(views)


def test_features_with_hostile_names_are_columns_and_nothing_else(database):
    found = read(database, "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'external_features'")
    given = ["store_id", *sorted([*HOSTILE, "STORE_ID", "2"])]
    expected_names = [{"Bread": "Bread (2)", "bread": "bread (3)", "STORE_ID": "STORE_ID (2)"}.get(n, n) for n in given]
    assert [name for name, _ in found] == expected_names
    assert (
        dict(found)["bread (3)"]
        == "A feature of the outside data; its logarithm (log1p) where external_feature_report says transformed; 'bread' in the data"
    )
    assert len(read(database, "SELECT * FROM runs")) == len(HOSTILE)


def test_names_that_differ_in_case_only_are_told_apart():
    assert unique_names(["a", "A", "A (2)", "", "", "á"]) == ["a", "A (3)", "A (2)", "(unnamed)", "(unnamed) (2)", "á"]
    assert unique_names([]) == []


def test_quoted_names_and_texts_stay_data():
    with duckdb.connect() as connection:
        for text in HOSTILE:
            found = connection.execute(f"SELECT {literal(text)} AS {identifier(text)}")
            assert (found.description[0][0], found.fetchall()) == (text, [(text,)])


# ---------------------------------------------------------------------------------------------------------- frames


def runs(**columns: Any) -> pd.DataFrame:
    given = {
        "run_id": "r",
        "env": "dev",
        "tags": "{}",
        "started_at": "2026-03-01T10:00:00+00:00",
        "finished_at": None,
        "status": "done",
        "built": 1,
        "skipped": 0,
        "user": "u",
        "host": "h",
    }
    return pd.DataFrame([given | columns])


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-03-01T10:00:00.000001+00:00", dt.datetime(2026, 3, 1, 10, 0, 0, 1)),
        ("2026-03-01T10:00:00+02:00", dt.datetime(2026, 3, 1, 8)),
        ("2026-03-01 10:00:00", dt.datetime(2026, 3, 1, 10)),
        (dt.datetime(2026, 3, 1, 10, tzinfo=dt.timezone(dt.timedelta(hours=-1))), dt.datetime(2026, 3, 1, 11)),
        (pd.Timestamp("2026-03-01T10:00:00.123456789Z"), dt.datetime(2026, 3, 1, 10, 0, 0, 123456)),
    ],
)
def test_moments_are_stored_in_utc(tmp_path, given, stored):
    load.build(tmp_path / "a.duckdb", {}, {"runs": runs(started_at=given)})
    assert read(tmp_path / "a.duckdb", "SELECT started_at, finished_at FROM runs") == [(stored, None)]


def test_tables_without_rows_and_without_files_are_there_with_their_columns(tmp_path):
    load.build(tmp_path / "a.duckdb", {"store_clusters": [], "external_features": []}, {"runs": runs()[:0]})
    for name in ("store_clusters", "external_features", "runs"):
        with duckdb.connect(str(tmp_path / "a.duckdb"), read_only=True) as connection:
            found = connection.execute(f"SELECT * FROM {name}")
            assert [column[0] for column in found.description] == [column.name for column in TABLES[name].columns]
            assert found.fetchall() == []


def test_what_stood_under_the_name_is_replaced_with_its_log(tmp_path):
    path = tmp_path / "a.duckdb"
    path.write_text("no database")
    (tmp_path / "a.duckdb.wal").write_text("no log")
    load.build(path, {}, {"runs": runs()})
    assert len(read(path, "SELECT * FROM runs")) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["a.duckdb"]


# ---------------------------------------------------------------------------------------------------------- readers

READER = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for _ in sys.stdin:
        print(connection.execute("SELECT COUNT(*), MAX(run_id) FROM runs").fetchone(), flush=True)
"""


def test_a_reader_keeps_what_it_opened_while_a_new_file_takes_the_name(tmp_path):
    path, new = tmp_path / "clusters.duckdb", tmp_path / ".clusters.duckdb.1.tmp"
    load.build(path, {}, {"runs": runs(run_id="old")})
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:

        def ask() -> str:
            reader.stdin.write("\n")
            reader.stdin.flush()
            return reader.stdout.readline().strip()

        assert ask() == "(1, 'old')"
        load.build(new, {}, {"runs": pd.concat([runs(run_id="new"), runs(run_id="also")])})
        new.replace(path)
        assert read(path, "SELECT COUNT(*), MAX(run_id) FROM runs") == [(2, "new")]
        assert ask() == "(1, 'old')"
        reader.stdin.close()
    assert reader.returncode == 0
    assert [found.name for found in tmp_path.iterdir()] == ["clusters.duckdb"]


# ----------------------------------------------------------------------------------------------------------- faults


def features(path: Path, count: int = 3000) -> Path:
    given = pd.DataFrame({"store_id": [f"s{i:05d}" for i in range(count)], "category": "c", "feature": "f"})
    given["value"] = np.random.default_rng(0).random(count)
    given["share"] = 0.5
    parquet.write(given, TABLES["internal_features"], path)
    return path


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def other_types(path: Path) -> None:
    pq.write_table(
        pa.table({"store_id": ["a"], "category": ["b"], "feature": ["c"], "value": ["1"], "share": [1.0]}), path
    )


def other_columns(path: Path) -> None:
    pq.write_table(
        pa.table({"store_id": ["a"], "category": ["b"], "feature": ["c"], "value": [1.0], "more": [1.0]}), path
    )


def key_twice(path: Path) -> None:
    pq.write_table(
        pa.table(
            {name: ["a"] * 2 for name in ("store_id", "category", "feature")}
            | {name: [1.0] * 2 for name in ("value", "share")}
        ),
        path,
    )


def null_value(path: Path) -> None:
    pq.write_table(
        pa.table(
            {name: ["a"] for name in ("store_id", "category", "feature")}
            | {"value": pa.array([None], pa.float64()), "share": [1.0]}
        ),
        path,
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (flipped, r"b.parquet: cannot be read \(.*checksum.*\); run again to rebuild it$"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), r"b.parquet: cannot be read \("),
        (lambda path: path.write_bytes(b""), r"b.parquet: cannot be read \("),
        (Path.unlink, r"b.parquet: cannot be read \(.*No such file"),
        (other_types, r"b.parquet: its columns are not those of the table internal_features; delete it"),
        (other_columns, r"b.parquet: its columns are not those of the table internal_features; delete it"),
        (key_twice, r"internal_features: its key .* is not unique"),
        (null_value, r"internal_features: a part of it cannot be read .*'value' with null"),
    ],
)
def test_a_broken_file_is_an_error_and_nothing_is_left(tmp_path, spoil, said):
    good, bad = features(tmp_path / "a.parquet", 10), features(tmp_path / "b.parquet")
    spoil(bad)
    before = listing(tmp_path)
    (tmp_path / "out.duckdb").write_text("of an earlier try")
    with pytest.raises(OutputError, match=said) as raised:
        load.build(tmp_path / "out.duckdb", {"internal_features": [good, bad]}, {"runs": runs()})
    assert len(str(raised.value).splitlines()) == 1
    assert "Traceback" not in str(raised.value)
    assert listing(tmp_path) == before


def test_parts_of_a_wide_table_with_other_features_are_refused(tmp_path):
    one = write("external_features", tmp_path / "one.parquet", [0, 1])
    two = tmp_path / "two.parquet"
    parquet.write(pd.DataFrame({"store_id": ["z"], "other": [1.0]}), TABLES["external_features"], two)
    with pytest.raises(OutputError, match=r"two.parquet: its columns are not those of the table external_features"):
        load.build(tmp_path / "a.duckdb", {"external_features": [one, two]}, {})
    assert not (tmp_path / "a.duckdb").exists()


@pytest.mark.parametrize(
    ("files", "frames", "said"),
    [
        (["nonsense"], {}, "table 'nonsense' is unknown"),
        ([], {"nonsense": runs()}, "table 'nonsense' is unknown"),
        (["runs"], {"runs": runs()}, "table runs is given both as files and as a frame"),
        ([], {"runs": runs().drop(columns="host")}, r"table runs: columns missing: \['host'\]"),
        ([], {"runs": pd.concat([runs(), runs()])}, r"table runs: its key \(run_id\) is not unique"),
        ([], {"runs": runs(user=None)}, "table runs: user is null in 1 row"),
    ],
)
def test_a_table_that_is_not_in_the_schema_is_an_error_and_nothing_is_left(tmp_path, files, frames, said):
    with pytest.raises(OutputError, match=said):
        load.build(tmp_path / "a.duckdb", {name: [] for name in files}, frames)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be built"):
        load.build(tmp_path / "none" / "a.duckdb", {}, {"runs": runs()})


def test_an_interrupted_load_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "_verify", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load.build(tmp_path / "a.duckdb", {}, {"runs": runs()})
    assert list(tmp_path.iterdir()) == []


def test_verification_reads_every_block_of_the_file(tmp_path):
    path = tmp_path / "a.duckdb"
    given = {"internal_features": [features(tmp_path / "a.parquet", 60_000)]}
    load.build(path, given, {})
    loads = list(load._from_files(given, {}))
    load._verify(path, loads)
    stored = read(path, "SELECT DISTINCT block_id FROM pragma_storage_info('internal_features') WHERE block_id >= 0")
    assert len(stored) >= 2
    content = path.read_bytes()
    for (block,) in stored:
        spoiled = bytearray(content)
        spoiled[3 * 4096 + block * 2**18 + 2**17] ^= 1  # three headers, then blocks of 256 KiB
        path.write_bytes(spoiled)
        with pytest.raises(OutputError, match="cannot be read back"):
            load._verify(path, loads)


def test_verification_finds_missing_rows_and_a_stray_log(tmp_path):
    path = tmp_path / "a.duckdb"
    load.build(path, {}, {"runs": runs()})
    more = list(load._from_frames({"runs": pd.concat([runs(), runs(run_id="more")])}))
    with pytest.raises(OutputError, match="table runs reads back with 1 row "):
        load._verify(path, more)
    (tmp_path / "a.duckdb.wal").write_text("")
    with pytest.raises(OutputError, match="write-ahead log"):
        load._verify(path, more)
