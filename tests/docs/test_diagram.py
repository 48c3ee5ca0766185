"""The README's diagram is the DAG: the same tasks, and the same tasks before each of them."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from conftest import ROOT

from pipeline import tasks
from pipeline.stage.base import Stage
from pipeline.stage.database import Bundle
from pipeline.stage.loading import LoadingStage
from pipeline.stage.per_category import CollectingStage
from pipeline.stage.table import TableStage
from pipeline.stage.upload import UploadStage

Edges = dict[str, set[str]]


def edges_of_the_dag() -> Edges:
    """Task -> the tasks that it requires, as `pipeline/tasks.py` declares them."""
    required: Edges = {}
    for name, stage in vars(tasks).items():
        if not isinstance(stage, type) or stage.__module__ != tasks.__name__:
            continue
        required[name] = set()
        if issubclass(stage, TableStage):
            required[name] |= {other.__name__ for other, _ in stage.reads.values()}
        if issubclass(stage, CollectingStage):
            required[name] |= {stage.categories.__name__, stage.child.__name__}
        if issubclass(stage, LoadingStage):
            required[name] |= {other.__name__ for other, _ in stage.loads} | {stage.compares.__name__}
        if issubclass(stage, UploadStage):
            required[name] |= {other.__name__ for other in stage.uploads}
        if issubclass(stage, Bundle):
            required[name] |= {other.__name__ for other in stage.stages}
    return required


def edges_of_the_diagram(text: str) -> Edges:
    """Task -> the tasks with an arrow to it. An arrow to a box of boxes leads to each box in it; raw files are no tasks."""
    boxes = {
        outer: re.findall(r"^ +(\w+)\[", inner, flags=re.MULTILINE)
        for outer, inner in re.findall(r"subgraph (\w+)\n(.*?)\n +end", text, flags=re.DOTALL)
    }
    files = set(re.findall(r"(\w+)\[/", text))
    drawn: Edges = defaultdict(set)
    for outer, inner in boxes.items():
        drawn[outer] |= set(inner)
    for before, after in re.findall(
        r"^ +(\w+)\S* --> (\w+)", re.sub(r"\[.*?\](?= |$)", "", text, flags=re.MULTILINE), flags=re.MULTILINE
    ):
        for task in boxes.get(after, [after]):
            drawn[task] |= {before} - files
    return drawn


def closure(required: Edges) -> Edges:
    """Task -> every task that has to be built before it."""

    def before(task: str) -> set[str]:
        direct = required.get(task, set())
        return direct.union(*(before(other) for other in direct))

    return {task: before(task) for task in {*required, *(other for others in required.values() for other in others)}}


def diagram() -> str:
    [text] = re.findall(r"^```mermaid\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    return text


def test_the_diagram_has_the_tasks_of_the_dag_and_their_order() -> None:
    dag = edges_of_the_dag()
    assert all(issubclass(getattr(tasks, name), Stage | Bundle) for name in dag)
    assert closure(edges_of_the_diagram(diagram())) == closure(dag)


@pytest.mark.parametrize(
    ("arrow", "instead"),
    [("    Overrides --> Merging\n", ""), ("Merging --> Migrations", "InternalClustering --> Migrations")],
)
def test_a_diagram_without_an_arrow_or_with_another_one_differs_from_the_dag(arrow: str, instead: str) -> None:
    assert arrow in diagram()
    assert closure(edges_of_the_diagram(diagram().replace(arrow, instead))) != closure(edges_of_the_dag())
