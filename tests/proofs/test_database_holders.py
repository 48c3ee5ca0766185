"""Readers and writers of the database while runs replace it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from trials import DATABASE, RUN, Outputs, Prepared, Trial, counted, database_content, differing

PROOF = "readers and writers of the database"
# opens the database as it is told, says so, and at each line that it is given runs it and says what came of it
HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
for line in sys.stdin:
    try:
        print(connection.execute(line).fetchall(), flush=True)
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0], flush=True)
"""


class Holder:
    """A process that has the database open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._answer() == "open"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self, query: str) -> str:
        """What a query gives, or how it fails."""
        assert self._process.stdin is not None
        self._process.stdin.write(query + "\n")
        self._process.stdin.flush()
        return self._answer()


@contextmanager
def holder(path: Path, mode: str) -> Iterator[Holder]:
    """A process that opens the database to read or to write, and is killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Holder(process)
        finally:
            process.kill()


def require_root() -> None:
    """Skip where the database cannot be opened for writing."""
    if os.geteuid():
        pytest.skip("only root can open the database for writing: it is published with mode 0444")


@pytest.fixture
def fresh(prepared: Prepared, tmp_path: Path) -> Trial:
    """A project in which everything is fresh."""
    return prepared.trial(tmp_path, done=True)


def test_a_reader_blocks_no_run_and_keeps_what_it_opened_and_a_new_one_sees_old_or_new_never_neither(
    trial: Trial, request: pytest.FixtureRequest
) -> None:
    path = trial.outputs / DATABASE
    query = "SELECT bit_xor(hash(s)) FROM store_clusters AS s"
    seen: list[object] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.005):
            seen.append(value_or_error(path, query))

    with counted(request.config, PROOF), holder(path, "read") as reader:
        before = reader.ask(query)
        old = value_or_error(path, query)
        opener = threading.Thread(target=look)
        opener.start()
        try:
            done = trial.run(*RUN)
        finally:
            stop.set()
            opener.join()
        assert done.returncode == 0, done.stderr[-3000:]
        assert reader.ask(query) == before
        new = value_or_error(path, query)
        assert new != old
        assert set(seen) == {old, new}, "looked at all the time: the old one at first, the new one at last"
        assert differing(Outputs.of(trial.home), trial.new) == []
        assert trial.leftovers() == []


def value_or_error(path: Path, query: str) -> object:
    """What a reader who opens the database now is given by a query, or why it cannot."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(query).fetchone()
    except duckdb.Error as error:
        return str(error)


def test_the_database_is_published_for_reading_only(prepared: Prepared) -> None:
    assert stat.S_IMODE((prepared.done / "outputs" / DATABASE).stat().st_mode) == 0o444


def test_a_stray_log_beside_the_database_is_told_by_status_and_removed_by_the_next_run(
    fresh: Trial, request: pytest.FixtureRequest
) -> None:
    log = fresh.outputs / f"{DATABASE}.wal"
    log.write_bytes(b"of another database")
    with counted(request.config, PROOF):
        assert fresh.stale() == [f"Warehouse: output altered: outputs/{DATABASE}.wal lies beside it"]
        fresh.assert_converges()


@pytest.mark.nightly
def test_who_opened_the_database_before_a_run_and_writes_after_it_spoils_it_until_the_next_run(
    trial: Trial, request: pytest.FixtureRequest
) -> None:
    path = trial.outputs / DATABASE
    require_root()
    with counted(request.config, PROOF), holder(path, "write") as old:
        assert trial.run(*RUN).returncode == 0
        assert old.ask("CREATE TABLE spoilt AS SELECT 1 AS i") == "[(1,)]"
        with pytest.raises(duckdb.Error, match="WAL does not match"):
            database_content(path)
        assert trial.stale() == [f"Warehouse: output altered: outputs/{DATABASE}.wal lies beside it"]
        trial.assert_converges()
        old.ask("INSERT INTO spoilt VALUES (2)")  # into a file that has no name any more
        old.ask("CHECKPOINT")
        assert differing(Outputs.of(trial.home), trial.new) == []
        assert trial.stale() == []


@pytest.mark.nightly
def test_what_somebody_writes_into_the_database_is_told_by_status_and_gone_after_the_next_run(
    fresh: Trial, request: pytest.FixtureRequest
) -> None:
    path = fresh.outputs / DATABASE
    require_root()
    with counted(request.config, PROOF):
        with duckdb.connect(str(path)) as connection:
            connection.execute("DELETE FROM store_clusters")
        [reason] = fresh.stale()
        assert reason.startswith(f"Warehouse: output altered: outputs/{DATABASE} (")
        fresh.assert_converges()
