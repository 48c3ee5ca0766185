"""The runs that the page lists, from their records."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from pipeline.records import runs
from pipeline.workbench import history
from pipeline.workbench.history import History


def record(folder: Path, number: int, *events: dict[str, object], status: str = "done") -> Path:
    """The record of a run that ended, or of one that goes on in this process."""
    run_id = f"202601{number:02}T000000-aaaaaaaa"
    started = {"event": "started", "run_id": run_id, "env": "dev", "tags": {}, "at": "2026-01-01T00:00:00", "user": "anna", "host": socket.gethostname(), "pid": os.getpid(), "process_started": runs.process_started(os.getpid()), "command": ["/x/store-clustering", "run"]}  # fmt: skip
    ended = [{"event": "finished", "at": "2026-01-01T00:00:09", "status": status, "fresh": ["Overrides"]}] if status != "running" else []  # fmt: skip
    path = folder / f"{run_id}.jsonl"
    folder.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in (started, *events, *ended)))
    return path


def built(task: str, **rows: int) -> dict[str, object]:
    return {"event": "built", "task": task, "at": "2026-01-01T00:00:05", "seconds": 2.0, "reason": "missing", "rows": rows}  # fmt: skip


def test_a_list_of_runs_says_counts_and_the_first_error_and_one_run_says_all(tmp_path: Path) -> None:
    failed = {"event": "failed", "task": "Warehouse", "at": "2026-01-01T00:00:06", "error": "the disk is full"}
    record(tmp_path, 1, built("Merging", store_clusters=7), failed, status="failed")
    record(tmp_path, 2, built("Merging", store_clusters=8), built("ClusterCategory(Tea)", store_clusters=3))
    runs_ = History(tmp_path)
    newest, oldest = map(history.summary, runs_.latest(10))
    assert (newest["counts"], newest["error"], newest["command"]) == ({"built": 2}, "", "store-clustering run")
    assert (oldest["counts"], oldest["error"]) == ({"built": 1, "failed": 1}, "the disk is full")
    assert "events" not in newest
    assert [run.run_id for run in runs_.latest(1)] == [newest["run_id"]]
    one = runs_.run(oldest["run_id"])
    assert [line["task"] for line in history.whole(one)["events"]] == ["Merging", "Warehouse"]
    assert history.failures(one) == {"Warehouse": "the disk is full"}
    assert [(build["run_id"], build["rows"]) for build in history.builds(runs_.latest(9), "store_clusters")] == [
        (newest["run_id"], 8),
        (oldest["run_id"], 7),
    ]
    assert history.builds(runs_.latest(9), "other") == []


@pytest.mark.parametrize("run_id", ["nothing", "../.trace/x", "", "a" * 65])
def test_there_is_no_run_but_those_of_the_records(tmp_path: Path, run_id: str) -> None:
    record(tmp_path / "runs", 1)
    (tmp_path / ".trace").mkdir()
    record(tmp_path / ".trace", 2).rename(tmp_path / ".trace" / "x.jsonl")
    assert History(tmp_path / "runs").run(run_id) is None


def test_a_record_is_read_again_only_if_it_changed_or_its_process_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, going = record(tmp_path, 1), record(tmp_path, 2, status="running")
    read, paths = runs.read, []
    monkeypatch.setattr(runs, "read", lambda path: paths.append(path) or read(path))
    runs_ = History(tmp_path)
    assert [run.status for run in runs_.latest(9)] == ["running", "done"]
    runs_.latest(9)
    assert (paths.count(ended), paths.count(going)) == (1, 1)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "process_started", lambda _: "another")
        assert [run.status for run in runs_.latest(9)] == ["interrupted", "done"]
    record(tmp_path, 2, built("Merging"), status="running")
    assert [run.status for run in runs_.latest(9)] == ["running", "done"]
    record(tmp_path, 2, built("Merging"))
    assert [run.status for run in runs_.latest(9)] == ["done", "done"]
    ended.unlink()
    assert [run.status for run in runs_.latest(9)] == ["done"]
    record(tmp_path, 1, built("Merging"), built("Warehouse"), status="failed")
    assert [run.status for run in runs_.latest(9)] == ["done", "failed"]
