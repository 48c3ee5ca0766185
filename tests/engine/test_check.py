"""Raw files looked at before anything is built: what is told of good ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from engine.checked_files import Check, frames

from pipeline.duck.spill import subfolder


def test_good_files_have_nothing_to_object_to_and_their_columns_are_told(check: Check) -> None:
    report = check()
    assert (report.errors, report.doubts, report.not_looked_at) == ((), (), ())
    sales, needs, external = report.sources
    assert (sales.rows, needs.rows, external.rows) == (36 * 24, 24, 36)
    assert sales.facts == {"stores": 36, "SKUs": 24, "categories": 3}
    assert [(one.name, one.used_as, one.type, one.nulls) for one in sales.columns] == [
        ("STORE", "store_id", "BIGINT", 0),
        ("SKU", "sku_id", "BIGINT", 0),
        ("CAT", "category", "VARCHAR", 0),
        ("SALES", "sales_value", "DOUBLE", 0),
    ]
    assert [(one.name, one.used_as, one.nulls) for one in external.columns] == [
        ("STORE", "store_id", 0),
        ("AGE", "feature", 0),
        ("INCOME", "feature", 0),
        ("NAME", "label", 0),
    ]


def test_a_category_that_sold_nothing_in_sum_is_doubted(check: Check) -> None:
    sales, _, _ = frames()
    sales.loc[sales["CAT"] == "Coffee", "SALES"] *= -1
    report = check(sales=sales)
    (told,) = [str(one) for one in report.doubts if "above zero" in str(one)]
    assert "the sales of 1 category are not above zero: Coffee; " in told


def test_columns_that_nothing_names_are_listed_as_unused_and_nulls_of_features_are_counted(check: Check) -> None:
    sales, _, external = frames()
    external.loc[:2, "AGE"] = np.nan
    report = check(
        {"sources": {"external": [{"path": "x", "columns": {"store_id": "STORE"}, "features": ["AGE", "INCOME"]}]}},
        sales=sales.assign(UNITS=1),
        external=external,
    )
    assert report.errors == ()
    assert report.sources[0].unused == ("UNITS",)
    assert report.sources[2].unused == ("NAME",)
    assert [(one.name, one.nulls) for one in report.sources[2].columns] == [("STORE", 0), ("AGE", 3), ("INCOME", 0)]


def test_nothing_is_left_in_the_spill_folder(check: Check, tmp_path: Path) -> None:
    check()
    assert list(subfolder(str(tmp_path / "spill")).iterdir()) == []
