"""Why a target is stale, down to the first cause: for `why`. Builds nothing."""

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
    """Why a task is stale; `below` are its stale requirements.

    `built_at` and `run_id` describe its last build; both are empty if there was none.
    """

    task: str
    targets: list[str]
    reasons: list[Reason]
    built_at: str = ""
    run_id: str = ""
    below: list[Cause] = field(default_factory=list)


def find(task: luigi.Task, target: str) -> list[Stage]:
    """The stages of a task that a user means by a word.

    Parameters
    ----------
    task : the task, usually the full pipeline
    target : the name of a task or table, the file of a target, the database, or a category

    Raises
    ------
    UsageError : it means no stage
    """
    words = {stage: _words(stage) for stage in standings.every(task) if isinstance(stage, Stage)}
    matching = [stage for stage, own in words.items() if target in own]
    if not matching:
        names = sorted({word for own in words.values() for word in own if "/" not in word})
        families = ", ".join(dict.fromkeys(stage.task_family for stage in words))
        raise UsageError(
            f"target {target!r} is unknown{nearest(target, names)}: give a task ({families}), a table, a category or a target's file"
        )
    return matching


def _words(stage: Stage) -> set[str]:
    """Every word that means this stage."""
    trace = traces.read(stage.trace_path)
    files = {stage.relative(target.path) for target in stage.output().values()} | set(trace.outputs if trace else ())
    # The workbook and its CSV files have the names of tables, which must mean the stages that publish them.
    stems = {Path(file).stem for file in files if not file.endswith((".xlsx", ".csv"))}
    category = {stage.category} if isinstance(stage, CategoryStage) else set()
    family = set() if category else {stage.task_family, f"{stage.trace_path.stem}_job"}
    if category:
        stems = set()  # a table's name means the stage that joins it
    names = {stage.name, plain(stage.name)} | category | {plain(name) for name in category}
    return names | files | {str(stage.config.home / file) for file in files} | stems | family


def cause(stage: Stage) -> Cause:
    """All reasons of a stage and of its requirements; a task that two stages require is listed once."""
    with session.inspection():  # one for all: each task is checked once, not once per task that requires it
        return _cause(stage, set())


def _cause(stage: Stage, seen: set[str]) -> Cause:
    seen.add(stage.task_id)
    reasons = list(stage.reasons())
    stale = [task for task in (*stage.deps(), *stage.children()) if not task.complete()]
    trace = traces.read(stage.trace_path)
    below = []
    for task in stale:
        if task.task_id in seen:
            continue
        if isinstance(task, Stage):
            below.append(_cause(task, seen))
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
