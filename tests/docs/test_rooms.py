"""The rooms of the code: the docs list those that exist, and moved code does not leave the evidence of freshness silently."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.util import find_spec

import grimp
import pytest
from conftest import ROOT

from pipeline import tasks
from pipeline.freshness import fingerprints, seals

GRAPH = grimp.build_graph("pipeline")

# What computing modules import and what does not count as their code; and why a change in it is seen all the same, or changes no target.
OUTSIDE_THE_CODE = {
    "pipeline.config.environment": "paths and settings: their values are traced",
    "pipeline.errors": "what is raised is never published",
    "pipeline.freshness.traces": "the format of the traces that the tables of runs show; it has a version",
    "pipeline.schema": "the shapes of the tables are traced",
    "pipeline.settings": "the values are traced",
    "pipeline.settings.sources": "a word for the mix over SKUs, which is in the settings that are traced",
    "pipeline.settings.kinds": "the values are traced, those of a category too",
}
# Rooms that the judgement of a stage reaches and that are not in the seal; and why.
OUTSIDE_THE_SEAL = {
    "pins": "it gives paths, which are part of the evidence",
    "schema": "the shapes of the tables are part of the evidence",
}


def listed(page: str, indent: int) -> list[str]:
    """The names of the tree in docs/README.md at this indent."""
    [tree] = re.findall(r"^```text\npipeline/\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    return sorted(re.findall(rf"^ {{{indent}}}(\w+(?:/|\.py)) {{2,}}\S", tree, flags=re.MULTILINE))


def entries(folder: str) -> list[str]:
    """The packages and modules in a folder; one that holds byte code alone is none."""
    packages = [f"{path.parent.name}/" for path in (ROOT / folder).glob("*/__init__.py")]
    return sorted([*packages, *(path.name for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py")])


def computing() -> set[str]:
    """The modules that the tasks of the DAG name as those that compute."""
    stages = [value for value in vars(tasks).values() if isinstance(value, type) and value.__module__ == tasks.__name__]
    named = [getattr(stage, part, None) for stage in stages for part in ("compute", "gather", "write")]
    loaded = [module for stage in stages for module in getattr(stage, "modules", ())]
    return {name.partition(":")[0] for name in named if isinstance(name, str)} | set(loaded)


def outside(start: Iterable[str]) -> set[str]:
    """What the code of these modules imports without counting it: read from the import graph, not as fingerprints read it."""
    reached, waiting = set(), list(start)
    not_counted = set()
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        reached.add(module)
        for imported in GRAPH.find_modules_directly_imported_by(module):
            (waiting.append if fingerprints.is_counted(imported) else not_counted.add)(imported)
    return not_counted


@pytest.mark.parametrize(("folder", "indent"), [("pipeline", 2), ("pipeline/core", 4)])
def test_the_docs_list_the_rooms_that_exist(folder: str, indent: int) -> None:
    assert listed((ROOT / "docs" / "README.md").read_text(), indent) == entries(folder)


def test_every_module_that_computes_counts_as_code_and_so_does_what_it_imports_but_for_what_is_seen_otherwise() -> None:
    start = computing()
    assert len(start) > 10
    assert all(fingerprints.is_counted(module) for module in start)
    assert outside(start) == set(OUTSIDE_THE_CODE)


def test_the_names_that_freshness_lists_are_those_of_modules() -> None:
    names = [*fingerprints.NOT_COUNTED, *fingerprints.COUNTED]
    assert [name for name in names if find_spec(name) is None] == []
    assert [folder for folder in seals._CHECKING if not any((ROOT / "pipeline" / folder).glob("*.py"))] == []


def test_the_seal_covers_whatever_judges_a_stage() -> None:
    judging = GRAPH.find_upstream_modules("pipeline.stage.evidence") | {"pipeline.stage.evidence"}
    rooms = {
        module.split(".")[1]
        for module in judging
        if module.count(".") and (ROOT / "pipeline" / module.split(".")[1]).is_dir()
    }
    assert rooms - set(seals._CHECKING) == set(OUTSIDE_THE_SEAL)
    sealed = {
        str(path.relative_to(ROOT))
        for folder in seals._CHECKING
        for path in (ROOT / "pipeline").glob(f"{folder or '.'}/*.py")
    }
    in_folders_below = [module for module in judging if module.split(".")[1:2] and module.split(".")[1] in seals._CHECKING
                        and not {f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"} & sealed]  # fmt: skip
    assert in_folders_below == [], "the seal does not look into folders of folders"
