"""Runs that are killed: every target is old and complete or new and complete, and the next run ends where it should.

The kernel does the syncing; that a folder was synced shows only after a power cut, which no test here can make.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest
from trials import RENAMES, RUN, Prepared, Trial, counted, require_strace, strace

from pipeline.records import runs

CALLS = {"fsync": "fsync", "rename": RENAMES, "fdatasync": "fdatasync"}
PARTS = 12
SPREAD = [("fsync", 0.98), ("rename", 0.5)]  # every one of them at night
IN_DUCKDB = [("fdatasync", share) for share in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)]


def kill_at(trial: Trial, call: str, number: int) -> None:
    """Kill a run as it makes its `number`th call, and see that nothing is amiss then, nor after the next run."""
    names = CALLS[call]
    killed = trial.run(*RUN, through=strace(f"{names}:signal=SIGKILL:when={number}", trace=names))
    assert killed.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), f"no {call} number {number}: {killed.stderr}"
    trial.assert_nobody_is_left()
    assert trial.mixed() == []
    trial.assert_converges()


def spread(prepared: Prepared, call: str, share: float) -> int:
    """The number of the call that lies at this share of all."""
    return 1 + round(share * (prepared.calls[call] - 1))


@pytest.mark.parametrize(("call", "share"), SPREAD)
def test_a_run_that_is_killed_as_it_syncs_or_renames(
    prepared: Prepared, trial: Trial, request: pytest.FixtureRequest, call: str, share: float
) -> None:
    require_strace()
    with counted(request.config, "kills at fsync and rename"):
        kill_at(trial, call, spread(prepared, call, share))


@pytest.mark.nightly
@pytest.mark.parametrize(("call", "share"), IN_DUCKDB)
def test_a_run_that_is_killed_as_duckdb_syncs(
    prepared: Prepared, trial: Trial, request: pytest.FixtureRequest, call: str, share: float
) -> None:
    require_strace()
    with counted(request.config, "kills at a sync of DuckDB"):
        kill_at(trial, call, spread(prepared, call, share))


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_run_that_is_killed_at_every_sync_and_every_rename(
    prepared: Prepared, tmp_path: Path, request: pytest.FixtureRequest, call: str, part: int
) -> None:
    require_strace()
    for number in range(1 + part, prepared.calls[call] + 1, PARTS):
        home = tmp_path / str(number)
        with counted(request.config, "kills at fsync and rename"):
            kill_at(prepared.trial(home), call, number)
        shutil.rmtree(home)


@pytest.mark.parametrize(
    "file",
    [
        "internal_preprocessing/sales_by_need_state/bread-e882154bb2.parquet",
        pytest.param("cluster_category/bread-e882154bb2/internal_verdicts.parquet", marks=pytest.mark.nightly),
        pytest.param(".trace/cluster_category-bread-e882154bb2.json", marks=pytest.mark.nightly),
    ],
)
def test_a_run_that_is_killed_as_it_clears_away_a_category_that_is_gone_leaves_no_file_of_it(
    prepared: Prepared, tmp_path: Path, request: pytest.FixtureRequest, file: str
) -> None:
    require_strace()
    trial = prepared.trial(tmp_path, done=True)
    sales = pd.read_parquet(tmp_path / "data/raw/sales.parquet")
    sales[sales["CAT"] != "Bread"].to_parquet(tmp_path / "data/raw/sales.parquet", index=False)
    (
        trial.outputs / "dev/cluster_category/bread-e882154bb2/.internal_clusters.parquet.1.tmp"
    ).touch()  # of a kill before
    unlinks = "unlink,unlinkat"
    through = [*strace(f"{unlinks}:signal=SIGKILL", trace=unlinks), "-P", str(trial.outputs / "dev" / file)]
    with counted(request.config, "kills as a category is cleared away"):
        assert trial.run(*RUN, through=through).returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        done = trial.run(*RUN)
        assert done.returncode == 0, done.stderr[-3000:]
        assert trial.leftovers() == []
        assert trial.stale() == []
        assert [str(path) for path in trial.outputs.rglob("*bread*") if ".locks" not in path.parts] == []


def instants(seeds: Iterable[int]) -> list[object]:
    """A seed per kill."""
    return [pytest.param(seed, id=f"seed-{seed}") for seed in seeds]


def kill_at_random(prepared: Prepared, trial: Trial, seed: int) -> None:
    """Kill a run of one or two workers, the leading process alone, at an instant that the seed gives."""
    words = [*RUN, "--workers", str(1 + seed % 2)]
    done = trial.run(*words, kill_after=random.Random(seed).random() * prepared.seconds)
    assert done.returncode in (-signal.SIGKILL, 0), done.stderr[-3000:]  # 0: it was quicker than it was before
    trial.assert_nobody_is_left()  # within seconds: a call that a worker had begun may have to end first
    at_death = stats(trial)
    time.sleep(0.3)
    assert stats(trial) == at_death, "a worker published after its run was killed"
    assert trial.mixed() == []
    trial.assert_converges()


def stats(trial: Trial) -> dict[str, tuple[int, int]]:
    """Inode and size of every file that is published."""
    files = [path for path in trial.outputs.rglob("[!.]*") if path.is_file()]
    return {str(path): (path.stat().st_ino, path.stat().st_size) for path in files}


@pytest.mark.parametrize("seed", instants(range(1)))
def test_a_run_whose_leading_process_is_killed_at_a_random_instant(
    prepared: Prepared, trial: Trial, request: pytest.FixtureRequest, seed: int
) -> None:
    with counted(request.config, "kills of the leading process at random instants"):
        kill_at_random(prepared, trial, seed)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", instants(range(1, 300)))
def test_a_run_whose_leading_process_is_killed_at_one_of_many_random_instants(
    prepared: Prepared, trial: Trial, request: pytest.FixtureRequest, seed: int
) -> None:
    with counted(request.config, "kills of the leading process at random instants"):
        kill_at_random(prepared, trial, seed)


SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
COMMANDS = {"luigi": RUN, "store-clustering": ("store-clustering", "run")}
IN_CI = [("luigi", signal.SIGTERM, "2"), ("store-clustering", signal.SIGINT, "1")]
AT_NIGHT = [
    (command, number, workers)
    for command in COMMANDS
    for number in SIGNALS
    for workers in ("1", "2")
    if (command, number, workers) not in IN_CI
]


@pytest.mark.parametrize(
    ("command", "number", "workers"), [*IN_CI, *(pytest.param(*one, marks=pytest.mark.nightly) for one in AT_NIGHT)]
)
def test_a_run_that_gets_a_signal_ends_with_it_and_its_record_says_interrupted(
    trial: Trial, request: pytest.FixtureRequest, command: str, number: signal.Signals, workers: str
) -> None:
    words = [*COMMANDS[command], "--workers", workers]
    with counted(request.config, "SIGTERM, SIGINT and SIGHUP"):
        run = trial.start(*words)
        wait_until(lambda: any(one.tasks(runs.BUILT) for one in trial.new_runs()))
        run.send_signal(number)
        _, errors = run.communicate(timeout=60)
        assert run.returncode in (-number, 128 + number), errors[-3000:]
        trial.assert_nobody_is_left()
        assert [one.status for one in trial.new_runs()] == ["interrupted"]
        assert trial.mixed() == []
        trial.assert_converges()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


LOST = """
import os, signal, sys
from luigi.cmdline import luigi_run
from pipeline.cli.main import main

left = [int(sys.argv.pop(1))]

def interrupt():
    left[0] -= 1
    if not left[0]:
        signal.raise_signal(signal.SIGINT)

os.register_at_fork(before=interrupt)
signal.signal(signal.SIGINT, signal.default_int_handler)  # who started the tests may have it ignored
main() if sys.argv[1] == "run" else luigi_run(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("words", "fork"),
    [
        (RUN[1:], 2),
        pytest.param(RUN[1:], 9, marks=pytest.mark.nightly),
        pytest.param(("run",), 3, marks=pytest.mark.nightly),
        pytest.param(("run", "--json"), 10, marks=pytest.mark.nightly),
    ],
)
def test_an_interrupt_that_python_drops_because_it_comes_during_a_fork_ends_the_run(
    trial: Trial, request: pytest.FixtureRequest, words: tuple[str, ...], fork: int
) -> None:
    with counted(request.config, "interrupts during a fork"):
        run = trial.start("python", "-c", LOST, str(fork), *words, "--workers", "2")
        _, errors = run.communicate(timeout=120)
        assert "Exception ignored" in errors, "Python did not drop it"
        assert run.returncode in (-signal.SIGINT, 128 + signal.SIGINT), errors[-3000:]
        trial.assert_nobody_is_left()
        assert {one.status for one in trial.new_runs()} <= {"interrupted"}  # none, where nothing was built yet
        assert trial.mixed() == []
        trial.assert_converges()
