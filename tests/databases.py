"""Databases on this machine, for tests: PostgreSQL, DuckDB as a database of its own, Sail's server of Spark Connect, and Spark itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import free_port, wait_for

FILES = 8  # of a table of Spark: tasks that can run at once
PASSWORD = "s3cr3t-of-the-database"  # noqa: S105


def _program(name: str) -> Path | None:
    """A program of PostgreSQL: Debian keeps them out of the PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    on_path = shutil.which(name)
    return installed[-1] if installed else Path(on_path) if on_path else None


@dataclass(frozen=True)
class Database:
    """A database that tests may write to, and the URL under which the pipeline reads it."""

    url: str
    scheme: str
    folder: Path = Path()  # of Spark: of its tables, which are files
    pid: int = 0  # of Spark: its driver

    def source(self, name: str) -> dict[str, str]:
        """The settings of a source that is this table."""
        return {"sql": f"SELECT * FROM parquet.`{self.folder / name}`"} if self.scheme == "sc" else {"table": name}

    def write(self, name: str, table: pa.Table, types: Mapping[str, str] | None = None) -> None:
        """Replace a table; `types` are those of the database for columns that are not what Arrow says."""
        WRITERS[self.scheme](self, name, table, types or {})


def _write_to_postgresql(database: Database, name: str, table: pa.Table, types: Mapping[str, str]) -> None:
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(database.url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE IF EXISTS "{name}", "{name} as given"')
        cursor.adbc_ingest(f"{name} as given", table)
        columns = ", ".join(
            f'CAST("{each}" AS {types[each]}) AS "{each}"' if each in types else f'"{each}"'
            for each in table.column_names
        )
        cursor.execute(f'CREATE TABLE "{name}" AS SELECT {columns} FROM "{name} as given"')
        cursor.execute(f'DROP TABLE "{name} as given"')


def _write_to_duckdb(database: Database, name: str, table: pa.Table, types: Mapping[str, str]) -> None:
    with duckdb.connect(database.url.removeprefix("duckdb://")) as connection:
        connection.register("given", table)
        columns = ", ".join(
            f'CAST("{each}" AS {types[each]}) AS "{each}"' if each in types else f'"{each}"'
            for each in table.column_names
        )
        connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT {columns} FROM given')


def _write_for_spark(database: Database, name: str, table: pa.Table, types: Mapping[str, str]) -> None:
    assert not types
    (database.folder / name).mkdir(exist_ok=True)
    share = -(-len(table) // FILES)
    for number in range(FILES):
        pq.write_table(table.slice(number * share, share), database.folder / name / f"{number}.parquet")


WRITERS = {"postgresql": _write_to_postgresql, "duckdb": _write_to_duckdb, "sc": _write_for_spark}


@contextmanager
def postgresql() -> Iterator[Database]:
    """A PostgreSQL server on the loopback address, with a password; a test that needs it is skipped where it is not installed."""
    initdb, server = _program("initdb"), _program("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, "nobody", "nogroup")
        secret = Path(folder) / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data, port = Path(folder) / "data", free_port()
        made = [
            initdb,
            "-D",
            data,
            "-U",
            "robot",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        options = (
            "listen_addresses=127.0.0.1",
            f"port={port}",
            "unix_socket_directories=",
            "fsync=off",
            "max_wal_size=4GB",
        )
        command = [server, "-D", data, *(word for option in options for word in ("-c", option))]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **user)
        try:
            url = f"postgresql://robot:{PASSWORD}@127.0.0.1:{port}/postgres"
            _wait(url)
            yield Database(url, "postgresql")
        finally:
            process.terminate()
            process.wait()


def _wait(url: str) -> None:
    import time

    import adbc_driver_postgresql.dbapi as driver

    for _ in range(200):
        try:
            driver.connect(url).close()
        except driver.Error:  # noqa: PERF203
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("PostgreSQL does not start")


@contextmanager
def duckdb_file(folder: Path) -> Iterator[Database]:
    """DuckDB as a database of its own."""
    path = folder / "there.duckdb"
    duckdb.connect(str(path)).close()
    yield Database(f"duckdb://{path}", "duckdb")


@contextmanager
def sail(folder: Path) -> Iterator[Database]:
    """Sail's server, which speaks Spark Connect without Java."""
    server = pytest.importorskip("pysail.spark", reason="pysail is not installed").SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    yield Database(f"sc://127.0.0.1:{server.listening_address[1]}", "sc", folder)
    server.stop()


@contextmanager
def spark(folder: Path) -> Iterator[Database]:
    """Apache Spark's server of Spark Connect, with two executors as processes of their own; it needs Java and `SPARK_HOME`."""
    home = Path(os.environ.get("SPARK_HOME", "nowhere"))
    if not (home / "bin/spark-submit").is_file():
        pytest.skip("SPARK_HOME names no Spark: .ci/nightly fetches one")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed: apt-get install openjdk-17-jre-headless")
    port, web = free_port(), free_port()
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.ui.port": web,
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.sql.adaptive.enabled": "false",  # as many tasks as partitions
        "spark.sql.shuffle.partitions": 16,
    }
    service = "org.apache.spark.sql.connect.service.SparkConnectServer"
    command = [home / "bin/spark-submit", "--class", service, "--master", "local-cluster[2,1,1024]"]
    command += [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    with (folder / "spark.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "spark-internal"],
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        )
    try:
        wait_for(port, seconds=120)
        yield Database(f"sc://127.0.0.1:{port}", "sc", folder, process.pid)
    finally:
        process.terminate()
        process.wait()


def arrow_of(frame: pd.DataFrame) -> pa.Table:
    """A frame as Arrow, without pandas' metadata."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
