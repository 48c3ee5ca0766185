"""Runs whose tasks cannot say themselves that they failed, and processes that run the pipeline more than once."""

from __future__ import annotations

import errno
import gc

import pytest
from projects import Project

from pipeline.alerts import message
from pipeline.config import environment, raw_files
from pipeline.freshness.memory import Memory
from pipeline.records import failures, runs
from pipeline.run import ending
from pipeline.run.session import session
from pipeline.sample import files
from pipeline.stage.raw_source import SampleData

KILLED = """
import os
from pipeline.core.internal import preprocessing
preprocessing.together = lambda **frames: os.kill(os.getpid(), 9)
from pipeline.cli.main import app
app(["run", "Merging", "--workers", "2"])
"""


def test_a_task_whose_process_is_killed_has_failed_in_the_record_and_in_the_alert(project: Project) -> None:
    done = project.command("python", "-c", KILLED)
    assert done.returncode == 30
    assert (
        "error: InternalPreprocessing: its process was ended by signal 9 (Killed) before the task was done"
        in done.stderr
    )
    found = environment.load("dev")
    [run] = runs.every(found)
    assert run.status == "failed"
    [failed] = run.tasks(runs.FAILED)
    assert failed["task"] == "InternalPreprocessing"
    assert run.tasks(runs.BUILT) != []
    told = message.compose(found, run, [])
    assert told.outcome == "failed"
    assert "its process was ended by signal 9" in told.body


def test_a_task_that_cannot_be_looked_at_has_failed_in_the_record(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("as it looked")

    session.renew()
    monkeypatch.setattr("pipeline.stage.documents.DocumentStage.settings", broken)
    assert built.build().status == "SCHEDULING_FAILED"
    assert session.problems == {"ZeroDivisionError: as it looked": ("Report", {})}


def test_a_run_that_ends_with_another_exit_code_than_0_is_never_done(built: Project) -> None:
    session.renew()
    found = environment.load("dev")
    runs.record(found, {}, runs.BUILT, "Merging", reason="a test")
    ending.end(found, code=25)
    run = runs.this(found)
    assert run is not None
    assert run.status == "failed"
    assert message.compose(found, run, []).outcome == "failed"


def test_sample_data_that_an_error_ended_halfway_is_finished_by_the_next_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = project.path("data/raw")
    for path in raw.iterdir():
        path.unlink()
    project.settings["sample_data"] = {"accept": True, "stores": 20, "skus": 24, "weeks": 1}
    project.configure()
    write = files._write
    left = [True, True]

    def full(*words: object, **options: object) -> bool:
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device", "a file")
        left.pop()
        return write(*words, **options)

    monkeypatch.setattr(files, "_write", full)
    outcome = project.build(SampleData)
    assert outcome.failed["SampleData"] == (
        "a file: No space left on device; the last good outputs stay; free the disk, and run again"
    )
    assert len(list(raw.iterdir())) == 2
    monkeypatch.setattr(files, "_write", write)
    assert project.build(SampleData).built == {"SampleData"}
    assert {path.name for path in raw.iterdir()} >= {"sales.parquet", "needs.csv", "external.parquet"}
    assert not project.path("outputs/dev/.sample_data_begun").exists()
    assert project.build(SampleData).built == set()


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (errno.ENOSPC, "free the disk"),
        (errno.EDQUOT, "free the disk"),
        (errno.EACCES, "correct the permissions"),
        (errno.ENOENT, "put it back"),
        (errno.EIO, "check the disk"),
    ],
)
def test_an_error_of_the_disk_says_what_helps(number: int, step: str, project: Project) -> None:
    said = str(failures.unwritable(OSError(number, "so it is", "a file"), project.home))
    assert said == f"a file: so it is; the last good outputs stay; {step}, and run again"


def test_a_raw_file_that_goes_once_its_stage_has_published_fails_nothing(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> list[str]:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "sales")

    monkeypatch.setattr(raw_files, "copies", gone)
    built.path("outputs/dev/.trace/internal_preprocessing.json").unlink()
    outcome = built.build()
    assert outcome.failed == {}
    assert "InternalPreprocessing" in outcome.built


def test_a_process_that_runs_the_pipeline_again_and_again_keeps_nothing_of_the_last_time(built: Project) -> None:
    def kept() -> tuple[int, int]:
        gc.collect()
        every = gc.get_objects()
        memories = sum(isinstance(one, Memory) for one in every)
        return memories, sum(type(one).__name__ == "RawSource" for one in every)

    built.build()
    first = kept()
    for _ in range(3):
        built.build()
    assert kept() == first
    assert first[0] == 1
