"""Databases on this machine, for tests: PostgreSQL, DuckDB as a database of its own, and Sail's server of Spark Connect."""

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
import pytest
from servers import free_port

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

    def write(self, name: str, table: pa.Table, types: Mapping[str, str] | None = None) -> None:
        """Replace a table; `types` are those of the database for columns that are not what Arrow says."""
        WRITERS[self.scheme](self.url, name, table, types or {})


def _write_to_postgresql(url: str, name: str, table: pa.Table, types: Mapping[str, str]) -> None:
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE IF EXISTS "{name}", "{name} as given"')
        cursor.adbc_ingest(f"{name} as given", table)
        columns = ", ".join(
            f'CAST("{each}" AS {types[each]}) AS "{each}"' if each in types else f'"{each}"'
            for each in table.column_names
        )
        cursor.execute(f'CREATE TABLE "{name}" AS SELECT {columns} FROM "{name} as given"')
        cursor.execute(f'DROP TABLE "{name} as given"')


def _write_to_duckdb(url: str, name: str, table: pa.Table, types: Mapping[str, str]) -> None:
    with duckdb.connect(url.removeprefix("duckdb://")) as connection:
        connection.register("given", table)
        columns = ", ".join(
            f'CAST("{each}" AS {types[each]}) AS "{each}"' if each in types else f'"{each}"'
            for each in table.column_names
        )
        connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT {columns} FROM given')


WRITERS = {"postgresql": _write_to_postgresql, "duckdb": _write_to_duckdb}


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


def arrow_of(frame: pd.DataFrame) -> pa.Table:
    """A frame as Arrow, without pandas' metadata."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
