"""Many runs in a row, each after a random change: nothing piles up."""

from __future__ import annotations

import gc
import logging
import random
import resource
import tempfile
import time
from pathlib import Path

import pytest
from projects import Project, raw_frames

from pipeline.config.environment import load
from pipeline.records import history, runs

SLOWER = 3.0  # times as long per run: reading the history of all runs, beside that of the first twenty


def change(project: Project, rng: random.Random, number: int) -> None:
    """Something that a user does between two runs."""
    what = rng.randrange(6)
    if what == 0:
        project.write_sales(raw_frames(seed=number)[0])
    elif what == 1:
        project.configure(merging={"internal_weight": rng.choice([0.5, 0.6, 0.7])})
    elif what == 2:
        project.path("data/raw/needs.csv").touch()
    elif what == 3:
        target = rng.choice(sorted(project.path("outputs/dev").rglob("*.parquet")))
        target.write_bytes(target.read_bytes()[: rng.randrange(500)])
    elif what == 4:
        sales = project.sales()
        project.write_sales(sales[sales["CAT"] != rng.choice(["Bread", "Coffee"])])
    else:
        project.path("data/raw/external.parquet").write_bytes(rng.randbytes(300))  # a run that fails


def mend(project: Project) -> None:
    sales, _, external = raw_frames()
    project.write_sales(sales)
    external.to_parquet(project.path("data/raw/external.parquet"), index=False)
    project.configure()


def left_over(home: Path) -> list[str]:
    """Temporary files, and spilled ones."""
    found = [path for path in home.rglob("*") if path.name.endswith(".tmp") or "duckdb-" in path.name]
    return [str(path.relative_to(home)) for path in found if path.suffix != ".toml"]


def spilled() -> set[str]:
    """Spill folders that no connection has any more."""
    return {path.name for path in Path(tempfile.gettempdir()).glob("store-clustering-spill-*/duckdb-*")}


def history_per_run() -> float:
    """Seconds to read the history, by the number of runs in it; the least of some tries."""
    found, taken = load("dev"), []
    for _ in range(5):
        started = time.perf_counter()
        history.runs_so_far(found)
        taken.append(time.perf_counter() - started)
    return min(taken) / len(list(runs.every(found)))


@pytest.mark.nightly
@pytest.mark.parametrize("count", [200])
def test_nothing_piles_up_over_many_runs(count: int, built: Project, monkeypatch: pytest.MonkeyPatch, tried) -> None:
    monkeypatch.setattr(logging.getLogger("luigi-interface"), "propagate", False)  # pytest keeps what it captures
    rng, handles, memory = random.Random(8), [], []
    temporary = spilled()
    for number in range(count):
        change(built, rng, number)
        built.build()
        if number % 10 == 9:
            mend(built)
            assert built.build().status == "SUCCESS"
        assert left_over(built.home) == []
        gc.collect()  # the error of a run that failed holds what it was raised in, until then
        handles.append(len(list(Path("/proc/self/fd").iterdir())))
        if number == 19:
            early = history_per_run()
        memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
    third = count // 3
    assert max(handles[-third:]) <= max(handles[:third]), "handles of files that are never closed"
    grown = (min(memory[-third:]) - min(memory[third : 2 * third])) / third
    assert grown < 1 << 16, f"{grown / 1024:.0f} kB more memory with each run"
    assert spilled() <= temporary
    assert len(list(runs.every(load("dev")))) >= count // 2
    assert history_per_run() < SLOWER * early
    counts = tried("runs in a row, each after a random change")
    counts["runs without a file or a handle left"] += count
    counts["bytes of memory more with each run"] += max(0, round(grown))
