"""What moves from a database: sums, not rows. Counted on the wire."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi as driver
import pytest
from databases import Database

from pipeline.engine.remote import drivers, extracts
from pipeline.settings import Engine, SalesColumns, SalesSource, Sources

ROWS = 5_000_000
_SALES = """CREATE TABLE receipts AS SELECT 1000 + n % 200 AS "STORE", 100000 + n / 200 % 500 AS "SKU",
    'category ' || n / 200 % 500 % 20 AS "CAT", CAST(n * 104729 % 10007 / 100.0 AS NUMERIC(12, 2)) AS "SALES"
    FROM GENERATE_SERIES(CAST(1 AS BIGINT), {rows}) n"""


@contextmanager
def counted(url: str) -> Iterator[tuple[str, list[int]]]:
    """A database behind a door that counts the bytes that come out of it."""
    parts, moved = urlsplit(url), [0]
    door = socket.create_server(("127.0.0.1", 0))

    def pass_on(source: socket.socket, target: socket.socket, *, count: bool) -> None:
        while content := source.recv(1 << 16):
            moved[0] += len(content) if count else 0
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            server = socket.create_connection((parts.hostname or "", parts.port or 0))
            threading.Thread(target=pass_on, args=(client, server), kwargs={"count": False}, daemon=True).start()
            threading.Thread(target=pass_on, args=(server, client), kwargs={"count": True}, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield url.replace(f":{parts.port}/", f":{door.getsockname()[1]}/"), moved
    door.close()


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_five_million_rows_move_at_most_twenty_megabytes(
    postgresql: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with driver.connect(postgresql.url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(_SALES.format(rows=ROWS))
    columns = SalesColumns(store_id="STORE", sku_id="SKU", category="CAT", sales_value="SALES")
    engine = Engine(spill_folder=str(tmp_path / "spill"))
    with counted(postgresql.url) as (url, moved):
        source = SalesSource(table="receipts", connection=url, columns=columns)
        began, busy = time.monotonic(), time.process_time()
        extracts.write(tmp_path / "x.parquet", "sources.internal_sales", source, Sources(internal_sales=source), engine)
        sums = (moved[0], time.process_time() - busy, time.monotonic() - began)
        moved[0], began, busy = 0, time.monotonic(), time.process_time()
        with drivers.opened(url, "sources.internal_sales") as session:
            rows = sum(batch.num_rows for batch in session.batches("SELECT * FROM receipts"))
        scan = (moved[0], time.process_time() - busy, time.monotonic() - began)
    with capsys.disabled():
        for name, (size, cpu, wall) in (("sums", sums), ("all rows", scan)):
            print(f"\n{name}: {size / 1e6:.1f} MB, client {cpu:.1f} s CPU, {wall:.1f} s")
    assert rows == ROWS
    assert sums[0] <= 20_000_000
    assert sums[0] < scan[0] / 10
