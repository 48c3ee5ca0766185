"""What goes unseen where a target counts as done because it exists, or because it is newer than what it was made from.

Each test asks three judges of the same change: `exists` (Luigi's own rule), `is_newer` (Make's), and this pipeline. The
table in docs/reliability.md is made of what they say.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import reliability
from conftest import ROOT
from projects import CATEGORIES, Project, make_project
from servers import central_scheduler

from pipeline import tasks
from pipeline.freshness import fingerprints
from pipeline.inspect import standings
from pipeline.run.session import session

EXTERNAL = ("data/raw/external.parquet", "outputs/dev/external_preprocessing/external_features.parquet")
INTERNAL = ("data/raw/needs.csv", "outputs/dev/internal_preprocessing/categories.parquet")
MERGED = (
    "outputs/dev/internal_clustering/internal_clusters.parquet",
    "outputs/dev/merging/store_clusters.parquet",
)

Told = Callable[..., None]


def exists(project: Project, source: str, target: str) -> bool:
    """Luigi's rule: done, if it is there."""
    return project.path(target).exists()


def is_newer(project: Project, source: str, target: str) -> bool:
    """Make's rule: done, if it is not older than what it was made from."""
    target_file, source_file = project.path(target), project.path(source)
    return target_file.exists() and target_file.stat().st_mtime_ns >= source_file.stat().st_mtime_ns


def stale(project: Project) -> dict[str, str]:
    """What this pipeline says is stale, and the first reason."""
    session.renew()
    return {
        one.task: str(one.reasons[0])
        for one in standings.standings(tasks.FullPipeline(env="dev"))
        if one.reasons and one.reasons[0].kind != "upstream stale"
    }


@pytest.fixture
def aged(built: Project) -> Project:
    """The built project an hour later: its raw files are older than its targets, and those are settled."""
    for folder, age in (("data", 7200), ("outputs", 3600)):
        for path in built.path(folder).rglob("*"):
            if path.is_file():
                os.utime(path, (time.time() - age, time.time() - age))
    assert stale(built) == {}
    return built


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Told:
    """Keep what the three say of a change for the table."""

    def keep(change: str, project: Project, pair: tuple[str, str], here: str) -> None:
        rules = {name: "done" if rule(project, *pair) else "to do" for name, rule in RULES.items()}
        reliability.row(request.config, reliability.BLIND_SPOTS, {"change": change} | rules | {"here": here})

    return keep


RULES = {"exists": exists, "is newer": is_newer}


def test_a_raw_file_that_was_touched(aged: Project, told: Told) -> None:
    aged.path(EXTERNAL[0]).touch()
    assert exists(aged, *EXTERNAL)
    assert not is_newer(aged, *EXTERNAL), "Make would build it for nothing"
    assert stale(aged) == {}
    told("a raw file touched, its content the same", aged, EXTERNAL, "done")


def test_other_content_of_the_same_size_and_time(aged: Project, told: Told) -> None:
    path = aged.path(INTERNAL[0])
    before = path.stat()
    path.write_text(path.read_text().replace("need 0", "need 9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert exists(aged, *INTERNAL)
    assert is_newer(aged, *INTERNAL)
    assert list(stale(aged)) == ["InternalPreprocessing"]
    told("a raw file with other content, of the same size and time", aged, INTERNAL, "to do")


def test_an_older_file_put_in_place_of_a_raw_file(aged: Project, told: Told) -> None:
    path = aged.path(EXTERNAL[0])
    frame = pd.read_parquet(path)
    frame.loc[0, "AGE"] += 1
    frame.to_parquet(path, index=False)
    os.utime(path, (time.time() - 86_400, time.time() - 86_400))
    assert exists(aged, *EXTERNAL)
    assert is_newer(aged, *EXTERNAL)
    assert list(stale(aged)) == ["ExternalPreprocessing"]
    told("a raw file replaced by another that is older", aged, EXTERNAL, "to do")


def test_a_setting_changed_and_changed_back(aged: Project, told: Told) -> None:
    aged.configure(merging={"internal_weight": 0.7})
    assert exists(aged, *MERGED)
    assert is_newer(aged, *MERGED)
    changed = "setting changed: merging.internal_weight (0.6 -> 0.7)"
    assert stale(aged) == {f"MergeCategory({name})": changed for name in CATEGORIES}
    told("a setting changed", aged, MERGED, "to do")
    aged.configure(merging={"internal_weight": 0.6})
    assert stale(aged) == {}
    told("... and changed back", aged, MERGED, "done")


def test_a_module_that_helps_another_was_edited(
    aged: Project, told: Told, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path_factory.mktemp("package") / "pipeline"
    shutil.copytree(ROOT / "pipeline", package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprints, "PACKAGE", package)
    assert stale(aged) == {}
    helper = package / "core" / "internal" / "shares.py"
    helper.write_text(helper.read_text() + "\n# a comment\n")
    assert stale(aged) == {}
    told("a comment written into a module", aged, INTERNAL, "done")
    helper.write_text(helper.read_text() + "\nLIMIT = 1\n")
    assert exists(aged, *INTERNAL)
    assert is_newer(aged, *INTERNAL)
    reasons = stale(aged)
    assert reasons["InternalPreprocessing"].startswith("code changed: pipeline.core.internal.shares")
    assert "Merging" not in reasons
    told("code edited in a module that the computing one imports", aged, INTERNAL, "to do")


def test_a_target_altered_by_hand(aged: Project, told: Told) -> None:
    path = aged.path(MERGED[1])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert exists(aged, *MERGED)
    assert is_newer(aged, *MERGED)
    assert stale(aged)["Merging"].startswith(f"output altered: {MERGED[1]}")
    told("a target altered by hand", aged, MERGED, "to do")


def test_a_target_cut_short_by_a_crash(aged: Project, told: Told) -> None:
    path = aged.path(MERGED[1])
    path.write_bytes(path.read_bytes()[:1000])
    assert exists(aged, *MERGED)
    assert is_newer(aged, *MERGED)
    assert stale(aged)["Merging"].startswith(f"output altered: {MERGED[1]}")
    told("a target cut short", aged, MERGED, "to do")


def test_what_is_above_was_rebuilt_to_equal_bytes(aged: Project, told: Told) -> None:
    trace = aged.path("outputs/dev/.trace/internal_clustering.json")
    trace.unlink()
    outcome = aged.build(tasks.FullPipeline)
    assert outcome.built == {"InternalClustering"}
    assert {"Merging", "Warehouse"} <= outcome.cut_off
    aged.path(MERGED[0]).touch()  # as another tool would have left it: written anew
    assert not is_newer(aged, *MERGED), "Make would build it for nothing"
    assert stale(aged) == {}
    told("what is above rebuilt to equal bytes", aged, MERGED, "done")


def test_a_raw_file_that_changes_while_it_is_read(aged: Project, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.core.external import preprocessing as external_preprocessing

    original, changes = external_preprocessing.preprocess, []

    def preprocess(**given: object) -> object:
        if not changes:
            frame = pd.read_parquet(aged.path(EXTERNAL[0]))
            frame.loc[0, "AGE"] += 1
            frame.to_parquet(aged.path(EXTERNAL[0]), index=False)
            changes.append(1)
        return original(**given)

    monkeypatch.setattr(external_preprocessing, "preprocess", preprocess)
    aged.path("outputs/dev/.trace/external_preprocessing.json").unlink()
    assert aged.build(tasks.ExternalPreprocessing).status == "SUCCESS"
    assert stale(aged).keys() <= {"ExternalClustering", "Deliveries"}, (
        "what was published was made from what is there now"
    )
    told("a raw file that changes while it is read", aged, EXTERNAL, "computed again from what is there")


def test_a_second_run_within_ten_seconds_through_luigid(
    aged: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    words = ["luigi", "--module", "pipeline.tasks", "ExternalClustering", "--env", "dev"]
    with central_scheduler(tmp_path_factory.mktemp("luigid")) as port:
        for number in range(2):
            aged.configure(external={"clustering": {"k_max": 2 + number % 2}})
            if number == 1:
                aged.path("outputs/dev/.trace/external_clustering.json").unlink()
            done = aged.command(*words, "--scheduler-port", str(port))
            assert done.returncode == 0, done.stderr
            assert "ExternalClustering: built in" in done.stderr, f"run {number} did nothing"


def test_an_analyst_s_own_file_in_dev_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    project = make_project(tmp_path)
    project.configure(sample_data={"when_missing": True, "accept": True, "stores": 24, "skus": 48, "weeks": 2})
    own = project.path("data/raw/needs.csv")
    kept = own.read_bytes()
    for other in ("sales.parquet", "external.parquet"):
        project.path(f"data/raw/{other}").unlink()
    done = project.luigi("FullPipeline")
    assert done.returncode == 20, "two files are missing: no run on half invented data"
    assert own.read_bytes() == kept
    assert [path.name for path in project.path("data/raw").iterdir()] == ["needs.csv"]
    session.renew()
