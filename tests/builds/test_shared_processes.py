"""Tasks per category share processes: what that changes for nobody but the clock."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import luigi
import pytest
from projects import CATEGORIES, Project

from pipeline import tasks
from pipeline.core.internal import clustering
from pipeline.run import shared_processes
from pipeline.run.session import session

Frames = dict[str, object]


def before_each(monkeypatch: pytest.MonkeyPatch, act: Callable[[str], None]) -> None:
    """Do something with the name of the category before it is clustered."""
    cluster = clustering.cluster_category

    def acting(**given: object) -> Frames:
        act(str(given["sales_by_need_state"]["category"].iloc[0]))
        return cluster(**given)

    monkeypatch.setattr(clustering, "cluster_category", acting)


def test_a_category_whose_process_is_killed_fails_alone_and_the_others_are_built(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = CATEGORIES[0]
    before_each(monkeypatch, lambda category: os.kill(os.getpid(), signal.SIGKILL) if category == killed else None)
    outcome = project.build(tasks.InternalClustering, workers=2)
    assert {f"ClusterCategory({category})" for category in CATEGORIES[1:]} <= outcome.built
    assert f"ClusterCategory({killed})" not in outcome.built
    [problem] = session.problems
    assert problem.startswith(f"ClusterCategory({killed}): its process was ended by signal 9 (Killed)")


def test_each_worker_has_category_after_category_in_one_process_also_after_a_failure_and_none_is_left(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = tmp_path / "processes"

    def fail_first(category: str) -> None:
        with processes.open("a") as lines:
            lines.write(f"{os.getpid()}\n")
        if category == CATEGORIES[0]:
            raise ZeroDivisionError("so it is")

    before_each(monkeypatch, fail_first)
    outcome = project.build(tasks.InternalClustering, workers=2)
    assert list(outcome.failed) == [f"ClusterCategory({CATEGORIES[0]})"]
    assert {f"ClusterCategory({category})" for category in CATEGORIES[1:]} <= outcome.built
    numbers = processes.read_text().split()
    assert len(numbers) == len(CATEGORIES) > len(set(numbers))
    assert str(os.getpid()) not in numbers
    for process in multiprocessing.active_children():
        process.join(10)
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_between_two_tasks_fails_the_task_that_it_was_given_and_the_run_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = shared_processes._SharedProcess.give
    killed = CATEGORIES[0]

    def give_to_the_dead(process: shared_processes._SharedProcess, task: luigi.Task) -> None:
        if task.task_family == "ClusterCategory" and task.param_kwargs["category"] == killed:
            process.process.kill()
            process.process.join()
        give(process, task)

    monkeypatch.setattr(shared_processes._SharedProcess, "give", give_to_the_dead)
    outcome = project.build(tasks.InternalClustering, workers=2)
    assert {f"ClusterCategory({category})" for category in CATEGORIES[1:]} <= outcome.built
    [problem] = session.problems
    assert problem.startswith(f"ClusterCategory({killed}): its process was ended by signal 9 (Killed)")


def test_a_task_whose_process_does_not_end_when_it_takes_too_long_is_killed_and_the_others_are_built(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = CATEGORIES[0]

    def ignore_the_end(category: str) -> None:
        if category == slow:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)

    before_each(monkeypatch, ignore_the_end)
    monkeypatch.setattr(shared_processes, "_ENDS", 0.1)
    timeout = property(lambda task: 5 if task.category == slow else None)
    monkeypatch.setattr(tasks.ClusterCategory, "worker_timeout", timeout)
    outcome = project.build(tasks.InternalClustering, workers=2)
    assert {f"ClusterCategory({category})" for category in CATEGORIES[1:]} <= outcome.built
    assert f"ClusterCategory({slow})" not in outcome.built
    for process in multiprocessing.active_children():
        process.join(10)
    assert multiprocessing.active_children() == []
