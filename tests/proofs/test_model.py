"""Random changes and random runs: what was built is what the model says, and the end is what a build from scratch gives.

A sequence that fails is printed step by step, and replays where the test of that name is run again: its number is its seed.
"""

from __future__ import annotations

import ast
import copy
import os
import shutil
import signal
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

import luigi
import pandas as pd
import pytest
import reliability
from conftest import ROOT
from hypothesis import HealthCheck, Phase, seed, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from model import CODE, JOBS, Model, trace_name
from projects import SETTINGS, Outcome, Project, make_project

from pipeline import tasks
from pipeline.freshness import fingerprints
from pipeline.run.session import session
from pipeline.stage.database import Bundle

BASE = ("Bread", "Coffee")
EXTRA = "Zwieback"
RAW = ("data/raw/sales.parquet", "data/raw/needs.csv", "data/raw/external.parquet")
# small: what is tried is what is built, not how well
SMALL = {"k_max": 2, "resamples": 10, "null_resamples": 19}
STORES = 16
VALUES = {
    "merging": ("merging", {"internal_weight": 0.7}),
    "external": ("external", {"clustering": {"k_max": 3}}),
    "bread": ("internal", {"clustering": {"category": {"Bread": {"k_max": 3}}}}),
}
HOUR = 3600

# what follows a change: nothing, a run of a job with so many workers, or one that is killed at its so manieth rename
NOTHING = strategies.none()
RUN = strategies.tuples(strategies.sampled_from(sorted(JOBS)), strategies.sampled_from((1, 1, 2)))
KILLED = strategies.integers(1, 40)
THEN = strategies.one_of(NOTHING, NOTHING, RUN, RUN, KILLED)


def change(**drawn: strategies.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule that changes something, and may run a job after it: so that no sequence is without changes or without runs."""

    def changing(act: Callable[..., None]) -> Any:
        @rule(then=THEN, **drawn)
        @wraps(act)
        def acting(self: World, then: Any, **given: Any) -> None:
            act(self, **given)
            if isinstance(then, tuple):
                self.build(*then)
            elif then is not None:
                self.run_and_kill(then)

        return acting

    return changing


def edited_function(text: str) -> str:
    """The module with another statement in its first function."""
    found = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    last, lines = found.body[-1], text.splitlines(keepends=True)
    lines.insert(last.lineno - 1, f"{' ' * last.col_offset}_edited = 1\n")
    return "".join(lines)


def edited_docstrings(text: str, mark: str) -> str:
    """The module with another docstring, and another one of its first function."""
    tree = ast.parse(text)
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and ast.get_docstring(node))
    lines = text.splitlines(keepends=True)
    for node in (tree, function):
        at = node.body[0].lineno - 1
        lines[at] = lines[at].replace('"""', f'"""{mark} ', 1)
    return "".join(lines)


class EveryTable(Bundle):
    """Every table that the database holds, but not the database."""

    stages = tuple(dict.fromkeys(stage for stage, _ in tasks.Warehouse.loads))


class World(RuleBasedStateMachine):
    """A project, and the model of it."""

    template: Path
    folder: Path
    count: ClassVar[dict[str, int]]

    @initialize()
    def begin(self) -> None:
        self.count["sequences"] += 1
        home = self.folder / str(self.count["sequences"])
        home.parent.mkdir(exist_ok=True)
        shutil.copytree(self.template, home)
        os.environ["STORE_CLUSTERING_HOME"] = str(home)
        fingerprints.PACKAGE = home / "package"
        self.project = small_project(home)
        self.model = Model(home, list(BASE))
        self.originals: dict[str, str] = {}
        self.edits = 0
        for task in self.model.tasks("FullPipeline"):
            self.model.built(task)

    def teardown(self) -> None:
        if not hasattr(self, "project"):
            return
        self.build("FullPipeline", 1)
        ended = self.published()
        session.renew()
        shutil.rmtree(self.project.home / "outputs")
        assert self.luigi(EveryTable, 1).status == "SUCCESS"
        assert self.published() == ended, "the outputs are not those of a build from scratch"
        session.renew()
        shutil.rmtree(self.project.home)

    def published(self) -> dict[str, bytes]:
        folder = self.project.home / "outputs" / "dev"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}

    # ------------------------------------------------------------ raw files

    def rewrite(self, change: Any) -> None:
        sales = self.project.sales()
        change(sales)
        self.project.write_sales(sales)

    @change(category=strategies.sampled_from(BASE), row=strategies.integers(0, 50))
    def edit_a_row_of_a_category(self, category: str, row: int) -> None:
        def change(sales: pd.DataFrame) -> None:
            self.edits += 1
            position = sales.index[sales["CAT"] == category][row]
            sales.loc[position, "SALES"] += round(1 + self.edits / 100, 2)

        self.rewrite(change)

    @change()
    def order_the_rows_otherwise(self) -> None:
        self.project.write_sales(self.project.sales().iloc[::-1])

    @change(path=strategies.sampled_from(RAW))
    def touch(self, path: str) -> None:
        self.project.path(path).touch()

    @change(path=strategies.sampled_from(RAW), hours=strategies.sampled_from((-24, 24)))
    def put_a_copy_with_another_time(self, path: str, hours: int) -> None:
        file = self.project.path(path)
        copy = file.with_name("copy")
        shutil.copyfile(file, copy)
        moment = time.time() + hours * HOUR
        os.utime(copy, (moment, moment))
        copy.replace(file)

    @change(letter=strategies.sampled_from("abc"))
    def other_content_of_the_same_size_and_time(self, letter: str) -> None:
        file = self.project.path("data/raw/needs.csv")
        before, text = file.stat(), file.read_text()
        mark = next(mark for mark in ("need 0", "need a", "need b", "need c") if mark in text)
        file.write_text(text.replace(mark, f"need {letter}"))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert file.stat().st_size == before.st_size

    @change()
    def edit_the_external_data(self) -> None:
        file = self.project.path("data/raw/external.parquet")
        frame = pd.read_parquet(file)
        frame.loc[0, "AGE"] += 0.5
        frame.to_parquet(file, index=False)

    @change()
    def add_or_remove_a_category(self) -> None:
        sales, needs = self.project.sales(), pd.read_csv(self.project.path("data/raw/needs.csv"))
        if EXTRA in self.model.categories:
            sales, needs = sales[sales["CAT"] != EXTRA], needs[needs["CAT"] != EXTRA]
            self.model.categories.remove(EXTRA)
        else:
            sales = pd.concat([sales, sales[sales["CAT"] == "Coffee"].assign(CAT=EXTRA)])
            needs = pd.concat([needs, needs[needs["CAT"] == "Coffee"].assign(CAT=EXTRA)])
            self.model.categories.append(EXTRA)
        self.project.write_sales(sales)
        needs.to_csv(self.project.path("data/raw/needs.csv"), index=False)

    # ------------------------------------------------------------ settings and code

    @change(name=strategies.sampled_from(sorted(VALUES)), comment=strategies.booleans())
    def change_a_setting_or_change_it_back(self, name: str, comment: bool) -> None:
        self.model.settings[name] = 1 - int(self.model.settings[name])
        self.project.configure(**{VALUES[key][0]: VALUES[key][1] for key in VALUES if self.model.settings[key]})
        if comment:
            file = self.project.path("configs/base.toml")
            file.write_text(file.read_text() + f"# {time.time()}\n")

    @change(name=strategies.sampled_from(sorted(CODE)))
    def edit_a_function_or_sql_or_edit_it_back(self, name: str) -> None:
        file = self.project.home / "package" / name
        self.model.code[name] = 1 - int(self.model.code[name])
        if not self.model.code[name]:
            file.write_text(self.originals.pop(name))
            return
        self.originals[name] = file.read_text()
        edit = edited_function if name.endswith(".py") else "{}\n".format
        file.write_text(edit(self.originals[name]))

    @change(name=strategies.sampled_from([name for name in sorted(CODE) if name.endswith(".py")]))
    def edit_comments_and_docstrings(self, name: str) -> None:
        self.edits += 1
        file = self.project.home / "package" / name
        file.write_text(f"{edited_docstrings(file.read_text(), f'Edit {self.edits}.')}# edit {self.edits}\n")

    # ------------------------------------------------------------ outputs

    @change(data=strategies.data(), damage=strategies.sampled_from(("delete", "truncate", "alter")))
    def damage_a_target(self, data: strategies.DataObject, damage: str) -> None:
        files = sorted((self.project.home / "outputs" / "dev").rglob("*.parquet"))
        file = data.draw(strategies.sampled_from(files))
        if damage == "delete":
            file.unlink()
        elif damage == "truncate":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        else:
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)

    @change(data=strategies.data(), text=strategies.sampled_from((None, "", "{}", "nonsense")))
    def damage_a_trace(self, data: strategies.DataObject, text: str | None) -> None:
        task = data.draw(strategies.sampled_from(self.model.tasks("FullPipeline")))
        file = self.project.home / "outputs" / "dev" / ".trace" / trace_name(task)
        self.model.last.pop(task, None)
        if text is None:
            file.unlink(missing_ok=True)
        elif file.exists():
            file.write_text(text)

    @change()
    def delete_the_database(self) -> None:
        self.project.database.unlink(missing_ok=True)

    # ------------------------------------------------------------ runs

    def run_and_kill(self, renames: int) -> None:
        """A run that is killed at its so manieth rename; what it left of traces is taken over into the model."""
        self.count["kills"] += 1
        names = {task: trace_name(task) for task in self.model.tasks("FullPipeline")}
        before = self.model.content(f"outputs/dev/.trace/{name}" for name in names.values())
        session.renew()
        child = os.fork()
        if not child:
            _die_at_rename(renames)
            try:
                self.luigi(tasks.FullPipeline, 1)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        after = self.model.content(before)
        for task, name in names.items():
            path = f"outputs/dev/.trace/{name}"
            if before[path] != after[path]:
                self.model.built(task)

    def luigi(self, job: type[luigi.Task], workers: int) -> Outcome:
        session.renew()
        return self.project.build(job, workers)

    def build(self, job: str, workers: int) -> None:
        """Run a job, and compare what it built with what the model says."""
        self.count["runs"] += 1
        asked = self.model.tasks(job)
        damaged = {task: self.model.damaged(task) for task in asked}
        outcome = self.luigi(getattr(tasks, job), workers)
        assert outcome.status == "SUCCESS", outcome
        expected = {task for task in asked if self.model.stale(task, damaged=damaged[task])}
        assert outcome.built == expected, (outcome.reasons, sorted(expected))
        for task in asked:
            if task in expected:
                self.model.built(task)


def _die_at_rename(number: int) -> None:
    """Have this process kill itself just before its so manieth rename."""
    left = [number]
    original = Path.replace

    def replace(self: Path, target: Path) -> Path:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, target)

    Path.replace = replace  # type: ignore[method-assign]


def small_project(home: Path) -> Project:
    """The project in this folder, with less to compute."""
    settings = copy.deepcopy(SETTINGS)
    for side in ("internal", "external"):
        settings[side]["clustering"] = dict(SMALL)
    return Project(home, settings)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> type[World]:
    """The machine, with a project of two categories to copy, and a copy of the package whose code it may edit."""
    template = tmp_path_factory.mktemp("template") / "home"
    template.mkdir()
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(template))
    monkeypatch.setattr(fingerprints, "PACKAGE", fingerprints.PACKAGE)
    make_project(template)
    project = small_project(template)
    project.configure()
    sales, needs = project.sales(), pd.read_csv(project.path("data/raw/needs.csv"))
    project.write_sales(sales[sales["CAT"].isin(BASE) & (sales["STORE"] <= STORES)])
    external = pd.read_parquet(project.path("data/raw/external.parquet"))
    external[external["STORE"] <= STORES].to_parquet(project.path("data/raw/external.parquet"), index=False)
    needs[needs["CAT"].isin(BASE)].to_csv(project.path("data/raw/needs.csv"), index=False)
    shutil.copytree(ROOT / "pipeline", template / "package", ignore=shutil.ignore_patterns("__pycache__"))
    fingerprints.PACKAGE = template / "package"
    assert project.build().status == "SUCCESS"
    World.template, World.folder = template, tmp_path_factory.mktemp("worlds")
    World.count = {"sequences": 0, "runs": 0, "kills": 0}
    return World


def proven(world: type[World], sequences: int, steps: int, begin: int) -> None:
    """Run so many sequences of so many steps, those that this beginning gives."""
    wanted = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    machine = seed(begin)(type("World", (world,), {}))
    try:
        run_state_machine_as_test(machine, settings=wanted)
    except BaseException:
        world.count["tests that failed"] = 1
        raise


def told(request: pytest.FixtureRequest, world: type[World]) -> None:
    """Count what was proven, where counts are asked for."""
    reliability.add(request.config, "sequences of changes, runs and kills against the model", world.count)


def test_what_is_built_is_what_the_model_says(world: type[World], request: pytest.FixtureRequest) -> None:
    try:
        proven(world, 4, 4, 0)
    finally:
        told(request, world)


@pytest.mark.nightly
@pytest.mark.parametrize("begin", range(1, 20))
def test_what_is_built_is_what_the_model_says_in_many_sequences(
    world: type[World], request: pytest.FixtureRequest, begin: int
) -> None:
    try:
        proven(world, 10, 10, begin)
    finally:
        told(request, world)
