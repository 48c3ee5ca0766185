"""Sample data: what is planted, how it is written, and that nothing that exists is replaced."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from pipeline import sample
from pipeline.engine import external, internal
from pipeline.errors import OutputError, SettingsError
from pipeline.sample import files, marker
from pipeline.sample.make import make
from pipeline.settings import CsvSettings, Engine, InternalPreprocessing, SampleData, Settings

DEFAULTS = SampleData()
PLANTED_K = {"(outside)": 3, "Bread": 3, "Coffee": 4, "Frozen Meals": 2, "Yoghurt": 3}
SOURCES = {
    "internal_sales": {"path": "data/raw/sales.parquet"},
    "need_states": {"path": "data/raw/needs.csv", "columns": {"category": "category"}},
    "external": [{"path": "data/raw/external.parquet", "labels": ["STORE_NAME", "REGION"]}],
}
SMALL = {"stores": 20, "skus": 24, "weeks": 1}


@pytest.fixture(scope="module")
def planted() -> dict[str, pd.DataFrame]:
    return make(DEFAULTS)


def settings(sample_data: dict[str, int] | None = None, **sources: object) -> Settings:
    return msgspec.convert({"sources": {**SOURCES, **sources}, "sample_data": sample_data or SMALL}, Settings)


def gathered(config: Settings, home: Path) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """What the engine makes of the raw files."""
    sources = config.sources
    engine = Engine(threads=1, spill_folder=str(home))
    paths = {name: [str(home / getattr(sources, name).path)] for name in ("internal_sales", "need_states")}
    outside = {f"external.{i}": [str(home / source.path)] for i, source in enumerate(sources.external)}
    return (
        internal.gather(paths, sources, InternalPreprocessing(), engine),
        external.gather(outside, sources, engine),
    )


def cents(sales: pd.DataFrame) -> pd.Series:
    return (100 * sales["sales_value"]).round().astype("int64")


def clusters(planted: dict[str, pd.DataFrame], category: str) -> pd.Series:
    truth = planted["truth"]
    return truth[truth["category"] == category].set_index("store_id")["cluster"]


def test_equal_settings_give_equal_tables_and_another_seed_gives_others():
    small = SampleData(stores=30, skus=40, weeks=2, seed=5)
    first, again = make(small), make(small)
    other = make(SampleData(stores=30, skus=40, weeks=2, seed=6))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])
        assert not table.equals(other[name])


@pytest.mark.parametrize("seed", range(5))
def test_the_smallest_sample_can_be_made_and_read(seed: int, tmp_path: Path):
    config = settings({**SMALL, "seed": seed})
    sample.write(config, tmp_path)
    inside, outside = gathered(config, tmp_path)
    assert inside["sales"]["category"].nunique() == 4
    assert len(outside["features"]) == 18


@pytest.mark.parametrize(("stores", "skus", "weeks"), [(20, 24, 1), (75, 50, 3), (120, 240, 8)])
def test_as_many_stores_skus_and_weeks_as_asked(stores: int, skus: int, weeks: int):
    made = make(SampleData(stores=stores, skus=skus, weeks=weeks))
    sales = made["internal_sales"]
    assert len(set(sales["store_id"]) | set(made["external"]["store_id"])) == stores
    assert sales["sku_id"].nunique() == skus
    assert sorted(sales["week"].unique()) == list(range(1, weeks + 1))


def test_every_category_has_a_partition_of_its_own_with_clusters_well_above_the_size_floor(planted):
    partitions = []
    for category, k in PLANTED_K.items():
        own = clusters(planted, category)
        sizes = own[own > 0].value_counts()
        assert len(sizes) == k
        assert sizes.min() >= 3 * max(5, 0.03 * len(own))
        partitions.append(own)
    for number, one in enumerate(partitions):
        for other in partitions[number + 1 :]:
            both = pd.crosstab(one, other).drop(index=-1, columns=-1)
            assert (both.gt(0).sum(axis=1) > 1).any()


@pytest.mark.parametrize("stores", [120, 400, 1000])
def test_a_cell_of_coffee_and_the_outside_is_below_the_floor_of_merging(stores: int):
    made = make(SampleData(stores=stores, skus=24, weeks=1))
    cells = pd.crosstab(clusters(made, "Coffee"), clusters(made, "(outside)")).drop(index=-1, columns=-1)
    assert 0 < cells.to_numpy().min() < max(5, 0.03 * stores)


def test_a_cluster_sells_more_of_its_own_need_states(planted):
    one_need = planted["need_states"].drop_duplicates("sku_id", keep=False)
    sales = planted["internal_sales"].astype({"store_id": str, "sku_id": str, "category": str})
    sales = sales.merge(one_need, on=["sku_id", "category"]).merge(planted["truth"], on=["store_id", "category"])
    for _, of_category in sales[sales["cluster"] > 0].groupby("category"):
        value = of_category.pivot_table(index="cluster", columns="need_state", values="sales_value", aggfunc="sum")
        mix = value.div(value.sum(axis=1), axis=0)
        best = mix.idxmax()
        assert set(best) == set(mix.index)
        assert ((mix.max() / mix.min()) > 1.5).all()


def test_need_states_are_consistent_with_categories_and_some_skus_have_two(planted):
    needs = planted["need_states"]
    assert needs.groupby("need_state")["category"].nunique().eq(1).all()
    assert needs.groupby("sku_id")["category"].nunique().eq(1).all()
    assert not needs.duplicated().any()
    of_skus = planted["internal_sales"].astype(str)[["sku_id", "category"]].drop_duplicates()
    both = of_skus.merge(needs, on="sku_id", suffixes=("", "_of_map"))
    assert (both["category"] == both["category_of_map"]).all()
    per_sku = needs.groupby("sku_id").size()
    assert 5 <= (per_sku == 2).sum() <= 0.2 * DEFAULTS.skus
    assert needs.groupby("category")["need_state"].nunique().min() >= 8
    assert needs.groupby("category")["need_state"].nunique().max() <= 12


@pytest.mark.parametrize("sizes", [{}, SMALL])
def test_unmapped_skus_are_few_and_sell_little_in_every_category(sizes: dict[str, int]):
    made = make(SampleData(**sizes))
    sales = made["internal_sales"]
    unmapped = ~sales["sku_id"].astype(str).isin(made["need_states"]["sku_id"])
    assert unmapped.any()
    value = sales.assign(unmapped=sales["sales_value"].where(unmapped, 0.0)).groupby("category", observed=True)
    share = value["unmapped"].sum() / value["sales_value"].sum()
    assert share.between(0, 0.15).all()


def test_sales_are_whole_cents_with_returns(planted):
    value = planted["internal_sales"]["sales_value"]
    assert np.array_equal(value, cents(planted["internal_sales"]) / 100)
    assert (value % 1 != 0).mean() > 0.5
    assert 0.002 < (value < 0).mean() < 0.05


def test_some_stores_are_known_on_one_side_only(planted):
    inside, outside = set(planted["internal_sales"]["store_id"]), set(planted["external"]["store_id"])
    assert (len(inside - outside), len(outside - inside)) == (2, 2)


def test_outlier_stores_are_planted_on_both_sides(planted):
    outliers = planted["truth"].query("cluster == -1")
    assert outliers.groupby("category").size().between(2, 6).all()
    assert set(outliers["category"]) == set(PLANTED_K)


def test_one_store_takes_back_nearly_all_it_sells_of_one_category(planted):
    sales = planted["internal_sales"]
    net = sales.groupby(["category", "store_id"], observed=True)["sales_value"].sum()
    (category, store) = net.idxmin()
    own = sales[(sales["category"] == category) & (sales["store_id"] == store)]["sales_value"]
    assert -own[own < 0].sum() > own[own > 0].sum()
    assert (net < 0).sum() == 1
    assert store not in clusters(planted, category).index


def test_the_outside_data_has_what_preprocessing_has_to_deal_with(planted):
    table = planted["external"]
    features = table.drop(columns=["store_id", "STORE_NAME", "REGION"])
    numeric = features.select_dtypes("number")
    assert list(features.columns.difference(numeric.columns)) == ["AREA_TYPE"]
    assert 0 < numeric.isna().mean().max() < 0.1
    assert list(numeric.columns[numeric.nunique() == 1]) == ["VAT_RATE"]
    assert numeric["MEDIAN_INCOME"].corr(numeric["MEAN_INCOME"]) > 0.95
    assert numeric["POPULATION_5KM"].skew() > 1
    assert table["STORE_NAME"].is_unique


def test_the_outside_clusters_differ_in_their_features(planted):
    truth = clusters(planted, "(outside)")
    table = planted["external"].set_index("store_id")
    mean = table["MEDIAN_INCOME"].groupby(truth[truth > 0]).mean()
    within = table["MEDIAN_INCOME"].groupby(truth[truth > 0]).std().mean()
    assert mean.sort_values().diff().min() > within


def test_raw_files_have_the_configured_names_and_hold_what_was_planted(tmp_path: Path):
    columns = {"store_id": "STORE_NBR", "sku_id": "SKU_NBR", "category": "CAT_DSC", "sales_value": "TOTAL_SALES"}
    config = settings(
        internal_sales={"path": "in/sales.pq", "columns": columns},
        need_states={"path": "in/n.csv", "columns": {"sku_id": "SKU", "need_state": "NEED", "weight": "W"}},
        external=[{"path": "out/e.parquet", "columns": {"store_id": "NBR"}, "labels": ["STORE_NAME", "REGION"]}],
    )
    written = sample.write(config, tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in written] == [
        "in/sample_truth.parquet",
        "in/sales.pq",
        "in/n.csv",
        "out/e.parquet",
    ]
    made = make(config.sample_data)
    sales = pd.read_parquet(written[1])
    assert list(sales) == list(columns.values())
    assert sales["TOTAL_SALES"].tolist() == made["internal_sales"]["sales_value"].tolist()
    assert list(pd.read_csv(written[2])) == ["SKU", "NEED", "W", marker.COLUMN]
    assert list(pd.read_parquet(written[3])) == ["NBR", *list(made["external"])[1:]]
    pd.testing.assert_frame_equal(pd.read_parquet(written[0]), made["truth"], check_dtype=False)
    inside, outside = gathered(config, tmp_path)
    assert inside["sales"]["sales_cents"].sum() == cents(made["internal_sales"]).sum()
    assert set(outside["labels"]["label"]) == {"STORE_NAME", "REGION"}


def test_week_is_written_where_it_is_configured(tmp_path: Path):
    columns = {"week": "WEEK"}
    config = settings(internal_sales={"path": "s.parquet", "columns": columns})
    sample.write(config, tmp_path)
    assert "WEEK" in pd.read_parquet(tmp_path / "s.parquet")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("sales.csv", "utf-8"), ("sales.csv.gz", "utf-8"), ("sales.tsv", "latin-1"), ("sales.csv", "utf-16")],
)
def test_csv_is_written_as_configured_and_read_back_to_the_cent(name: str, encoding: str, tmp_path: Path):
    csv = {"delimiter": ";", "decimal": ",", "encoding": encoding, "quote": "'"}
    config = settings(
        internal_sales={"path": name, "csv": csv},
        external=[{"path": "e.csv", "csv": csv, "labels": ["STORE_NAME", "REGION"]}],
    )
    sample.write(config, tmp_path)
    made = make(config.sample_data)
    opened = gzip.open if name.endswith(".gz") else open
    with opened(tmp_path / name, "rt", encoding=encoding) as file:
        assert file.readline().strip() == f"store_id;sku_id;category;sales_value;{marker.COLUMN}"
        assert "," in file.readline().split(";")[3]
    inside, outside = gathered(config, tmp_path)
    assert inside["sales"]["sales_cents"].sum() == cents(made["internal_sales"]).sum()
    features = outside["features"].set_index("store_id")
    expected = made["external"].set_index("store_id").sort_index()
    for column in ("MEDIAN_INCOME", "SHARE_OVER_65", "CARS_PER_HOUSEHOLD"):
        pd.testing.assert_series_equal(features[column], expected[column], check_index_type=False)
    assert features[marker.COLUMN].isna().all()


def test_further_external_sources_get_a_feature_of_their_own(tmp_path: Path):
    more = [{"path": f"e{i}.parquet"} for i in range(3)]
    config = settings(external=more)
    sample.write(config, tmp_path)
    assert list(pd.read_parquet(tmp_path / "e1.parquet")) == ["store_id", "DRIVE_TIME_1"]
    assert list(pd.read_parquet(tmp_path / "e2.parquet")) == ["store_id", "DRIVE_TIME_2"]
    _, outside = gathered(config, tmp_path)
    assert outside["features"][["DRIVE_TIME_1", "DRIVE_TIME_2"]].notna().all(axis=None)


def test_a_file_that_exists_keeps_its_bytes(tmp_path: Path):
    real = tmp_path / "data" / "raw" / "sales.parquet"
    real.parent.mkdir(parents=True)
    real.write_bytes(b"an analyst's file")
    before = real.stat()
    written = sample.write(settings(), tmp_path)
    assert real not in written
    assert real.read_bytes() == b"an analyst's file"
    assert (real.stat().st_ino, real.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_that_appears_while_the_sample_is_written_keeps_its_bytes(tmp_path: Path, monkeypatch):
    real = tmp_path / "data" / "raw" / "sales.parquet"
    write_parquet = files._WRITERS["Parquet"]

    def slowly(table: pd.DataFrame, path: Path, csv: CsvSettings, name: str) -> None:
        write_parquet(table, path, csv, name)
        if "sales" in path.name:
            real.write_bytes(b"an analyst's file")

    monkeypatch.setitem(files._WRITERS, "Parquet", slowly)
    written = sample.write(settings(), tmp_path)
    assert real not in written
    assert real.read_bytes() == b"an analyst's file"
    assert not list(real.parent.glob(".*"))


def test_what_a_kill_left_is_finished_with_the_same_bytes(tmp_path: Path):
    config = settings()
    first = {path: path.read_bytes() for path in sample.write(config, tmp_path)}
    needs, truth = tmp_path / "data" / "raw" / "needs.csv", tmp_path / "data" / "raw" / "sample_truth.parquet"
    needs.unlink()
    leftover = needs.with_name(f".{needs.name}.1.tmp")
    leftover.write_text("half a file")
    assert sample.write(config, tmp_path) == [truth, needs]
    assert {path: path.read_bytes() for path in first} == first
    assert not leftover.exists()
    assert sample.write(config, tmp_path) == []


def test_a_truth_that_is_no_sample_is_left_alone(tmp_path: Path):
    truth = tmp_path / "data" / "raw" / "sample_truth.parquet"
    truth.parent.mkdir(parents=True)
    truth.write_bytes(b"somebody's file")
    assert truth not in sample.write(settings(), tmp_path)
    assert truth.read_bytes() == b"somebody's file"


def test_folders_globs_and_unknown_types_are_all_named_and_nothing_is_written(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    config = settings(
        internal_sales={"path": "folder"}, need_states={"path": "needs*.csv"}, external=[{"path": "external.xlsx"}]
    )
    with pytest.raises(SettingsError) as raised:
        sample.write(config, tmp_path)
    assert [line.split(" = ")[0] for line in raised.value.lines] == [
        "sources.internal_sales.path",
        "sources.need_states.path",
        "sources.external[0].path",
    ]
    assert all("name a file to get sample data" in line for line in raised.value.lines)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


SALES = SOURCES["internal_sales"]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"columns": {"store_id": ["CHAIN", "BRANCH"]}}, 'columns.store_id = ["CHAIN", "BRANCH"]'),
        ({"columns": {"sales_value": "UNITS * PRICE"}}, 'columns.sales_value = "UNITS * PRICE"'),
        ({"columns": {"week": ["YEAR", "WEEK"]}}, 'columns.week = ["YEAR", "WEEK"]'),
        ({"week_columns": ["2024*"]}, 'week_columns = ["2024*"]'),
        ({"columns": {"week": "W"}, "week_format": "DMY"}, 'week_format = "DMY"'),
        ({"path": "s.csv", "csv": {"header_row": 4}}, "csv.header_row = 4"),
        ({"path": "s.csv", "csv": {"footer_rows": 1}}, "csv.footer_rows = 1"),
        ({"path": "s.csv", "csv": {"fill_down": ["STORE_NBR"]}}, 'csv.fill_down = ["STORE_NBR"]'),
    ],
)
def test_settings_that_sample_data_cannot_follow_are_refused_by_name(tmp_path: Path, more, named):
    columns = {**SALES.get("columns", {}), **more.get("columns", {})}
    config = settings(internal_sales={**SALES, **more, "columns": columns})
    with pytest.raises(SettingsError) as raised:
        sample.write(config, tmp_path)
    [line] = raised.value.lines
    assert line.startswith(f"sources.internal_sales.{named}: sample data is not written so")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("csv", [{"thousands": ","}, {"currency": "EUR"}, {"zero": ["-"]}, {"missing": ["NA"]}])
def test_settings_that_sample_data_does_without_are_no_fault(tmp_path: Path, csv):
    config = settings(internal_sales={**SALES, "path": "s.csv", "csv": csv})
    sample.write(config, tmp_path)
    assert len(gathered(config, tmp_path)[0]["sales"])


def test_a_file_system_without_hard_links_is_an_error_that_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OutputError, match=r"sales\.parquet: cannot be put in place by a hard link"):
        sample.write(settings(), tmp_path)
    assert [path.name for path in (tmp_path / "data" / "raw").iterdir()] == ["sample_truth.parquet"]


@pytest.mark.parametrize("name", ["s.parquet", "s.csv", "s.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_sample_files_are_known_by_their_content_whatever_their_name(name: str, encoding: str, tmp_path: Path):
    sample.write(settings(internal_sales={"path": name, "csv": {"encoding": encoding}}), tmp_path)
    assert sample.is_sample(tmp_path / name)
    assert sample.is_sample((tmp_path / name).rename(tmp_path / "renamed"))


def test_the_footer_of_a_large_sample_is_found(tmp_path: Path):
    sample.write(settings({"stores": 200, "skus": 2000, "weeks": 4}), tmp_path)
    path = tmp_path / "data" / "raw" / "sales.parquet"
    assert path.stat().st_size > 1_000_000
    assert sample.is_sample(path)


def test_real_files_are_no_samples(tmp_path: Path):
    frame = pd.DataFrame({"store_clustering_sample": ["1", marker.COLUMN], "x": [1, 2]})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "b.csv", index=False)
    frame.to_csv(tmp_path / "c.csv.gz", index=False)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "short.parquet").write_bytes(b"PAR1")
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b not gzip")
    (tmp_path / "folder.parquet").mkdir()
    assert not any(sample.is_sample(path) for path in [*tmp_path.iterdir(), tmp_path / "missing.parquet"])


def test_a_real_file_made_from_a_sample_in_pandas_is_a_real_file(tmp_path: Path):
    sample.write(settings(), tmp_path)
    pd.read_parquet(tmp_path / "data" / "raw" / "sales.parquet").to_parquet(tmp_path / "mine.parquet")
    assert not sample.is_sample(tmp_path / "mine.parquet")


def test_the_real_grocers_files_are_no_samples(completejourney: Path):
    assert not any(sample.is_sample(path) for path in completejourney.iterdir())


def test_looking_for_the_marker_imports_no_heavy_library():
    code = (
        "import sys; from pathlib import Path; from pipeline import sample; sample.is_sample(Path('pyproject.toml')); "
        "print([name for name in ('pandas', 'numpy', 'pyarrow', 'duckdb', 'scipy') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
