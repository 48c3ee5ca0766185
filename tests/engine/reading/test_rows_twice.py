"""Rows that were appended once more to a file: found by their content; rows that are alike by chance are no doubt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from engine.reading.test_twice import MAP, rows_of, sales

from pipeline.engine.gathered import Gathered

Gather = Callable[..., Gathered]
WEEK = {"week": "week"}


def appended(found: Gathered) -> list[str]:
    return [doubt for doubt in found.doubts if "appended once more" in doubt]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.xlsx"])
@pytest.mark.parametrize("columns", [{}, WEEK])
@pytest.mark.parametrize("times", [2, 3])
def test_a_file_whose_rows_stand_several_times_is_doubted(
    gather_internal: Gather, write, name: str, columns: dict[str, str], times: int
) -> None:
    frame = pd.concat([sales(stores=3)] * times).sample(frac=1, random_state=1)
    path = write(name, {"S": rows_of(frame)} if name.endswith("xlsx") else frame)
    (doubt,) = appended(gather_internal([path], MAP, columns=columns))
    assert "nearly every row stands" in doubt
    assert {2: "count twice", 3: "count three times"}[times] in doubt


@pytest.mark.parametrize("columns", [{}, WEEK])
def test_a_week_that_was_appended_once_more_is_named(gather_internal: Gather, columns: dict[str, str]) -> None:
    frame = sales()
    (doubt,) = appended(gather_internal(pd.concat([frame, frame[frame["week"] == 202404]]), MAP, columns=columns))
    assert "every row of '202404' in column 'week' stands twice" in doubt


def test_a_store_that_was_appended_once_more_is_named(gather_internal: Gather) -> None:
    frame = sales()
    (doubt,) = appended(gather_internal(pd.concat([frame, frame[frame["store_id"] == "3"]]), MAP, columns=WEEK))
    assert "every row of '3' in column 'store_id' stands twice" in doubt


def test_rows_of_one_file_of_several_are_found(gather_internal: Gather, write) -> None:
    jan, feb = sales(range(202401, 202403)), sales(range(202405, 202407))
    paths = [write("jan.csv", jan), write("feb.parquet", pd.concat([feb, feb]))]
    (doubt,) = appended(gather_internal(paths, MAP, columns=WEEK))
    assert "feb.parquet" in doubt


@pytest.mark.parametrize("columns", [{}, WEEK])
@pytest.mark.parametrize("prices", [1, 3])
def test_receipts_with_the_same_price_are_no_doubt(
    gather_internal: Gather, columns: dict[str, str], prices: int
) -> None:
    rng = np.random.default_rng(7)
    sold = sales(stores=6).sample(5000, replace=True, random_state=3)
    sold["sales_value"] = 1.99 + rng.integers(0, prices, len(sold))
    assert appended(gather_internal(sold, MAP, columns=columns)) == []


def test_weeks_without_sales_and_two_shelves_of_a_store_are_no_doubt(gather_internal: Gather) -> None:
    frame = sales()
    nothing = pd.concat([frame.assign(sales_value=0.0)] * 4)
    shelves = frame.assign(sales_value=(frame["sales_value"] * 0.4).round(2))
    assert appended(gather_internal(pd.concat([frame, nothing, shelves]), MAP, columns=WEEK)) == []
