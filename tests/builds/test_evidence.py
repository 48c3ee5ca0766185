"""The code that a build runs is in the evidence: moved code cannot leave it silently."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from conftest import ROOT
from projects import Project

from pipeline.freshness import fingerprints
from pipeline.freshness.memory import Memory
from pipeline.stage.far import SourceExtract

STAGES = (
    "InternalPreprocessing",
    "ExternalPreprocessing",
    "ExternalClustering",
    "Overrides",
    "Merging",
    "Deliveries",
    "Report",
    "Warehouse",
    "Workbook",
)
# Each stage is built in a fork of a process that has loaded what any run loads to begin and to end, and libraries. A stage with a task
# per category also loads the modules of those tasks, for their processes; here it does not, so that only its own are seen.
MODULES_BY_STAGE = """
import json, os, sys
import duckdb, pandas, pyarrow.parquet, scipy.optimize, sklearn.cluster, xlsxwriter
import luigi
from pipeline import tasks
from pipeline.alerts import findings
from pipeline.warehouse import published
from pipeline.freshness.fingerprints import is_counted
from pipeline.stage.base import Stage
from pipeline.stage.per_category import CollectingStage
CollectingStage.prepare = Stage.prepare
before = set(sys.modules)
for name in sys.argv[1:]:
    sys.stdout.flush()
    if not os.fork():
        done = luigi.build([getattr(tasks, name)(env="dev")], local_scheduler=True, log_level="ERROR")
        modules = [module for module in sys.modules if is_counted(module) and module not in before]
        print("stage:", json.dumps([name, done, modules]), flush=True)
        os._exit(0)
    os.wait()
"""


def trace(project: Project, stage: str) -> Path:
    name = re.sub("(?<=[a-z])(?=[A-Z])", "_", stage).lower()
    return project.path(f"outputs/dev/.trace/{name}.json")


def code(path: Path) -> set[str]:
    """The modules and files whose code is evidence in a trace."""
    return set(json.loads(path.read_text())["code"])


def test_every_module_that_a_build_runs_is_in_its_trace_or_on_the_list_of_those_that_do_not_count(
    built: Project,
) -> None:
    counted = {stage: code(trace(built, stage)) for stage in STAGES}
    for stage in STAGES:
        trace(built, stage).unlink()
    done = built.command("python", "-c", MODULES_BY_STAGE, *STAGES, cwd=ROOT)
    lines: list[Any] = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("stage:")]
    assert [stage for stage, success, _ in lines if success] == list(STAGES), done.stderr
    for stage, _, modules in lines:
        assert modules
        assert set(modules) - counted[stage] == set(), stage


def test_every_file_beside_the_modules_of_what_counts_is_in_a_trace(built: Project) -> None:
    package = ROOT / "pipeline"
    files = {
        str(path.relative_to(package))
        for path in package.rglob("[!.]*")
        if path.is_file() and path.suffix != ".py" and path.parent.name != "__pycache__"
    }
    assert {Path(file).suffix for file in files} >= {".sql", ".html", ".js", ".css"}
    counted = {file for file in files if fingerprints.is_counted(f"pipeline.{Path(file).parts[0]}")}
    assert {Path(file).parts[0] for file in files - counted} == {"workbench"}
    traced = set().union(*(code(path) for path in built.path("outputs/dev/.trace").glob("[!.]*.json")))
    # No source of this project is in a database.
    in_database = set(fingerprints.code(SourceExtract.modules, Memory(built.path("memory"))))
    assert "engine/sql/remote_sums.sql" in in_database
    assert counted - traced - in_database == set()
