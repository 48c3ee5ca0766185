"""The tasks that a job consists of, and how each stands: for `status` and `run --dry-run`. Builds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    """How a task stands: fresh where it has no reasons. `targets` are its files, relative to the project's root."""

    task: str
    targets: list[str]
    reasons: list[Reason]


def every(task: luigi.Task) -> list[luigi.Task]:
    """The task and all that it requires, dynamic tasks of the last build included, in the order of a build."""
    found: dict[str, luigi.Task] = {}

    def visit(one: luigi.Task) -> None:
        if one.task_id in found:
            return
        for below in (*one.deps(), *(one.children() if isinstance(one, Stage) else ())):
            visit(below)
        found[one.task_id] = one

    visit(task)
    return list(found.values())


def standings(task: luigi.Task, *, first: bool = True) -> Iterator[Standing]:
    """How every stage of the task stands, in the order of a build; with `first` no more than one reason each."""
    for one in every(task):
        if isinstance(one, RawSource):
            yield from _missing(one)
        if not isinstance(one, Stage):
            continue
        with session.traversal():
            found = one.reasons()
            reasons = [reason for reason in (next(found, None),) if reason] if first else list(found)
        trace = traces.read(one.trace_path)
        targets = list(trace.outputs) if trace else [one.relative(target.path) for target in one.output().values()]
        yield Standing(one.name, targets, reasons)


def _missing(source: RawSource) -> Iterator[Standing]:
    try:
        source.check()
    except MissingDataError as error:
        yield Standing(source.name, [], [Reason("missing", str(error))])


def reread(task: luigi.Task) -> None:
    """Read every file that a trace names, whatever is remembered of it: bits rot without a new stat."""
    for one in _stages(task):
        memory, trace = session.memory(one.config), traces.read(one.trace_path)
        for path in {**trace.inputs, **trace.outputs} if trace else {}:
            full = one.config.home / path
            memory.forget(full)
            if full.is_file():
                memory.hash(full, fingerprints.content)


def _stages(task: luigi.Task) -> list[Stage]:
    return [one for one in every(task) if isinstance(one, Stage)]


def orphans_of(config: Config, task: luigi.Task) -> list[Path]:
    """Files in the environment's output folder that no task makes and no trace names."""
    known = {target.path for one in _stages(task) for target in one.output().values()}
    for path in (config.outputs / ".trace").glob("*.json"):  # of a run that goes on, or failed, some are no task's yet
        trace = traces.read(path)
        known |= {str(config.home / target) for target in trace.outputs} if trace else set()
    return sorted(
        path
        for path in config.outputs.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(config.outputs).parts)
        and str(path) not in known
    )
