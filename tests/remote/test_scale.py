"""The same rows in a file, in PostgreSQL and behind Spark Connect give the same tables, at the size that retailers have."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from databases import Database
from projects import Project, raw_frames
from remote.test_same_tables import published

from pipeline.engine.remote import extracts
from pipeline.settings import Engine, SalesColumns, SalesSource, Sources


def receipts(rows: int) -> pa.Table:
    """Rows of the stores and SKUs of `raw_frames`, in weeks, with amounts that are hard to round and returns."""
    rng = np.random.default_rng(11)
    frame = raw_frames()[0]
    of = rng.integers(0, len(frame), rows)
    amounts = frame["SALES"].to_numpy()[of] * rng.uniform(0.2, 1.8, rows)
    amounts = np.where(rng.random(rows) < 0.3, (np.floor(amounts * 100) + 0.5) / 100, np.round(amounts, 3))
    amounts = np.where(rng.random(rows) < 0.02, -amounts / 10, amounts)
    columns: dict[str, Any] = {name: frame[name].to_numpy()[of] for name in ("STORE", "SKU")}
    categories = pd.Categorical(frame["CAT"])
    columns["CAT"] = pa.DictionaryArray.from_arrays(pa.array(categories.codes[of]), list(categories.categories)).cast(
        pa.string()
    )
    return pa.table(columns | {"WEEK": 202401 + rng.integers(0, 26, rows), "SALES": amounts})


def compared(project: Project, rows: int, servers: dict[str, Database], monkeypatch: pytest.MonkeyPatch) -> str:
    """Build from a file, then from every server, and say how long the sales took."""
    table, took = receipts(rows), {}
    pq.write_table(table, project.path("data/raw/sales.parquet"), row_group_size=1_000_000)
    source = project.settings["sources"]["internal_sales"]
    source["columns"]["week"] = "WEEK"
    project.configure()
    assert project.build().status == "SUCCESS"
    files = published(project)
    for name, server in servers.items():
        server.write("receipts", table)
        monkeypatch.setenv("SHOP", server.url)
        project.settings["sources"]["internal_sales"] = {
            "columns": source["columns"], "connection": "${SHOP}", **server.source("receipts")
        }  # fmt: skip
        project.configure()
        began = time.monotonic()
        outcome = project.build()
        took[name] = time.monotonic() - began
        assert outcome.status == "SUCCESS", outcome.failed
        assert published(project) == files, name
        assert not [task for task in outcome.built if "Cluster" in task or "Merg" in task], "equal bytes cut them off"
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items())


def test_a_million_rows_give_the_same_tables_from_a_file_from_postgresql_and_from_spark_connect(
    built: Project, postgresql: Database, sail: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared(built, 1_000_000, {"PostgreSQL": postgresql, "Sail": sail}, monkeypatch)


@pytest.mark.nightly
def test_twenty_million_rows_give_the_same_tables_everywhere(
    built: Project,
    postgresql: Database,
    sail: Database,
    spark: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    servers = {"PostgreSQL": postgresql, "Sail": sail, "Spark": spark}
    took = compared(built, 20_000_000, servers, monkeypatch)
    with capsys.disabled():
        print(f"\n20,000,000 rows: {took}")


# ------------------------------------------------------------------------------------------------ an executor dies


ONE_TASK_OF_SEVERAL = re.compile(r"Finished task .*\(1/([2-9]|\d\d+)\)")


def executors(driver: int) -> set[int]:
    """The processes of Spark's executors."""
    done = subprocess.run(
        ["pgrep", "-f", "-P", str(driver), "CoarseGrainedExecutorBackend"], capture_output=True, text=True
    )
    return {int(word) for word in done.stdout.split()}


def extract(server: Database, folder: Path, name: str) -> bytes:
    columns = SalesColumns(store_id="STORE", sku_id="SKU", category="CAT", sales_value="SALES", week="WEEK")
    source = SalesSource(connection=server.url, columns=columns, **server.source("receipts"))
    engine = Engine(spill_folder=str(folder / "spill"))
    extracts.write(folder / name, "sources.internal_sales", source, Sources(internal_sales=source), engine)
    return (folder / name).read_bytes()


@pytest.mark.nightly
def test_an_executor_of_spark_that_is_killed_halfway_changes_no_byte(
    spark: Database, sail: Database, tmp_path: Path
) -> None:
    table = receipts(4_000_000)
    for server in (spark, sail):
        server.write("receipts", table)
    undisturbed = extract(spark, tmp_path, "undisturbed")
    assert undisturbed == extract(sail, tmp_path, "sail")
    written: list[bytes] = []
    thread = threading.Thread(target=lambda: written.append(extract(spark, tmp_path, "disturbed")))
    before = executors(spark.pid)
    assert len(before) == 2
    log = spark.folder / "spark.log"
    offset = log.stat().st_size
    thread.start()
    while not ONE_TASK_OF_SEVERAL.search(text := log.read_text(errors="replace")[offset:]):
        assert thread.is_alive()
        time.sleep(0.01)
    os.kill(min(before), signal.SIGKILL)
    assert thread.is_alive(), "it was not killed halfway"
    thread.join(timeout=300)
    assert written == [undisturbed]
    after = log.read_text(errors="replace")[offset + len(text) :]
    assert "Lost executor" in after, "Spark itself says that it lost one"
    assert executors(spark.pid) != before
