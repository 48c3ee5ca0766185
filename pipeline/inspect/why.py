"""Why a target is stale, down to what started it: for `why`. Builds nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import luigi

from pipeline.errors import MissingDataError, UsageError
from pipeline.freshness import traces
from pipeline.freshness.reasons import Reason
from pipeline.inspect import standings
from pipeline.run.session import session
from pipeline.stage.base import Stage
from pipeline.stage.per_category import CategoryStage
from pipeline.stage.raw_source import RawSource
from pipeline.wording import nearest, plain


@dataclass(frozen=True)
class Cause:
    """How a task stands and why; `below` are the tasks it requires that are stale themselves.

    `built_at` and `run_id` tell of its last build, both empty where there was none.
    """

    task: str
    targets: list[str]
    reasons: list[Reason]
    built_at: str = ""
    run_id: str = ""
    below: list[Cause] = field(default_factory=list)


def find(task: luigi.Task, target: str) -> list[Stage]:
    """The stages that a word of a user means, of those that a task consists of.

    Parameters
    ----------
    task : the task, usually the full pipeline
    target : a task's name, a table's, a target's file, the database, or a category

    Raises
    ------
    UsageError : it means none of them
    """
    stages = [one for one in standings.every(task) if isinstance(one, Stage)]
    words = {word: one for one in reversed(stages) for word in _words(one)}
    found = [one for one in stages if target in _words(one)]
    if not found:
        names = sorted(word for word in words if "/" not in word)
        known = ", ".join(dict.fromkeys(one.task_family for one in stages))
        raise UsageError(
            f"target {target!r} is unknown{nearest(target, names)}: give a task ({known}), a table, a category or a target's file"
        )
    return found


def _words(one: Stage) -> set[str]:
    """Every word that means this stage."""
    trace = traces.read(one.trace_path)
    files = {one.relative(target.path) for target in one.output().values()} | set(trace.outputs if trace else ())
    # The workbook and its tables for other programs are named after what they hold, which is a table's name already.
    stems = {Path(file).stem for file in files if not file.endswith((".xlsx", ".csv"))}
    category = {one.category} if isinstance(one, CategoryStage) else set()
    family = set() if category else {one.task_family, f"{one.trace_path.stem}_job"}
    if category:
        stems = set()  # a table's name means the stage that joins it
    names = {one.name, plain(one.name)} | category | {plain(name) for name in category}
    return names | files | {str(one.config.home / file) for file in files} | stems | family


def cause(stage: Stage, seen: set[str] | None = None) -> Cause:
    """All reasons of a stage, and those of the tasks that it requires; a task that two require is told of once."""
    seen = set() if seen is None else seen
    seen.add(stage.task_id)
    with session.traversal():
        reasons = list(stage.reasons())
    trace = traces.read(stage.trace_path)
    below = []
    for task in (*stage.deps(), *stage.children()):
        if task.task_id in seen or task.complete():
            continue
        if isinstance(task, Stage):
            below.append(cause(task, seen))
        elif isinstance(task, RawSource):
            below.append(_missing(task))
    return Cause(
        stage.name,
        list(trace.outputs) if trace else [],
        reasons,
        trace.built_at if trace else "",
        trace.run_id if trace else "",
        below,
    )


def _missing(source: RawSource) -> Cause:
    try:
        source.check()
    except MissingDataError as error:
        return Cause(source.name, [], [Reason("missing", str(error))])
    return Cause(source.name, [], [])
