"""What the workbench reads of the database: pages of rows, queries that can harm nothing, downloads."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from projects import Project

from pipeline.duck.quoting import identifier
from pipeline.errors import UsageError
from pipeline.workbench import reading
from pipeline.workbench.readers import Readers
from pipeline.workbench.request import Request

HOSTILE = '=1+1 "x"; DROP TABLE t --'


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "some.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"CREATE TABLE t (id BIGINT PRIMARY KEY, {identifier(HOSTILE)} VARCHAR, share DOUBLE, cents DECIMAL(18,2), moment TIMESTAMP)"
        )
        connection.execute("INSERT INTO t SELECT range, CASE WHEN range % 2 = 0 THEN '=EVEN()' ELSE 'odd' END, range / 7, range, TIMESTAMP '2026-01-01' FROM range(250)")  # fmt: skip
        connection.execute("INSERT INTO t VALUES (9007199254740993, NULL, 'nan', NULL, NULL)")
        connection.execute("COMMENT ON TABLE t IS 'what it is'")
        connection.execute("CREATE VIEW v AS SELECT id FROM t WHERE id < 3")
    return path


def asked(path: Path, **fields: Any) -> dict[str, Any]:
    with reading.opened(str(path)) as connection:
        return reading.answer(connection, Request(str(path), **fields))


def test_every_table_and_view_is_listed_with_its_meaning_and_columns(database: Path) -> None:
    with reading.opened(str(database)) as connection:
        table, view = reading.catalogue(connection)
    assert (table["name"], table["comment"], table["rows"], table["key"]) == ("t", "what it is", 251, ["id"])
    assert [column["name"] for column in table["columns"]] == ["id", HOSTILE, "share", "cents", "moment"]
    assert (view["name"], view["rows"]) == ("v", None)


def test_rows_are_paged_sorted_and_searched_by_the_database(database: Path) -> None:
    second = asked(database, table="t", offset=100, limit=100)
    assert ([row[0] for row in second["rows"]], second["total"], second["more"]) == (list(range(100, 200)), 251, True)
    last = asked(database, table="t", sort="id", descending=True, offset=1, limit=2)
    assert [row[0] for row in last["rows"]] == [249, 248]
    hits = asked(database, table="t", search="even", column=HOSTILE, limit=5)
    assert (hits["total"], hits["rows"][1][1]) == (125, "=EVEN()")
    assert asked(database, table="t", search="%")["total"] == 0, "a search is a text, not a pattern"
    assert asked(database, table="t", search="' OR 1=1 --")["total"] == 0
    assert asked(database, table="v")["total"] == 3


def test_what_javascript_cannot_hold_comes_as_a_text(database: Path) -> None:
    [row] = asked(database, table="t", search="9007199254740993", column="id")["rows"]
    assert row == ["9007199254740993", None, "nan", None, None]
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize("fields", [{"table": "t; DROP TABLE t"}, {"table": "t", "sort": "id DESC, 1"}, {"table": "t", "search": "x", "column": "nope"}, {"table": "pg_catalog.pg_class"}])  # fmt: skip
def test_a_table_or_column_that_is_not_there_is_an_error(database: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"is not in the database|has no column"):
        asked(database, **fields)


WRITES = [
    "DROP TABLE t", "DELETE FROM t", "INSERT INTO t VALUES (1)", "CREATE TABLE x AS SELECT 1", "COPY t TO 'stolen.csv'", "EXPORT DATABASE 'x'", "ATTACH 'other.duckdb'",
    "SET memory_limit = '90GB'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "CHECKPOINT", "SELECT 1; DROP TABLE t", "CALL pragma_version()", "",
    "SET VARIABLE x = 1", "EXPLAIN ANALYZE DELETE FROM t", "WITH x AS (SELECT 1) INSERT INTO t SELECT 1", "VACUUM", "CREATE SECRET (TYPE s3)", "USE memory",
]  # fmt: skip
OTHER_FILES = [
    "SELECT * FROM read_text('{file}')", "SELECT * FROM read_csv('{file}')", "SELECT * FROM '{file}'", "FROM glob('/*')", "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_parquet('{file}')", "SELECT * FROM read_json('{file}')", "SELECT getenv('HOME')", "FROM sniff_csv('{file}')", "SELECT * FROM duckdb_secrets()",
]  # fmt: skip


@pytest.mark.parametrize("sql", WRITES)
def test_no_query_writes(database: Path, sql: str) -> None:
    before = database.read_bytes()
    with pytest.raises((UsageError, duckdb.Error)):
        asked(database, sql=sql)
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


@pytest.mark.parametrize("sql", OTHER_FILES)
def test_no_query_reads_another_file(database: Path, sql: str, tmp_path: Path) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("secret\n1\n")
    try:
        answer = asked(database, sql=sql.format(file=file))
    except duckdb.Error:
        return
    assert answer["rows"] == []


def answered(question: dict[str, Any], seconds: float = 60) -> bytes:
    """What a process of the server answers; its error is raised."""

    async def ask() -> bytes:
        readers = Readers(ROOT)
        try:
            return await readers.answer(json.dumps(question).encode(), seconds)
        finally:
            readers.close()

    return asyncio.run(ask())


def test_a_query_that_takes_too_much_memory_is_ended_with_one_line(database: Path) -> None:
    with pytest.raises(UsageError, match="more memory than the 1GB") as caught:
        answered({"database": str(database), "sql": "SELECT LIST(range) FROM range(900000000)"})
    assert len(caught.value.lines) == 1


def test_a_query_that_takes_too_long_is_ended(database: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match="longer than"):
        answered(
            {"database": str(database), "sql": "SELECT COUNT(*) FROM range(10000000000) WHERE sin(range) > 2"},
            seconds=1.5,
        )
    assert time.monotonic() - began < 20


def test_processes_answer_side_by_side_and_one_that_is_killed_breaks_no_other(database: Path) -> None:
    async def ask() -> None:
        readers = Readers(ROOT)
        question = {"database": str(database), "table": "t", "sort": "id"}
        try:
            answers = await asyncio.gather(
                *(readers.answer(json.dumps(question | {"offset": at}).encode()) for at in range(20))
            )
            assert [json.loads(answer)["rows"][0][0] for answer in answers] == list(range(20))
            with pytest.raises(UsageError):
                await readers.answer(b"no request")
            template = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "workbench.template"], capture_output=True, text=True)  # fmt: skip
            os.kill(int(template.stdout), signal.SIGKILL)
            await asyncio.sleep(0.5)  # until it is gone
            assert json.loads(await readers.answer(json.dumps(question).encode()))["total"] == 251
        finally:
            readers.close()

    asyncio.run(ask())


def test_a_query_gets_at_most_a_thousand_rows(database: Path) -> None:
    answer = asked(database, sql="FROM range(5000)", limit=10**6)
    assert (len(answer["rows"]), answer["more"]) == (1000, True)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT repeat('x', 1000000) FROM range(700)",
        "SELECT repeat('x', 300000) AS a, repeat('y', 300000) AS b FROM range(1000)",
        "SELECT range(20000) FROM range(100)",
        "FROM range(1000000000)",
        "SELECT * FROM range(1000) a, range(100000) b",
    ],
)
def test_an_answer_is_small_whatever_is_asked(database: Path, sql: str) -> None:
    answer = answered({"database": str(database), "sql": sql, "limit": 1000})
    assert len(answer) < 8_000_000
    [[rows]] = asked(database, sql=f"SELECT COUNT(*) FROM (FROM ({sql}) LIMIT 1000)")["rows"]
    assert len(json.loads(answer)["rows"]) == rows


def test_an_answer_that_would_be_large_is_refused_with_the_way_out(database: Path) -> None:
    wide = ", ".join(f"repeat('x', 2000) AS c{at}" for at in range(50))
    with pytest.raises(UsageError, match="more than 8 MB: ask for fewer rows or columns, or download them"):
        answered({"database": str(database), "sql": f"SELECT {wide} FROM range(1000)", "limit": 1000})


def test_a_long_text_is_cut_on_the_page_and_whole_in_a_download(database: Path) -> None:
    sql = "SELECT repeat('x', 30000) AS a"
    [[text]] = asked(database, sql=sql)["rows"]
    assert (text[:2000], text.endswith("(30,000 letters: download it to see all)")) == ("x" * 2000, True)
    done = answered({"database": str(database), "sql": sql, "format": "csv"})
    assert done.decode("utf-8-sig").split() == ["a", "x" * 30_000]


def test_downloads_hold_all_rows_in_every_format_and_no_text_becomes_a_formula(database: Path) -> None:
    done = answered({"database": str(database), "table": "t", "sort": "id", "format": "csv"})
    rows = list(csv.reader(io.StringIO(done.decode("utf-8-sig"))))
    assert (len(rows), rows[0][1], rows[1][1], rows[2][1]) == (252, f"'{HOSTILE}", "'=EVEN()", "odd")
    done = answered({"database": str(database), "table": "t", "sort": "id", "format": "parquet"})
    arrow = pq.read_table(io.BytesIO(done))
    assert (arrow.num_rows, arrow.column("id")[250].as_py()) == (251, 9007199254740993)
    done = answered(
        {"database": str(database), "sql": "SELECT * FROM t ORDER BY id -- with a comment", "format": "xlsx"}
    )
    sheet = openpyxl.load_workbook(io.BytesIO(done)).active
    assert (sheet.max_row, sheet["B2"].value, sheet["B2"].data_type) == (252, "=EVEN()", "s")
    assert sheet["A252"].value == "9007199254740993"


def test_a_download_that_a_format_cannot_hold_is_refused_with_the_way_out(database: Path) -> None:
    with pytest.raises(UsageError, match=r"200,000 rows.*at most 100,000"):
        answered({"database": str(database), "sql": "FROM range(200000)", "format": "xlsx"})


def test_the_example_queries_are_those_of_the_docs_and_run_on_what_was_built(built: Project) -> None:
    from pipeline.workbench import assets

    examples = assets.examples()
    assert len(examples) >= 10
    page = (ROOT / "docs" / "queries.md").read_text()
    with reading.opened(str(built.database)) as connection:
        for example in examples:
            assert f"{example['title']}:\n\n```sql\n{example['sql']}\n```" in page
            reading.answer(connection, Request(str(built.database), sql=example["sql"]))
