"""The DAG as data: every task with its state, its reasons, its files and what it reads. For pages; builds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import luigi

from pipeline.errors import MissingDataError
from pipeline.freshness import traces
from pipeline.freshness.reasons import Reason
from pipeline.inspect.standings import every
from pipeline.run.session import session
from pipeline.stage.base import Stage
from pipeline.stage.from_raw import RawStage
from pipeline.stage.loading import LoadingStage
from pipeline.stage.per_category import CategoryStage, CollectingStage
from pipeline.stage.raw_source import RawSource, SampleData


@dataclass(frozen=True)
class File:
    """A file of a task, relative to the project's root; `size` in bytes is None if it does not exist, `rows` if unknown."""

    path: str
    size: int | None
    rows: int | None = None


@dataclass(frozen=True)
class Node:
    """A task. It is fresh if it has no reasons.

    Attributes
    ----------
    task : its name for users; `family` is its class, `category` the category of a task per category, else empty
    group : the class of the tasks per category that it asks for; empty for other tasks
    requires : the names of the tasks directly below it
    tables : the tables that it publishes; `reads` are the tables that it reads
    lock : the file that a run holds while it builds the task, relative to the project's root; empty for raw files
    built_at, seconds, run_id : of the last build; empty, 0 and empty if there was none
    """

    task: str
    family: str
    category: str = ""
    group: str = ""
    requires: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    lock: str = ""
    built_at: str = ""
    seconds: float = 0.0
    run_id: str = ""


def graph(task: luigi.Task) -> list[Node]:
    """Every task below this one with all reasons why it is stale, in build order.

    A stage without tasks per category, because nothing was built yet, still names their class in `group`.
    """
    with session.inspection():
        return [node for below in every(task) for node in _node(below)]


def _node(task: luigi.Task) -> Iterator[Node]:
    if isinstance(task, RawSource):
        yield _raw(task)
    elif isinstance(task, SampleData):
        yield Node(task.task_family, task.task_family, reasons=[Reason("missing", "no raw file exists")])
    elif isinstance(task, Stage):
        yield _stage(task)


def _raw(source: RawSource) -> Node:
    try:
        paths, reasons = source.check(), []
    except MissingDataError as error:
        paths, reasons = [], [Reason("missing", str(error))]
    return Node(
        source.name, source.task_family, reasons=reasons, files=[_file(path, source.config.home) for path in paths]
    )


def _stage(stage: Stage) -> Node:
    home, trace = stage.config.home, traces.read(stage.trace_path)
    targets = list(trace.outputs) if trace else [stage.relative(target.path) for target in stage.output().values()]
    return Node(
        stage.name,
        stage.task_family,
        category=stage.category if isinstance(stage, CategoryStage) else "",
        group=stage.child.get_task_family() if isinstance(stage, CollectingStage) else "",
        requires=[getattr(below, "name", below.task_family) for below in (*stage.deps(), *stage.children())],
        tables=[*stage.tables, *(stage.per_category if isinstance(stage, RawStage) else ())],
        reads=sorted(set(reads(stage))),
        reasons=list(stage.reasons()),
        files=[_file(home / target, home, trace.rows.get(target) if trace else None) for target in targets],
        lock=stage.relative(stage.config.outputs / ".locks" / stage.trace_path.name),
        built_at=trace.built_at if trace else "",
        seconds=trace.seconds if trace else 0.0,
        run_id=trace.run_id if trace else "",
    )


def reads(stage: Stage) -> Iterator[str]:
    """The tables that a stage declares to read."""
    if isinstance(stage, LoadingStage):
        yield from (table for _, table in stage.loads)
    if isinstance(stage, CollectingStage):
        yield from stage.child.tables
    yield from (table for _, table in getattr(stage, "reads", {}).values())


def _file(path: Path, home: Path, rows: int | None = None) -> File:
    shown = str(path.relative_to(home)) if path.is_relative_to(home) else str(path)
    try:
        return File(shown, path.stat().st_size, rows)
    except OSError:
        return File(shown, None, rows)
