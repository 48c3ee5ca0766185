"""The tasks of a job, and whether each is fresh: for `status` and `run --dry-run`. Builds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import luigi

from pipeline.config.environment import Config
from pipeline.errors import MissingDataError
from pipeline.freshness import fingerprints, traces
from pipeline.freshness.reasons import Reason
from pipeline.run.session import session
from pipeline.stage.base import Stage
from pipeline.stage.raw_source import RawSource


@dataclass(frozen=True)
class Standing:
    """Whether a task is fresh: it is if it has no reasons. `targets` are its files, relative to the project's root."""

    task: str
    targets: list[str]
    reasons: list[Reason]


def every(task: luigi.Task) -> list[luigi.Task]:
    """The task and all its requirements, in build order; the dynamic tasks of the last build are included."""
    visited: dict[str, luigi.Task] = {}

    def visit(current: luigi.Task) -> None:
        if current.task_id in visited:
            return
        for below in (*current.deps(), *(current.children() if isinstance(current, Stage) else ())):
            visit(below)
        visited[current.task_id] = current

    visit(task)
    return list(visited.values())


def standings(task: luigi.Task, *, first: bool = True) -> list[Standing]:
    """The standing of every stage of the task, in build order, at one moment; with `first`, at most one reason each."""
    with session.inspection():  # one for all: each task is checked once, not once per task that requires it
        return [standing for below in every(task) for standing in _standing(below, 1 if first else None)]


def _standing(task: luigi.Task, most: int | None) -> Iterator[Standing]:
    if isinstance(task, RawSource):
        yield from _missing(task)
    elif isinstance(task, Stage):
        reasons = list(islice(task.reasons(), most))
        trace = traces.read(task.trace_path)
        targets = list(trace.outputs) if trace else [task.relative(target.path) for target in task.output().values()]
        yield Standing(task.name, targets, reasons)


def _missing(source: RawSource) -> Iterator[Standing]:
    try:
        source.check()
    except MissingDataError as error:
        yield Standing(source.name, [], [Reason("missing", str(error))])


def reread(task: luigi.Task) -> None:
    """Hash every file in a trace again and forget remembered hashes: a damaged file can have an unchanged stat."""
    for stage in _stages(task):
        memory, trace = session.memory(stage.config), traces.read(stage.trace_path)
        for path in {**trace.inputs, **trace.outputs} if trace else {}:
            full = stage.config.home / path
            memory.forget(full)
            if full.is_file():
                memory.hash(full, fingerprints.content)


def _stages(task: luigi.Task) -> list[Stage]:
    return [stage for stage in every(task) if isinstance(stage, Stage)]


def orphans_of(config: Config, task: luigi.Task) -> list[Path]:
    """Files in the environment's output folder that belong to no task and no trace."""
    targets = {target.path for stage in _stages(task) for target in stage.output().values()}
    # Traces too: a run in progress, or a failed one, may have built tasks that the job does not know yet.
    for path in (config.outputs / ".trace").glob("*.json"):
        trace = traces.read(path)
        targets |= {str(config.home / target) for target in trace.outputs} if trace else set()
    return sorted(
        path
        for path in config.outputs.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(config.outputs).parts)
        and str(path) not in targets
    )
