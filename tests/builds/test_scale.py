"""A chain of many categories in small: memory that hardly grows with their number, and the same bytes in batches and with workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import Project

from benchmarks import project as benchmark
from benchmarks.processes import run
from pipeline import tasks
from pipeline.engine import internal

BYTES_PER_ROW = 400  # that one more row of sales_by_need_state may cost; with all categories at once it was about 580


def targets(project: Project) -> dict[str, bytes]:
    below = project.path("outputs/dev")
    return {str(path.relative_to(below)): path.read_bytes() for path in sorted(below.rglob("*.parquet"))}


def test_sales_in_batches_of_categories_give_the_bytes_of_all_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    at_once = targets(project)
    sizes: list[int] = []
    computed = tasks.InternalPreprocessing._batch  # to count the batches

    def counted(stage: tasks.InternalPreprocessing, sales: object, publication: object) -> object:
        sizes.append(len(sales))  # type: ignore[arg-type]
        return computed(stage, sales, publication)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks.InternalPreprocessing, "_batch", counted)
    monkeypatch.setattr(internal, "_SUMS_AT_ONCE", 1)
    project.path("outputs/dev/.trace/internal_preprocessing.json").unlink()
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    assert len(sizes) == 3
    assert targets(project) == at_once


@pytest.mark.nightly
def test_the_memory_of_preprocessing_hardly_grows_with_categories(tmp_path: Path) -> None:
    peaks = {}
    for categories in (60, 500):
        shape = {"stores": 200, "categories": categories, "skus": 9, "need_states": 9, "weeks": 1}
        project = benchmark.Project(tmp_path / str(categories), **shape)
        peaks[categories] = run(project.luigi("InternalPreprocessing")).peak_mb
    rows = (500 - 60) * 200 * 9
    assert (peaks[500] - peaks[60]) * 1e6 / rows <= BYTES_PER_ROW, peaks


@pytest.mark.nightly
def test_two_workers_give_the_bytes_of_one_in_200_stores_and_60_categories(tmp_path: Path) -> None:
    project = benchmark.Project(tmp_path / "chain", stores=200, categories=60, skus=12, need_states=6, weeks=8)
    run(project.luigi("Merging"))
    one = project.targets()
    project.cold()
    run(project.luigi("Merging", "--workers", "2"))
    assert project.targets() == one
    assert sum("/merge_category/" in path for path in one) == 60 * len(tasks.MergeCategory.tables)
