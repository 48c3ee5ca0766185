"""A year of a grocer, read and preprocessed, against pandas on the raw files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from conftest import SHARED

from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.internal import preprocessing as internal_preprocessing
from pipeline.engine import external, internal
from pipeline.schema import UNMAPPED
from pipeline.settings import (
    Engine,
    ExternalColumns,
    ExternalPreprocessing,
    ExternalSource,
    InternalPreprocessing,
    NeedStateColumns,
    NeedStateSource,
    SalesColumns,
    SalesSource,
    Sources,
)

FOLDER = SHARED / "data" / "completejourney"
FILES = {
    "internal_sales": [str(FOLDER / "internal_sales.parquet")],
    "need_states": [str(FOLDER / "need_state.csv")],
    "external.0": [str(FOLDER / "external_sales.parquet")],
}
SOURCES = Sources(
    internal_sales=SalesSource(
        path="x",
        columns=SalesColumns(
            store_id="STORE_NBR", sku_id="SKU_NBR", category="CAT_DSC", sales_value="TOTAL_SALES", week="WEEK"
        ),
    ),
    need_states=NeedStateSource(
        path="x", columns=NeedStateColumns(sku_id="SKU_NBR", category="CAT_DSC", need_state="NEED_STATE")
    ),
    external=(ExternalSource(path="x", columns=ExternalColumns(store_id="STORE_NBR")),),
)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real data at {FOLDER}")


def raw_sales() -> pd.DataFrame:
    raw = pd.read_parquet(
        FILES["internal_sales"][0], columns=["STORE_NBR", "SKU_NBR", "CAT_DSC", "WEEK", "TOTAL_SALES"]
    )
    return raw.assign(cents=(raw["TOTAL_SALES"] * 100).round().astype("int64"))


def preprocessed(tmp_path: Path, **options: object) -> dict[str, pd.DataFrame]:
    settings = InternalPreprocessing(**options)
    gathered = internal.gather(FILES, SOURCES, settings, Engine(threads=1, spill_folder=str(tmp_path)))
    return internal_preprocessing.preprocess(**gathered, settings=settings)


def test_a_year_of_sales_is_conserved_counted_and_shared_out(tmp_path: Path) -> None:
    found = preprocessed(tmp_path)
    raw = raw_sales()
    assert len(raw) == 640_253
    by_category = raw.groupby("CAT_DSC")
    categories = found["categories"].set_index("category")
    assert len(categories) == 40
    assert categories["sales_cents"].to_dict() == by_category["cents"].sum().to_dict()
    assert categories["stores"].to_dict() == by_category["STORE_NBR"].nunique().to_dict()
    table = found["sales_by_need_state"]
    assert table["store_id"].nunique() == 108
    assert table.loc[table["need_state"] != UNMAPPED, "need_state"].nunique() == 577
    used = table[~table["is_excluded"]]
    assert used.groupby(["store_id", "category"])["share"].sum().to_numpy() == pytest.approx(1.0)
    # every SKU has one need state here, so that a need state's sales are those of its SKUs
    needs = pd.read_csv(FILES["need_states"][0])[["SKU_NBR", "CAT_DSC", "NEED_STATE"]].drop_duplicates()
    expected = raw.merge(needs, on=["SKU_NBR", "CAT_DSC"], validate="many_to_one")
    expected = expected.groupby(["STORE_NBR", "CAT_DSC", "NEED_STATE"])["cents"].sum()
    assert {
        (int(row.store_id), row.category, row.need_state): row.sales_cents for row in table.itertuples()
    } == expected.to_dict()


def test_the_last_weeks_of_one_category_are_those_of_the_raw_file(tmp_path: Path) -> None:
    raw = raw_sales()
    name = raw["CAT_DSC"].mode()[0]
    found = preprocessed(tmp_path, include=(name,), last_weeks=4)
    kept = raw[(raw["CAT_DSC"] == name) & (raw["WEEK"] > raw["WEEK"].max() - 4)]
    assert found["categories"]["category"].tolist() == [name]
    assert found["categories"]["sales_cents"].tolist() == [kept["cents"].sum()]
    none = found["excluded_stores"][found["excluded_stores"]["category"] == "(none)"]
    assert set(none["store_id"]) == set(raw["STORE_NBR"].astype(str)) - set(kept["STORE_NBR"].astype(str))


def test_the_households_around_the_stores_are_a_complete_table(tmp_path: Path) -> None:
    gathered = external.gather(FILES, SOURCES, Engine(threads=1, spill_folder=str(tmp_path)))
    found = external_preprocessing.preprocess(**gathered, settings=ExternalPreprocessing())
    raw = pd.read_parquet(FILES["external.0"][0])
    report = found["external_feature_report"].set_index("feature")
    assert set(report.index) == set(raw.columns) - {"STORE_NBR"}
    features = found["external_features"].set_index("store_id")
    assert set(features.columns) == set(report.index[report["action"] != "dropped"])
    assert not features.isna().any(axis=None)
    assert len(features) + len(found["excluded_stores"]) == len(raw) == 108
    kept = raw.set_index(raw["STORE_NBR"].astype(str)).loc[features.index]
    missing = kept[features.columns].isna().mean()
    assert report.loc[features.columns, "imputed_share"].to_dict() == pytest.approx(missing.to_dict())
