"""Who runs what, as the files and the kernel say it; and whom a cancel may reach."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.records import runs
from pipeline.storage import locks
from pipeline.workbench import audit, launching
from pipeline.workbench.activity import activity, holders


def test_a_lock_is_seen_while_it_is_held_and_looking_never_takes_it(tmp_path: Path) -> None:
    lock = tmp_path / ".locks" / "merging.json"
    with locks.held(lock):
        assert holders(lock.parent) == {"merging.json": os.getpid()}
        assert activity(tmp_path).building == ["merging.json"]
    assert holders(lock.parent) == {}
    assert not activity(tmp_path).is_any
    with locks.held(tmp_path / ".locks" / "run", wait=False):
        assert activity(tmp_path).holder == os.getpid()


def test_an_environment_in_which_nothing_ever_ran_has_no_activity(tmp_path: Path) -> None:
    assert not activity(tmp_path / "outputs" / "new").is_any


def record(outputs: Path, pid: int, started: str, host: str = "") -> str:
    """A run that is going on, as its record says it."""
    line = {"event": "started", "run_id": "20260101T000000-aaaaaaaa", "env": "dev", "tags": {}, "at": "2026-01-01T00:00:00", "user": "anna", "host": host or socket.gethostname(), "pid": pid, "process_started": started}  # fmt: skip
    path = outputs / ".runs" / "20260101T000000-aaaaaaaa.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(line) + "\n")
    return line["run_id"]


@pytest.fixture
def other():
    with subprocess.Popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # fmt: skip
        process.stdout.read(1)
        yield process
        process.kill()


def test_a_cancel_interrupts_the_process_of_the_record(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    run_id = record(tmp_path, other.pid, runs.process_started(other.pid))
    assert launching.interrupt(tmp_path, run_id) == other.pid
    assert other.wait(timeout=20) in (-signal.SIGINT, 1, 130)


@pytest.mark.parametrize(("started", "host"), [("1", ""), ("", ""), ("right", "elsewhere.example")])
def test_a_cancel_reaches_no_process_that_is_not_proven_to_be_the_run(
    tmp_path: Path, other: subprocess.Popen[bytes], started: str, host: str
) -> None:
    run_id = record(tmp_path, other.pid, runs.process_started(other.pid) if started == "right" else started, host)
    with pytest.raises(UsageError, match="not running any more"):
        launching.interrupt(tmp_path, run_id)
    with pytest.raises(UsageError, match="not running any more"):
        launching.interrupt(tmp_path, "")
    with pytest.raises(UsageError, match="not running any more"):
        launching.interrupt(tmp_path, "20990101T000000-bbbbbbbb")
    assert other.poll() is None


@pytest.mark.parametrize(
    "fields",
    [{"job": "--env=prod"}, {"job": "a b"}, {"workers": 0}, {"workers": 10**9}, {"category": 1}, {"tags": "a=b"}, {"other": 1}],
)  # fmt: skip
def test_what_is_no_run_is_refused_before_anything_starts(fields: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        launching.wanted(fields)


def test_no_value_of_a_launch_can_become_an_option_of_its_own() -> None:
    asked = launching.wanted({"job": "", "category": "--env prod; rm -r x", "tags": ["--quiet"], "workers": 2})
    words = launching.words("dev", asked)
    assert words == ["store-clustering", "run", "--env", "dev", "--category=--env prod; rm -r x", "--tag=--quiet", "--workers", "2"]  # fmt: skip
    assert "'--category=--env prod; rm -r x'" in launching.by_hand(words)


def test_the_audit_holds_who_when_what_and_from_where_and_a_torn_line_loses_no_other(tmp_path: Path) -> None:
    path = audit.file(tmp_path / "logs", "dev")
    assert audit.read(path) == []
    audit.note(path, "launch", "127.0.0.1", command="uv run store-clustering run")
    with path.open("a") as file:
        file.write('{"at": "2026\n')
    audit.note(path, "cancel", "::1", run_id="20260101T000000-aaaaaaaa")
    newest, oldest = audit.read(path)
    assert (newest["action"], newest["origin"], newest["who"]) == ("cancel", "::1", runs.who())
    assert (oldest["command"], oldest["at"] <= newest["at"]) == ("uv run store-clustering run", True)


def test_outputs_of_launched_runs_follow_the_retention_of_run_records_and_no_other_file_goes(tmp_path: Path) -> None:
    def output(day: int, env: str = "dev") -> Path:
        path = tmp_path / f"launched_{env}_202601{day:02}T000000-0123abcd.txt"
        path.touch()
        return path

    ours = [output(day) for day in range(1, 8)]
    for path in ours:
        audit.note(audit.file(tmp_path, "dev"), "launched", "127.0.0.1", output=path.name)
    others = [output(1, "dev_x"), output(1, "prod"), output(31), tmp_path / "launched_dev_notes.txt"]
    others[-1].touch()
    not_audited = tmp_path / "launched_dev_20250101T000000-0123abcd.txt"
    not_audited.touch()
    launching.prune(tmp_path, "dev", 3)
    assert {path for path in [*ours, *others, not_audited] if path.exists()} == {*ours[-2:], *others, not_audited}
    launching.prune(tmp_path, "dev", 500)
    assert ours[-1].exists()
