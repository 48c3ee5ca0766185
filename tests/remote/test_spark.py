"""Spark Connect: the sums are those of the file, to the last bit. By day against Sail's server, at night against Spark itself."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from remote.test_extracts import AMOUNTS, COLUMNS, _extract, _gather, sales
from servers import free_port

from pipeline.engine.remote import drivers
from pipeline.errors import RemoteError
from pipeline.settings import Engine, SalesColumns, SalesSource


@pytest.fixture(params=["sail", pytest.param("spark", marks=pytest.mark.nightly)])
def server(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(request.param).url


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():  # of pandas 3, and of sockets that PySpark leaves to the collector
        warnings.simplefilter("ignore")
        yield


def compare(server: str, table: pa.Table, folder: Path, **columns: str) -> None:
    path = folder / "sales.parquet"
    pq.write_table(table, path)
    named = SalesColumns(**COLUMNS, **columns)
    engine = Engine(spill_folder=str(folder / "spill"), threads=1)
    here = SalesSource(path="x", columns=named)
    there = SalesSource(sql=f"SELECT * FROM parquet.`{path}`;", connection=server, columns=named)
    expected = _gather(path, here, engine, {})
    gathered = _gather(_extract(folder, there, engine), there, engine, {})
    for name, frame in expected.tables.items() if hasattr(expected, "tables") else expected.items():
        pd.testing.assert_frame_equal(frame, gathered[name], check_exact=True, obj=name)


def test_sums_of_hard_amounts_weeks_and_keys_are_those_of_the_file(server: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    count = 50_000
    amounts = np.concatenate([AMOUNTS, rng.normal(0, 50, count).round(3), 10.0 ** rng.uniform(-9, 12.9, count)])
    amounts = amounts[np.abs(amounts) <= 1e13]
    keys = np.array(["7", " 7", "07", "é", "e\u0301", "x ", "'", '"', "\\", "`"])
    rows = len(amounts)
    table = sales(
        SALES=amounts,
        SKU=keys[rng.integers(0, len(keys), rows)],
        STORE=rng.integers(1, 60, rows),
        WEEK=rng.integers(202401, 202453, rows),
    )
    compare(server, table, tmp_path, week="WEEK")


def test_days_and_moments_are_those_of_utc(server: str, tmp_path: Path) -> None:
    days = np.datetime64("2024-01-01T23:30") + np.arange(400) * np.timedelta64(1, "D")
    for type_ in (pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        table = sales(WEEK=pa.array(days.astype("datetime64[us]")).cast(type_), SALES=np.arange(400.0))
        compare(server, table, tmp_path, week="WEEK")


@pytest.mark.parametrize("query", ["SELECT * FROM nowhere", "SELEC 1", "SELECT CAST('x' AS INT)"])
def test_what_spark_refuses_is_one_line(server: str, query: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RemoteError) as caught, drivers.opened(server, "sources.x") as session:
        list(session.batches(query))
    assert len(caught.value.lines) == 1
    assert "spark does not answer as it should" in str(caught.value)
    assert "ERROR" not in capfd.readouterr().err, "PySpark prints Java's stack, with the query"


def test_a_spark_that_is_not_there_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(drivers._RETRIES, "max_retries", 2)
    with (
        pytest.raises(RemoteError, match="see whether it is up and can be reached"),
        drivers.opened(f"sc://127.0.0.1:{free_port()}/;token=s3cret", "sources.x"),
    ):
        pass


def test_no_rows_have_their_columns(server: str) -> None:
    with drivers.opened(server, "sources.x") as session:
        [batch] = session.batches("SELECT 1 AS a WHERE 1 = 0")
    assert (batch.num_rows, batch.schema.names) == (0, ["a"])


def test_a_program_without_a_file_can_ask_spark_and_is_left_as_it_was(server: str) -> None:
    program = f"""
import sys, warnings
warnings.simplefilter("ignore")
from pipeline.engine.remote import drivers
with drivers.opened({server!r}, "sources.x") as session:
    [batch] = session.batches("SELECT 1 AS a")
print(batch.to_pydict(), hasattr(sys.modules["__main__"], "__file__"))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "{'a': [1]} False\n"), done.stderr
