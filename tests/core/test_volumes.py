"""Volume tiers: counted by hand, and against pandas' quantile cuts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.internal.volumes import volume_tiers


def table(*rows: tuple[str, str, int, bool]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["store_id", "need_state", "sales_cents", "is_excluded"])
    return frame.astype({"sales_cents": "int64", "is_excluded": "bool"})


def test_the_largest_third_is_tier_1_and_excluded_stores_have_none():
    found = volume_tiers(
        table(
            ("a", "x", 100, False), ("a", "UNMAPPED", 900, False), ("b", "x", 500, False), ("b", "y", -100, False),
            ("c", "x", 300, False), ("d", "x", 9_000, True),
        ),
        3,
    )  # fmt: skip
    assert found.to_dict("list") == {
        "store_id": ["a", "b", "c"],
        "sales_cents": [1000, 400, 300],
        "volume_tier": [1, 2, 3],
    }


def test_equal_sales_share_a_tier():
    found = volume_tiers(table(*((name, "x", 7, False) for name in "abcd")), 3)
    assert found["volume_tier"].tolist() == [1, 1, 1, 1]


def test_without_stores_there_are_no_tiers():
    assert len(volume_tiers(table(("a", "x", 1, True)), 3)) == 0
    assert volume_tiers(table(), 3).columns.tolist() == ["store_id", "sales_cents", "volume_tier"]


@given(st.lists(st.integers(-1_000, 100_000), min_size=1, max_size=60, unique=True), st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_tiers_are_in_order_and_as_large_as_each_other(sales, tiers):
    names = [f"s{i:02d}" for i in range(len(sales))]
    found = volume_tiers(table(*((name, "x", sold, False) for name, sold in zip(names, sales, strict=True))), tiers)
    in_order = found.sort_values("sales_cents", ascending=False)["volume_tier"].to_numpy()
    assert (np.diff(in_order) >= 0).all()
    assert in_order.min() == 1
    assert in_order.max() <= tiers
    counts = np.bincount(in_order, minlength=tiers + 1)[1:]
    assert counts.max() - counts.min() <= 1
