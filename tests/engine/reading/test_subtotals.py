"""A region among the stores, or a group among the categories: the total of some others is doubted, whatever it is called."""

from __future__ import annotations

import time
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pytest
from engine.reading.test_twice import MAP, sales

from pipeline.engine.gathered import Gathered
from pipeline.engine.twice import subtotals

Gather = Callable[..., Gathered]


def of_some(found: Gathered) -> list[str]:
    return [doubt for doubt in found.doubts if "counts their sales twice" in doubt]


def with_total(frame: pd.DataFrame, column: str, name: str, members: list[str]) -> pd.DataFrame:
    """The rows, and those of a total of some members."""
    others = [key for key in frame.columns if key not in (column, "sales_value")]
    rows = frame[frame[column].isin(members)].groupby(others, as_index=False)["sales_value"].sum().round(2)
    return pd.concat([frame, rows.assign(**{column: name})])


@pytest.mark.parametrize("name", ["Region North", "Zwischensumme 1", "9001", "N"])
@pytest.mark.parametrize("stores", [8, 12, 30])
def test_a_store_that_is_the_total_of_some_others_is_doubted(gather_internal: Gather, name: str, stores: int) -> None:
    frame = with_total(sales(stores=stores), "store_id", name, ["0", "2", "3", "5"])
    (doubt,) = of_some(gather_internal(frame, MAP))
    assert f"store '{name}' sold as much of each as 4 others together" in doubt
    assert f'exclude_rows = {{ store_id = ["{name}"] }}' in doubt


def test_several_regions_and_the_total_of_all_are_each_doubted(gather_internal: Gather) -> None:
    frame = sales(stores=12)
    whole = with_total(frame, "store_id", "All", [str(store) for store in range(12)])
    for number, members in enumerate((["0", "1", "2"], ["3", "4", "5", "6"], ["7", "8", "9", "10", "11"])):
        part = with_total(frame, "store_id", f"R{number}", members)
        whole = pd.concat([whole, part[part["store_id"] == f"R{number}"]])
    found = gather_internal(whole, MAP)
    assert sorted(doubt.split("'")[1] for doubt in of_some(found)) == ["R0", "R1", "R2"]
    assert any("store 'All'" in doubt for doubt in found.doubts)


def test_a_group_among_the_categories_is_doubted(gather_internal: Gather) -> None:
    frame = sales(stores=9)
    frame["category"] = frame["sku_id"].map(dict(zip(MAP["sku_id"], ["Bread", "Tea", "Milk", "Soap"] * 2, strict=True)))
    food = with_total(frame, "category", "Food", ["Bread", "Tea", "Milk"])
    (doubt,) = of_some(gather_internal(food, MAP.drop(columns="category"), map_columns={}))
    assert "category 'Food' sold as much of each as 3 others together" in doubt


@pytest.mark.parametrize("stores", [4, 12, 40])
@pytest.mark.parametrize("seed", range(3))
def test_stores_that_are_stores_are_no_doubt(gather_internal: Gather, stores: int, seed: int) -> None:
    assert of_some(gather_internal(sales(stores=stores, seed=seed), MAP)) == []


def test_a_large_store_that_exceeds_all_others_everywhere_is_no_doubt(gather_internal: Gather) -> None:
    frame = sales(stores=20)
    large = frame["store_id"] == "7"
    frame.loc[large, "sales_value"] = (frame.loc[large, "sales_value"] * 3 + 500).round(2)
    assert of_some(gather_internal(frame, MAP)) == []


def of_categories(categories: int, stores: int, members: int, seed: int) -> tuple[list[subtotals.Subtotal], set[str]]:
    """What is doubted of categories of which the last is the total of some, as rounded as sums are; and those."""
    random = np.random.default_rng(seed)
    size = np.exp(random.normal(0, 1, categories))[:, None] * np.exp(random.normal(0, 0.3, stores))
    cents = np.round(size * (1 + 0.2 * random.normal(size=size.shape).clip(-2, 2)) * 1e6)
    chosen = random.choice(categories, members, replace=False)
    if members:
        cents = np.vstack([cents, cents[chosen].sum(axis=0) + random.integers(-1, 2, stores)])
    number, store = np.indices(cents.shape)
    frame = (
        pd.DataFrame({"category": number.ravel(), "store_id": store.ravel()}).astype(str).assign(cents=cents.ravel())
    )
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE store_sums AS SELECT * FROM frame")
        return subtotals.subtotals(connection, "category", set()), {str(category) for category in chosen}


@pytest.mark.parametrize(
    ("categories", "stores", "members"),
    [(12, 4, 5), (20, 10, 5), (60, 20, 8), (200, 60, 10), (200, 60, 195), (500, 60, 10)],
)
def test_a_group_among_more_categories_than_stores_is_doubted(categories: int, stores: int, members: int) -> None:
    doubted, chosen = of_categories(categories, stores, members, seed=1)
    assert [(each.name, set(each.members)) for each in doubted] == [(str(categories), chosen)]


def test_five_hundred_categories_of_which_none_is_a_total_take_no_time() -> None:
    started = time.process_time()
    assert of_categories(500, 60, 0, seed=0)[0] == []
    assert time.process_time() - started < 2  # sets tried one by one took twice that, and found none
