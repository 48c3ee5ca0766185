"""A chain of many categories in small: memory that hardly grows with their number, and the same bytes in batches and with workers."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from projects import Project

from benchmarks import project as benchmark
from benchmarks.processes import Command, run
from pipeline import tasks
from pipeline.duck import memory
from pipeline.engine import connections, internal
from pipeline.errors import OutputError, SettingsError
from pipeline.machine import processes
from pipeline.schema import TABLES
from pipeline.storage import parquet
from pipeline.storage.by_category import OnDisk

BYTES_PER_ROW = 400  # that one more row of sales_by_need_state may cost; with all categories at once it was about 580
FEATURES = TABLES["internal_features"]
EACH_CATEGORY = """
import json, sys
from pathlib import Path
from pipeline.schema import TABLES
from pipeline.storage.by_category import OnDisk

table = OnDisk([Path(sys.argv[1])], TABLES["internal_features"], sys.argv[2])
assert len(table.categories) == int(sys.argv[3])
for category in table.categories:
    assert set(table.rows(category)["category"]) == {category}
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({"peak_mb": int(peak) / 1024}))
"""

JOINED = """
import json, sys
from pathlib import Path
from pipeline.schema import TABLES
from pipeline.storage import joining, parquet

parquet.ROW_GROUP, joining._IN_A_RANGE = 65_536, 16_384  # so that small tables have many
joining.join(sorted(Path(sys.argv[1]).glob("*.parquet")), TABLES["internal_features"], Path(sys.argv[2]) / "joined", sys.argv[2])
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({"peak_mb": int(peak) / 1024}))
"""


def write_features(path: Path, stores: int, categories: int) -> None:
    """internal_features of `categories` categories, 9 features each, in order of the store."""
    values = ", ".join(f"random() AS {column.name}" for column in FEATURES.columns[3:])
    query = f"""SELECT printf('%06d', s.range) AS store_id, 'Category ' || c.range AS category, 'Need ' || f.range AS feature, {values}
        FROM range({stores}) s, range({categories}) c, range(9) f"""
    with duckdb.connect() as connection:
        rows = connection.sql(query).df()
    parquet.write(rows, FEATURES, path)


def targets(project: Project) -> dict[str, bytes]:
    below = project.path("outputs/dev")
    return {str(path.relative_to(below)): path.read_bytes() for path in sorted(below.rglob("*.parquet"))}


def write_chain(project: Project, stores: int, categories: int, skus: int) -> None:
    """Sales of a chain, which each store sells of each SKU, and a map of as many need states as SKUs."""
    number = np.arange(stores * categories * skus)
    sku = number // stores
    amount = np.round(np.random.default_rng(0).gamma(2.0, 5.0, len(number)), 2)
    category = [f"C{each:03}" for each in range(categories)]
    needs = pd.DataFrame({"SKU": np.arange(categories * skus), "CAT": np.repeat(category, skus)})
    needs.assign(NEED=[f"N{each % skus}" for each in needs["SKU"]]).to_csv(
        project.path("data/raw/needs.csv"), index=False
    )
    sales = {"STORE": 1 + number % stores, "SKU": sku, "CAT": np.take(category, sku // skus), "SALES": amount}
    project.write_sales(pd.DataFrame(sales))


def test_sales_in_batches_of_categories_give_the_bytes_of_all_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_chain(project, stores=200, categories=60, skus=3)
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    at_once = targets(project)
    sizes: list[int] = []
    computed = tasks.InternalPreprocessing._batch  # to count the batches

    def counted(stage: tasks.InternalPreprocessing, sales: object, publication: object) -> object:
        sizes.append(len(sales))  # type: ignore[arg-type]
        return computed(stage, sales, publication)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks.InternalPreprocessing, "_batch", counted)
    monkeypatch.setattr(internal, "_SUMS_AT_ONCE", 3 * 600)
    project.path("outputs/dev/.trace/internal_preprocessing.json").unlink()
    assert project.build(tasks.InternalPreprocessing).status == "SUCCESS"
    assert sizes == [3 * 600] * 20
    assert targets(project) == at_once


def test_a_table_by_category_has_the_rows_of_each_category_in_their_order(tmp_path: Path) -> None:
    write_features(tmp_path / "features.parquet", stores=40, categories=12)
    every = parquet.read(tmp_path / "features.parquet", FEATURES)
    table = OnDisk([tmp_path / "features.parquet"], FEATURES, str(tmp_path / "spill"))
    assert table.categories == sorted(every["category"].unique())
    for category, rows in every.groupby("category"):
        pd.testing.assert_frame_equal(table.rows(str(category)), rows.reset_index(drop=True))
    assert list(table.rows("Category 99").columns) == list(every.columns)
    assert table.rows("Category 99").empty
    assert not list((tmp_path / "spill").iterdir())  # nothing is left over, also after a kill


def test_a_table_by_category_reads_no_file_before_it_is_used(tmp_path: Path) -> None:
    table = OnDisk([tmp_path / "missing.parquet"], FEATURES, str(tmp_path / "spill"))
    assert not (tmp_path / "spill").exists()
    with pytest.raises(OutputError, match=r"missing\.parquet: cannot be read"):
        table.rows("Coffee")
    assert OnDisk([], FEATURES, str(tmp_path / "spill")).rows("Coffee").empty


def test_a_table_by_category_takes_the_memory_of_a_category(tmp_path: Path) -> None:
    peaks = {}
    for categories in (12, 60):
        path = tmp_path / f"{categories}.parquet"
        write_features(path, stores=2000, categories=categories)
        words = [sys.executable, "-c", EACH_CATEGORY, str(path), str(tmp_path), str(categories)]
        peaks[categories] = run(Command(words, tmp_path)).told[
            "peak_mb"
        ]  # of its own: not that of the process which starts it
    rows = (60 - 12) * 2000 * 9
    assert (peaks[60] - peaks[12]) * 1e6 / rows <= 60, peaks  # as one frame, 177


def test_joining_the_tables_of_categories_takes_the_memory_of_a_row_group(tmp_path: Path) -> None:
    peaks = {}
    for categories in (6, 60):
        folder = tmp_path / str(categories)
        folder.mkdir()
        write_features(tmp_path / "whole.parquet", stores=2000, categories=categories)
        whole = OnDisk([tmp_path / "whole.parquet"], FEATURES, str(tmp_path))
        for category in whole.categories:
            parquet.write(whole.rows(category), FEATURES, folder / f"{category}.parquet")
        words = [sys.executable, "-c", JOINED, str(folder), str(tmp_path)]
        peaks[categories] = run(Command(words, tmp_path)).told["peak_mb"]
    rows = (60 - 6) * 2000 * 9
    assert (peaks[60] - peaks[6]) * 1e6 / rows <= 40, peaks  # as one table, 237


@pytest.mark.parametrize(("threads", "megabytes"), [(1, 320), (2, 320), (8, 1280)])
def test_without_a_memory_limit_reading_takes_what_its_threads_need(
    monkeypatch: pytest.MonkeyPatch, threads: int, megabytes: int
) -> None:
    monkeypatch.setattr(processes, "quarter_of_memory", lambda: 2_000_000_000)
    with duckdb.connect(config={"threads": threads}) as connection:
        memory.bound(connection, "")
        limit = memory.in_bytes(*connection.sql("SELECT current_setting('memory_limit')").fetchall()[0][0].split())
    assert limit == pytest.approx(megabytes * 1e6, rel=0.1)


def test_what_cannot_be_spilled_raises_a_memory_limit_and_never_lowers_it() -> None:
    limits = []
    with duckdb.connect() as connection:
        memory.bound(connection, "750MB")
        for size in (100_000_000, 900_000_000):
            memory.unspillable(connection, size)
            (limit,) = connection.sql("SELECT current_setting('memory_limit')").fetchall()[0]
            limits.append(memory.in_bytes(*limit.split()) / 1e6)
    assert limits == pytest.approx([500, 901], rel=0.01)


@pytest.mark.parametrize(("limit", "megabytes"), [("600MB", 350), ("1.2 GB", 950), ("1GiB", 823)])
def test_of_a_limit_for_the_process_duckdb_has_what_python_leaves(limit: str, megabytes: int) -> None:
    with duckdb.connect() as connection:
        memory.bound(connection, limit)
        assert memory.limit_of(connection) / 1e6 == pytest.approx(megabytes, rel=0.01)


@pytest.mark.parametrize("limit", ["399MB", "300 MiB", "2KB"])
def test_a_limit_that_no_process_can_keep_is_refused_before_anything_is_read(limit: str, tmp_path: Path) -> None:
    with (
        pytest.raises(
            SettingsError, match=rf"^\[engine\] memory_limit = {limit}: .*; set at least 400MB, or remove it$"
        ),
        connections.connect([], memory_limit=limit, threads=1, spill=str(tmp_path)),
    ):
        pass


def test_a_limit_that_no_machine_has_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match=r"^\[engine\]: DuckDB refuses memory_limit = 9+: .*too large"),
        connections.connect([], memory_limit=f"{'9' * 400}TB", threads=1, spill=str(tmp_path)),
    ):
        pass


@pytest.mark.nightly
def test_preprocessing_keeps_to_its_memory_limit_and_gives_the_same_bytes(tmp_path: Path) -> None:
    shape = {"stores": 1000, "categories": 20, "skus": 100, "need_states": 9, "weeks": 8}
    project = benchmark.Project(tmp_path / "limits", **shape)  # 2 million sums, each of 8 blocks of weeks
    config = project.home / "configs" / "base.toml"
    without = config.read_text()
    targets = []
    for limit in (600, 1200):
        config.write_text(without.replace("[engine]\n", f'[engine]\nthreads = 2\nmemory_limit = "{limit}MB"\n'))
        assert run(project.luigi("InternalPreprocessing")).peak_mb <= 1.1 * limit
        targets.append(project.targets())
        project.cold()
    assert targets[0]
    assert targets[0] == targets[1]


@pytest.mark.nightly
def test_the_memory_of_preprocessing_hardly_grows_with_sums_of_a_store_and_a_sku(tmp_path: Path) -> None:
    shape = {"stores": 1000, "categories": 20, "skus": 100, "need_states": 9, "weeks": 8}
    project = benchmark.Project(tmp_path / "pairs", **shape)  # 2 million sums, each of 8 blocks of weeks
    threads = "[engine]\nthreads = 2\n"
    config = project.home / "configs" / "base.toml"
    config.write_text(config.read_text().replace("[engine]\n", threads))
    assert run(project.luigi("InternalPreprocessing")).peak_mb <= 700  # with the sums held in full, about 1,400


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
