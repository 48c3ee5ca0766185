"""Many starts at once, with different flags and schedulers: every target is built exactly once."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from servers import central_scheduler
from trials import PIPELINE, RUN, Outputs, Prepared, Trial, counted, differing

from pipeline.errors import ALREADY_RUNNING, DONE
from pipeline.records import runs

COMMAND = ("store-clustering", "run")


def starts(count: int, port: int) -> list[Sequence[str]]:
    """As many starts, in turn of each kind; no two with the same flags."""
    kinds = [
        (*RUN, "--workers", "1"),
        (*RUN, "--workers", "2"),
        (*COMMAND, "--wait"),
        (*PIPELINE, "--scheduler-port", str(port)),
        (*COMMAND, "--quiet"),
        (*PIPELINE, "--scheduler-port", str(port), "--workers", "2"),
        (*COMMAND, "--wait", "--workers", "2", "--json"),
    ]
    return [(*kinds[number % len(kinds)], "--tag", f"start={number}") for number in range(count)]


@pytest.mark.parametrize("count", [3, *(pytest.param(n, marks=pytest.mark.nightly) for n in (5, 10, 50))])
def test_every_target_is_built_exactly_once_however_many_starts_there_are(
    prepared: Prepared,
    trial: Trial,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    count: int,
) -> None:
    with counted(request.config, f"{count} starts at once"), central_scheduler(tmp_path_factory.mktemp("d")) as port:
        words = starts(count, port)
        processes = [trial.start(*one) for one in words]
        said = [process.communicate(timeout=280) for process in processes]
        for one, process, (_, errors) in zip(words, processes, said, strict=True):
            allowed = (DONE, ALREADY_RUNNING) if one[:2] == COMMAND and "--wait" not in one else (DONE,)
            assert process.returncode in allowed, (one, process.returncode, errors[-3000:])
        built = Counter(event["task"] for run in trial.new_runs() for event in run.tasks(runs.BUILT))
        assert len(built) == prepared.tasks
        assert set(built.values()) == {1}, built
        assert [run.run_id for run in trial.new_runs() if run.status != "done"] == []
        assert differing(Outputs.of(trial.home), trial.new) == []
        assert trial.leftovers() == []
        assert trial.stale() == []


@pytest.mark.nightly
def test_starts_that_share_a_luigid_wait_for_each_other(
    prepared: Prepared, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Luigi's worker by itself ends with 25 where another one runs its task, and with 20 where that is a raw file."""
    trial = prepared.trial(tmp_path)
    with central_scheduler(tmp_path_factory.mktemp("d")) as port:
        processes: list[subprocess.Popen[str]] = [
            trial.start(*PIPELINE, "--scheduler-port", str(port), "--workers", workers) for workers in ("1", "2", "1")
        ]
        said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [DONE] * 3, said[0][1][-3000:]
    built = Counter(event["task"] for run in trial.new_runs() for event in run.tasks(runs.BUILT))
    assert (len(built), set(built.values())) == (prepared.tasks, {1})
