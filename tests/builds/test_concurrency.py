"""Changes during a run, several runs at once, and runs that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from projects import CATEGORIES, Project

from pipeline import tasks
from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.errors import AlreadyRunningError
from pipeline.freshness.traces import Trace
from pipeline.stage.from_raw import RawStage
from pipeline.storage import locks

TWO_WORKERS = [
    str(Path(sys.executable).parent / "luigi"),
    *("--module", "pipeline.tasks", "FullPipeline", "--env", "dev", "--local-scheduler", "--workers", "2"),
]


def on_computing(monkeypatch: pytest.MonkeyPatch, act) -> None:
    """Act while the external preprocessing computes: after it read, before it publishes."""
    original = external_preprocessing.preprocess

    def preprocess(**frames: object) -> object:
        act()
        return original(**frames)

    monkeypatch.setattr(external_preprocessing, "preprocess", preprocess)


def test_an_input_that_changes_while_it_is_read_is_read_again(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = built.path("data/raw/external.parquet")
    new = pd.read_parquet(path)
    new["AGE"] = new["AGE"] + 3.25
    changes = iter([lambda: new.to_parquet(path, index=False)])
    on_computing(monkeypatch, lambda: next(changes, lambda: None)())
    built.path("outputs/dev/.trace/external_preprocessing.json").unlink()
    assert "ExternalPreprocessing" in built.build(tasks.ExternalPreprocessing).built
    published = pd.read_parquet(built.path("outputs/dev/external_preprocessing/external_features.parquet"))
    assert published["AGE"].sum() == pytest.approx(new["AGE"].sum())
    assert built.build(tasks.ExternalPreprocessing).built == set()


def test_an_input_that_keeps_changing_fails_and_publishes_nothing(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = (
        built.path("data/raw/external.parquet"),
        "outputs/dev/external_preprocessing/external_features.parquet",
    )
    before = built.path(target).read_bytes()
    frame = pd.read_parquet(path)

    def change() -> None:
        frame["AGE"] += 1
        frame.to_parquet(path, index=False)

    on_computing(monkeypatch, change)
    built.path("outputs/dev/.trace/external_preprocessing.json").unlink()
    outcome = built.build(tasks.ExternalPreprocessing)
    assert "changed while it was read, twice" in outcome.failed["ExternalPreprocessing"]
    assert built.path(target).read_bytes() == before
    assert [found.name for found in built.path(target).parent.glob(".*")] == []


def test_content_that_changes_and_changes_back_while_it_is_read_is_seen(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = built.path("data/raw/external.parquet")
    good = path.read_bytes()
    computed = []

    def there_and_back() -> None:
        computed.append(1)
        if len(computed) == 1:
            path.write_bytes(b"other")
            path.write_bytes(good)

    on_computing(monkeypatch, there_and_back)
    built.path("outputs/dev/.trace/external_preprocessing.json").unlink()
    assert built.build(tasks.ExternalPreprocessing).status == "SUCCESS"
    assert len(computed) == 2


def test_a_change_after_publication_belongs_to_the_next_run(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = built.path("data/raw/external.parquet")
    frame = pd.read_parquet(path)
    frame["AGE"] += 2.5
    frame.to_parquet(path, index=False)
    later = frame.assign(AGE=frame["AGE"] + 1)
    original = RawStage.replaced

    times: list[str] = []

    def after_publication(self: RawStage, old: Trace, new: Trace) -> None:
        times.append(self.name)
        later.to_parquet(path, index=False)
        original(self, old, new)

    monkeypatch.setattr(RawStage, "replaced", after_publication)
    outcome = built.build(tasks.FullPipeline)
    assert outcome.status == "SUCCESS"
    monkeypatch.setattr(RawStage, "replaced", original)
    assert times == ["ExternalPreprocessing"], "once, though the tasks per category require it again"
    assert "ExternalPreprocessing" in built.build(tasks.FullPipeline).built


def test_several_starts_at_once_build_each_target_once(project: Project) -> None:
    outcomes: list[subprocess.CompletedProcess[str]] = []
    starts = [
        threading.Thread(target=lambda n=n: outcomes.append(project.luigi("Merging", "--tag", f"n={n}")))
        for n in range(4)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert [done.returncode for done in outcomes] == [0] * 4, outcomes[0].stderr
    built: list[str] = []
    for record in project.path("outputs/dev/.runs").glob("*.jsonl"):
        built += [line for line in record.read_text().splitlines() if '"event": "built"' in line]
    names = [line.split('"task": "')[1].split('"')[0] for line in built]
    assert len(names) == len(set(names))
    assert {f"MergeCategory({category})" for category in CATEGORIES} < set(names)
    assert len(names) == 6 + 2 * len(CATEGORIES)


def test_a_second_run_of_the_command_exits_10_or_waits(built: Project) -> None:
    words = [str(Path(sys.executable).parent / "store-clustering"), "run", "--wait"]
    environ = {**os.environ, "STORE_CLUSTERING_HOME": str(built.home)}
    with locks.held(built.path("outputs/dev/.locks/run")):
        done = built.command("store-clustering", "run")
        assert done.returncode == 10
        said = f"error: process {os.getpid()} is already running here; wait for it, or give --wait"
        assert done.stderr.startswith(said)
        waiting = subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        assert waiting.poll() is None
    said_at_last, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert said_at_last.startswith("nothing to do: every target is fresh")


def test_a_lock_is_dropped_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import pathlib, sys, time\n"
        "from pipeline.storage import locks\n"
        "with locks.held(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(AlreadyRunningError, match=f"process {holder.pid} is already running"),
            locks.held(path, wait=False),
        ):
            pass
        holder.kill()
        holder.wait()
        with locks.held(path, wait=False):
            pass


@pytest.mark.parametrize("seconds", [1.6, *(pytest.param(one, marks=pytest.mark.nightly) for one in (0.8, 2.4, 3.2))])
def test_a_killed_run_leaves_targets_old_or_new_and_the_next_one_ends_with_the_same_bytes(
    built: Project, project_bytes: dict[str, bytes], seconds: float
) -> None:
    for path in built.path("outputs/dev/.trace").glob("*.json"):
        path.unlink()
    with subprocess.Popen(
        TWO_WORKERS,
        cwd=built.home,
        env={**os.environ, "STORE_CLUSTERING_HOME": str(built.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        time.sleep(seconds)
        run.send_signal(signal.SIGKILL)
    time.sleep(0.2)
    after_the_kill = {name: built.path(f"outputs/{name}").read_bytes() for name in project_bytes}
    assert after_the_kill == project_bytes, "equal inputs: whatever was published has the same bytes"
    assert built.build().status == "SUCCESS"
    assert {name: built.path(f"outputs/{name}").read_bytes() for name in project_bytes} == project_bytes
    assert [path for path in built.path("outputs").rglob(".*.tmp") if "memory" not in path.name] == []
    assert built.build().built == set()


@pytest.fixture
def project_bytes(built: Project, parquet_bytes) -> dict[str, bytes]:
    return parquet_bytes(built.home / "outputs")


def test_workers_end_with_their_run(project: Project) -> None:
    with subprocess.Popen(
        TWO_WORKERS,
        cwd=project.home,
        env={**os.environ, "STORE_CLUSTERING_HOME": str(project.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        children: list[int] = []
        deadline = time.monotonic() + 60
        while not children and time.monotonic() < deadline:
            listed = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
            children = [int(child) for child in listed]
        run.kill()
    assert children
    deadline = time.monotonic() + 5
    while any(lives(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [child for child in children if lives(child)] == []


def lives(process: int) -> bool:
    """Whether a process is there, and more than an entry that its parent has yet to collect."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("edit", [{"external": {"preprocessing": {"max_correlation": 1.0}}}, {"nonsense": 1}])
def test_a_run_keeps_the_settings_it_began_with_and_the_next_one_reads_the_edited_ones(
    built: Project, monkeypatch: pytest.MonkeyPatch, edit: dict[str, object]
) -> None:
    good = built.path("outputs/dev/external_preprocessing/external_features.parquet").read_bytes()
    on_computing(monkeypatch, lambda: built.configure(**edit))
    built.path("outputs/dev/.trace/external_preprocessing.json").unlink()
    outcome = built.build(tasks.ExternalPreprocessing)
    assert (outcome.status, outcome.built) == ("SUCCESS", {"ExternalPreprocessing"})
    assert built.path("outputs/dev/external_preprocessing/external_features.parquet").read_bytes() == good
    monkeypatch.undo()
    after = built.luigi("ExternalPreprocessing")
    if "nonsense" in edit:
        assert after.returncode == 2
        assert "configs/dev.toml: nonsense: unknown" in after.stderr
    else:
        assert "setting changed: external.preprocessing.max_correlation (0.95 -> 1.0)" in after.stderr
