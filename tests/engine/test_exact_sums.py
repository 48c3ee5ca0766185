"""Amounts with any number of decimals are summed exactly; what is published of a category is its exact sum to the nearest cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.schema import BLOCK_CENTS

STORES, SKUS, WEEKS = 7, 5, 10


def amounts(places: int, *, seed: int = 0, returns: bool = True) -> list[Decimal]:
    """As many amounts as there are rows, with this many decimals."""
    rng = np.random.default_rng(seed)
    low = -(10 ** (places + 1)) if returns else 10**places
    drawn = rng.integers(low, 4 * 10 ** (places + 1), STORES * SKUS * WEEKS * 2)
    return [Decimal(int(value)).scaleb(-places) for value in drawn]


def frame(values: list[Any]) -> pd.DataFrame:
    keys = [
        (str(store), f"s{sku}", category, 202401 + week)
        for store in range(STORES)
        for category in ("Bread", "Tea")
        for sku in range(SKUS)
        for week in range(WEEKS)
    ]
    return pd.DataFrame(keys, columns=["store_id", "sku_id", "category", "WEEK"]).assign(sales_value=values)


MAP = pd.DataFrame(
    [(f"s{sku}", need, 1 + sku + place) for sku in range(SKUS) for place, need in enumerate("ABC"[: 1 + sku % 3])],
    columns=["sku_id", "need_state", "weight"],
)


def exact(given: pd.DataFrame, values: list[Decimal]) -> dict[str, int]:
    """The exact sum of each category in cents, rounded half away from zero."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for category, value in zip(given["category"], values, strict=True):
        sums[category] += value
    return {category: int((100 * value).to_integral_value(ROUND_HALF_UP)) for category, value in sums.items()}


def of_category(sales: pd.DataFrame) -> dict[str, int]:
    return {str(name): int(value) for name, value in sales.groupby("category")["sales_cents"].sum().items()}


def as_floats(values: list[Decimal]) -> list[float]:
    return [float(value) for value in values]


def as_noisy_floats(values: list[Decimal]) -> list[float]:
    """As a program leaves them that computed them: 0.1 + 0.2, 12.339999999."""
    return [float(value) * (1 + (-1) ** place * 3e-15) for place, value in enumerate(values)]


@pytest.mark.parametrize("places", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("written", [as_floats, as_noisy_floats, list, "text"])
@pytest.mark.parametrize("columns", [{}, {"week": "WEEK"}])
def test_a_category_is_its_exact_sum_to_the_nearest_cent(
    gather_internal, write, tmp_path, places, written, columns
) -> None:
    values = amounts(places, seed=places)
    given = frame(values)
    if written == "text":
        found = gather_internal([write("sales.csv", given)], MAP, columns=columns, map_columns={"weight": "weight"})
    elif written is list:
        path = tmp_path / "sales.parquet"
        pq.write_table(pa.Table.from_pandas(given, preserve_index=False), path)
        assert pa.types.is_decimal(pq.read_schema(path).field("sales_value").type)
        found = gather_internal([str(path)], MAP, columns=columns, map_columns={"weight": "weight"})
    else:
        found = gather_internal(frame(written(values)), MAP, columns=columns, map_columns={"weight": "weight"})
    assert of_category(found["sales"]) == exact(given, values)
    if columns:
        assert (found["sales"][list(BLOCK_CENTS)].sum(axis=1) == found["sales"]["sales_cents"]).all()


@pytest.mark.parametrize("places", [3, 4])
def test_every_published_sum_is_less_than_a_cent_per_sku_off(gather_internal, places: int) -> None:
    values = amounts(places, seed=9)
    given = frame(values)
    mapping = MAP.drop_duplicates("sku_id")
    found = gather_internal(frame(as_floats(values)), mapping, map_columns={})["sales"]
    of_sku = dict(zip(mapping["sku_id"], mapping["need_state"], strict=True))
    sums: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for row, value in zip(given.itertuples(index=False), values, strict=True):
        sums[row.store_id, row.category, of_sku[row.sku_id]] += Fraction(value) * 100
    for row in found.itertuples(index=False):
        assert abs(row.sales_cents - sums[row.store_id, row.category, row.need_state]) < SKUS


def test_weeks_that_are_left_out_do_not_count_in_the_exact_sum(gather_internal) -> None:
    values = amounts(4, seed=3)
    given = frame(as_floats(values))
    found = gather_internal(given, MAP, columns={"week": "WEEK"}, map_columns={"weight": "weight"}, last_weeks=4)
    inside = (given["WEEK"] >= 202407).to_numpy()
    chosen = [value for value, is_inside in zip(values, inside, strict=True) if is_inside]
    assert of_category(found["sales"]) == exact(given[inside], chosen)


def test_a_three_decimal_currency_loses_nothing(gather_internal) -> None:
    rows = pd.DataFrame(
        {
            "store_id": [str(number % 9) for number in range(900)],
            "sku_id": "s0",
            "category": "Bread",
            "sales_value": 0.455,
        }
    )
    assert of_category(gather_internal(rows, MAP[:1], map_columns={})["sales"]) == {"Bread": 40950}  # 41,400 row by row


def test_returns_round_as_sales_do(gather_internal) -> None:
    rows = pd.DataFrame(
        {"store_id": "1", "sku_id": "s0", "category": list("ABCD"), "sales_value": [-1.005, 1.005, -0.104, -2.995]}
    )
    found = of_category(gather_internal(rows, MAP[:1], map_columns={})["sales"])
    assert found == {"A": -101, "B": 101, "C": -10, "D": -300}


def test_the_order_of_rows_and_files_changes_no_cent(gather_internal, write: Callable[..., str]) -> None:
    given = frame(as_floats(amounts(4, seed=5)))
    whole = gather_internal(given, MAP, map_columns={"weight": "weight"})["sales"]
    shuffled = given.sample(frac=1, random_state=1)
    parts = [write(f"{number}.parquet", shuffled[number::3]) for number in range(3)]
    pd.testing.assert_frame_equal(whole, gather_internal(parts, MAP, map_columns={"weight": "weight"})["sales"])


def test_the_category_of_the_map_is_summed_exactly_too(gather_internal) -> None:
    values = amounts(4, seed=6)
    given = frame(as_floats(values))
    in_map = pd.DataFrame(
        {"sku_id": [f"s{sku}" for sku in range(SKUS)], "need_state": "N", "category": ["X", "X", "Y", "Y", "Y"]}
    )
    found = gather_internal(given.drop(columns="category"), in_map, map_columns={"category": "category"})["sales"]
    of_sku = dict(zip(in_map["sku_id"], in_map["category"], strict=True))
    assert of_category(found) == exact(given.assign(category=given["sku_id"].map(of_sku)), values)
