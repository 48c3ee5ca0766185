"""One look at all categories at once: it finds what a look at each of them would find."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from projects import CATEGORIES, Project

from pipeline import tasks
from pipeline.freshness import fingerprints, seals
from pipeline.freshness.traces import slug
from pipeline.run.session import session
from pipeline.stage.per_category import CategoryStage, CollectingStage

BREAD = "ClusterCategory(Bread)"
CLUSTERED = {f"ClusterCategory({category})" for category in CATEGORIES}
MERGED = {f"MergeCategory({category})" for category in CATEGORIES}
CHILDREN = CLUSTERED | MERGED
TARGET = f"outputs/dev/cluster_category/{slug('Bread')}/internal_clusters.parquet"
TRACE = f"outputs/dev/.trace/cluster_category-{slug('Bread')}.json"


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The categories whose tasks were looked at, one by one."""
    found: list[str] = []
    original = CategoryStage.complete

    def complete(self: CategoryStage) -> bool:
        found.append(self.name)
        return original(self)

    monkeypatch.setattr(CategoryStage, "complete", complete)
    return found


@pytest.fixture
def sealed(built: Project, looked_at: list[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in which everything was found fresh once, by a clock that is as fine as it says."""
    monkeypatch.setattr("pipeline.freshness.memory.RACY_NS", 0)
    assert built.build().built == set()
    assert set(looked_at) == CHILDREN
    looked_at.clear()
    return built


def test_where_nothing_has_changed_no_category_is_looked_at_by_itself(sealed: Project, looked_at: list[str]) -> None:
    assert sealed.build().built == set()
    assert looked_at == []
    assert session.fresh >= CHILDREN


def test_within_two_seconds_of_a_write_each_category_is_looked_at(built: Project, looked_at: list[str]) -> None:
    for _ in range(2):
        looked_at.clear()
        assert built.build().built == set()
        assert set(looked_at) == CHILDREN


def alter(project: Project) -> None:
    target = project.path(TARGET)
    before, content = target.stat(), bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(content)
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Project], object]] = {
    "a target is altered": alter,
    "a target is gone": lambda project: project.path(TARGET).unlink(),
    "a trace is gone": lambda project: project.path(TRACE).unlink(),
    "a trace is another": lambda project: project.path(TRACE).write_text("{}"),
    "a setting of all": lambda project: project.configure(internal={"clustering": {"k_max": 2}}),
    "stores that are held out": lambda project: project.configure(stores={"held_out": ["3"]}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_since_is_found(sealed: Project, change: str) -> None:
    CHANGES[change](sealed)
    assert BREAD in sealed.build().built
    assert sealed.build().built == set()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_setting_of_one_category_is_found(sealed: Project, category: str) -> None:
    sealed.configure(internal={"clustering": {"category": {category: {"k_max": 2}}}})
    assert sealed.build().built & CLUSTERED == {f"ClusterCategory({category})"}


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_setting_of_the_merging_of_one_category_is_found(sealed: Project, category: str) -> None:
    sealed.configure(merging={"category": {category: {"internal_weight": 0.7}}})
    assert sealed.build().built & CHILDREN == {f"MergeCategory({category})"}


def test_a_change_of_what_the_categories_read_is_found(sealed: Project) -> None:
    sales = sealed.sales()
    row = sales.index[sales["CAT"] == "Bread"][0]
    sales.loc[row, "SALES"] += 5
    sealed.write_sales(sales)
    assert sealed.build().built & CLUSTERED == {BREAD}


def test_another_version_of_a_library_is_found(sealed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "libraries", lambda *_: {"numpy": "1"})
    assert sealed.build().built >= CHILDREN


def test_another_code_is_found(sealed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.ClusterCategory, "code", lambda _: {"pipeline.core.internal.clustering": "another"})
    assert sealed.build().built >= CLUSTERED


def test_another_way_of_looking_looks_at_each_category_again(
    sealed: Project, looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "_checking_modules", list)
    assert sealed.build().built == set()
    assert set(looked_at) == CHILDREN


def test_verify_looks_at_each_category_again(sealed: Project, looked_at: list[str]) -> None:
    from pipeline.inspect import standings

    session.renew()
    task = tasks.Merging(env="dev")
    standings.reread(task)
    assert not [one for one in standings.standings(task) if one.reasons]
    assert set(looked_at) == CHILDREN


@pytest.mark.parametrize("stage", [tasks.InternalClustering, tasks.Merging])
def test_what_the_task_of_a_category_requires_the_stage_that_joins_them_requires_too(
    stage: type[CollectingStage],
) -> None:
    """Seals rest on it: a stage whose requirements are complete need not look at those of each category."""
    above = [other for other, _ in stage.reads.values()] + [stage.categories]
    joined = [other.child for other in above if issubclass(other, CollectingStage)]
    assert {other for other, _ in stage.child.reads.values()} <= {*above, *joined}
