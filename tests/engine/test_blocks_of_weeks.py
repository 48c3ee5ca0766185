"""Sales by block of weeks: which block a week is in, and that the blocks add up to the sales, to the cent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from engine.given import MAP

from pipeline.schema import BLOCK_CENTS

WEEK: dict[str, Any] = {"columns": {"week": "week"}}
DAY = date(2024, 1, 1)


def weekly(weeks: list[Any], amounts: list[float] | None = None) -> pd.DataFrame:
    """One row per week, the first of 1 cent, the next of 2 cents, and so on."""
    cents = range(1, len(weeks) + 1) if amounts is None else [100 * amount for amount in amounts]
    return pd.DataFrame(
        {"store_id": "1", "sku_id": "a", "category": "Bread", "sales_value": [c / 100 for c in cents], "week": weeks}
    )


def blocks(sales: pd.DataFrame) -> list[int]:
    assert len(sales) == 1
    return [int(sales[name].iloc[0]) for name in BLOCK_CENTS]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize(
    "weeks",
    [
        list(range(1, 9)),
        list(range(-3, 5)),
        [202449, 202450, 202451, 202452, 202501, 202502, 202503, 202504],
        [DAY + timedelta(weeks=week) for week in range(8)],
        [int((DAY + timedelta(weeks=week)).strftime("%Y%m%d")) for week in range(8)],
        [3, 5, 7, 9, 20, 22, 24, 90],  # weeks without a sale are no weeks
    ],
    ids=["numbers", "from below zero", "of two years", "dates", "dates as numbers", "with gaps"],
)
def test_eight_weeks_are_a_block_each_in_order(gather_internal, write, weeks: list[Any], suffix: str) -> None:
    path = write(f"s.{suffix}", weekly(weeks).sample(frac=1, random_state=0))
    assert blocks(gather_internal([path], MAP, **WEEK)["sales"]) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_blocks_that_no_64_bits_hold_in_millionths_are_exact(gather_internal) -> None:
    amounts = [1e13 - 1, *range(1, 8)]  # of the first block, 1e19 millionths
    result = blocks(gather_internal(weekly(list(range(1, 9)), amounts), MAP, **WEEK)["sales"])
    assert result == [10**15 - 100, *(100 * amount for amount in range(1, 8))]


def test_a_year_is_four_periods_of_weeks_that_alternate(gather_internal) -> None:
    result = blocks(gather_internal(weekly(list(range(1, 53))), MAP, **WEEK)["sales"])
    quarters = np.arange(1, 53).reshape(4, 13)
    # the first week of the year, and every other one after it, over the borders of the quarters too
    assert result[:2] == [quarters[0][::2].sum(), quarters[0][1::2].sum()]
    assert [result[at] + result[at + 1] for at in (0, 2, 4, 6)] == [quarter.sum() for quarter in quarters]
    assert sum(result[::2]) == sum(range(1, 53, 2))


def test_days_are_weeks_of_seven_that_end_with_the_latest(gather_internal) -> None:
    days = [DAY + timedelta(days=day) for day in range(56)]
    result = blocks(gather_internal(weekly(days, [0.01] * 56), MAP, **WEEK)["sales"])
    assert result == [7] * 8
    result = blocks(gather_internal(weekly(days[:-1], [0.01] * 55), MAP, **WEEK)["sales"])
    assert result == [6, *[7] * 7]


def test_only_the_weeks_of_the_window_are_in_blocks(gather_internal) -> None:
    sales = gather_internal(weekly(list(range(1, 21))), MAP, **WEEK, last_weeks=8)["sales"]
    assert blocks(sales) == list(range(13, 21))
    assert sales["sales_cents"].tolist() == [sum(range(13, 21))]


@pytest.mark.parametrize(
    ("weeks", "options"),
    [
        ([1, 2, 3, 4, 5, 6, 7], WEEK),
        ([*range(1, 9), None], WEEK),
        (["a", *"2345678"], WEEK),
        ([*range(1, 8), 10**9], WEEK),
        (list(range(1, 9)), {}),
        (list(range(1, 9)), {"columns": {"week": "elsewhere"}}),
        (list(range(1, 9)), WEEK | {"last_weeks": 7}),
    ],
    ids=["too few", "one without", "one that is none", "far apart", "not mapped", "no such column", "too few in the window"],
)  # fmt: skip
def test_where_the_weeks_are_not_known_there_are_no_blocks_and_all_sales(
    gather_internal, write, weeks: list[Any], options: dict[str, Any]
) -> None:
    path = write("s.csv", weekly(weeks))
    sales = gather_internal([path], MAP, **options)["sales"]
    assert list(sales) == ["store_id", "category", "need_state", "sales_cents"]
    first = len(weeks) - options["last_weeks"] if "last_weeks" in options else 0
    assert sales["sales_cents"].tolist() == [sum(range(first + 1, len(weeks) + 1))]


@pytest.mark.parametrize("last_weeks", [None, 40])
def test_blocks_add_up_to_the_cent_whatever_the_weights_returns_and_spellings(
    gather_internal: Callable[..., Any], last_weeks: int | None
) -> None:
    random = np.random.default_rng(7)
    n = 4_000
    rows = pd.DataFrame(
        {
            "store_id": random.choice(["1", " 1", "2", "3"], n),
            "sku_id": random.choice(list("abcdz"), n),
            "category": random.choice(["Bread", "Cake"], n),
            "sales_value": np.round(random.normal(1.0, 3.0, n), 3),
            "week": random.integers(1, 41, n),
        }
    )
    needs = pd.DataFrame(
        [(sku, category, f"N{need}", 0.1 + need * (sku != "b")) for sku in "abcd" for category in ("Bread", "Cake")
         for need in range("abcd".index(sku) * 2 + 1)],
        columns=["sku_id", "category", "need_state", "weight"],
    )  # fmt: skip
    options = {"map_columns": {"category": "category", "weight": "weight"}, "last_weeks": last_weeks}
    sales = gather_internal(rows, needs, **WEEK, **options)["sales"]
    assert (sales[list(BLOCK_CENTS)].sum(axis=1) - sales["sales_cents"]).abs().max() < 1e-6
    without = gather_internal(rows, needs, **{k: v for k, v in options.items() if k == "map_columns"})["sales"]
    pd.testing.assert_frame_equal(sales.drop(columns=list(BLOCK_CENTS)), without)
    again = gather_internal(rows.sample(frac=1, random_state=1), needs[::-1], **WEEK, **options)["sales"]
    pd.testing.assert_frame_equal(sales, again)
    # what the blocks of a category hold is what its weeks hold, but for a cent per split SKU and block
    cents = (np.floor(np.abs(rows["sales_value"]) * 100 + 0.5) * np.sign(rows["sales_value"])).where(
        rows["category"] == "Cake", 0
    )
    of_block = 2 * ((rows["week"] - 1) * 4 // 40) + (rows["week"] - 1) % 2
    expected = cents.groupby(of_block).sum().to_numpy()
    cake = sales[sales["category"] == "Cake"][list(BLOCK_CENTS)].sum().to_numpy()
    assert np.abs(cake - expected).max() <= 3 * 3 * 8
