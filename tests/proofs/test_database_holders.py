"""Readers and writers of the database while runs replace it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import duckdb
import pytest
from onlookers import holder, onlooker
from trials import DATABASE, RUN, Outputs, Prepared, Trial, counted, database_content, differing

PROOF = "readers and writers of the database"


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
    with counted(request.config, PROOF), holder(path, "read") as reader, onlooker(path, query) as looking:
        before = reader.ask(query)
        done = trial.run(*RUN)
        assert done.returncode == 0, done.stderr[-3000:]
        assert reader.ask(query) == before
        seen = looking.saw()
        with holder(path, "read") as later:
            assert seen == [before, later.ask(query)], (
                "looked at all the time: the old one at first, the new one at last"
            )
        assert differing(Outputs.of(trial.home), trial.new) == []
        assert trial.leftovers() == []


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
