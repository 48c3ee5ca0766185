"""Amounts with up to six decimals are summed exactly, and what is published of a category is its exact sum to the last digit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
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


def exact(given: pd.DataFrame, values: list[Decimal]) -> dict[str, Decimal]:
    """The exact sum of each category."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for category, value in zip(given["category"], values, strict=True):
        sums[category] += value
    return dict(sums)


def in_units(cents: float) -> Decimal:
    """Cents of a frame as the amount that is published of them."""
    return (Decimal(repr(float(cents))) / 100).quantize(Decimal("0.000001"))


def of_category(sales: pd.DataFrame) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for category, cents in zip(sales["category"], sales["sales_cents"], strict=True):
        sums[str(category)] += in_units(cents)
    return dict(sums)


def as_floats(values: list[Decimal]) -> list[float]:
    return [float(value) for value in values]


def as_noisy_floats(values: list[Decimal]) -> list[float]:
    """As a program leaves them that computed them: 0.1 + 0.2, 12.339999999."""
    return [float(value) * (1 + (-1) ** place * 3e-15) for place, value in enumerate(values)]


@pytest.mark.parametrize("places", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("written", [as_floats, as_noisy_floats, list, "text"])
@pytest.mark.parametrize("columns", [{}, {"week": "WEEK"}])
def test_a_category_is_its_exact_sum_to_the_last_digit(
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
        off = found["sales"][list(BLOCK_CENTS)].sum(axis=1) - found["sales"]["sales_cents"]
        assert off.abs().max() < 1e-6


@pytest.mark.parametrize("places", [2, 3, 4, 6])
def test_every_published_sum_is_exact_where_nothing_is_split(gather_internal, places: int) -> None:
    values = amounts(places, seed=9)
    given = frame(values)
    mapping = MAP.drop_duplicates("sku_id")
    found = gather_internal(frame(as_floats(values)), mapping, map_columns={})["sales"]
    of_sku = dict(zip(mapping["sku_id"], mapping["need_state"], strict=True))
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row, value in zip(given.itertuples(index=False), values, strict=True):
        sums[row.store_id, row.category, of_sku[row.sku_id]] += value
    for row in found.itertuples(index=False):
        assert in_units(row.sales_cents) == sums[row.store_id, row.category, row.need_state]


@pytest.mark.parametrize("places", [2, 3, 4, 5])
def test_amounts_are_split_in_the_decimals_that_they_have(gather_internal, places: int) -> None:
    """A third of 10 is 3.34, 3.33 and 3.33 where amounts have cents; of dinars it is 3.334, 3.333 and 3.333."""
    value = Decimal(10) + Decimal(1).scaleb(-places)
    rows = pd.DataFrame({"store_id": ["1"], "sku_id": "s", "category": "Bread", "sales_value": [float(value)]})
    mapping = pd.DataFrame({"sku_id": "s", "need_state": list("ABC")})
    parts = [in_units(cents) for cents in gather_internal(rows, mapping, map_columns={})["sales"]["sales_cents"]]
    assert sum(parts) == value
    assert all(part == part.quantize(Decimal(1).scaleb(-places)) for part in parts)
    assert max(parts) - min(parts) <= Decimal(1).scaleb(-places)


def test_a_category_with_more_decimals_changes_no_other_category(gather_internal) -> None:
    rows = pd.DataFrame({"store_id": "1", "sku_id": "s", "category": ["Bread", "Tea"], "sales_value": [10.0, 10.0]})
    mapping = pd.DataFrame({"sku_id": "s", "need_state": list("ABC")})
    before = gather_internal(rows, mapping, map_columns={})["sales"]
    finer = gather_internal(rows.assign(sales_value=[10.0, 10.123]), mapping, map_columns={})["sales"]
    bread = before["category"] == "Bread"
    assert before.loc[bread, "sales_cents"].tolist() == finer.loc[bread, "sales_cents"].tolist() == [334, 333, 333]


@pytest.mark.parametrize("places", [3, 6])
def test_blocks_of_weeks_are_exact_sums_too(gather_internal, places: int) -> None:
    values = amounts(places, seed=4)
    mapping = MAP.drop_duplicates("sku_id").assign(need_state="N")
    found = gather_internal(frame(as_floats(values)), mapping, columns={"week": "WEEK"}, map_columns={})["sales"]
    digits = found[list(BLOCK_CENTS)].to_numpy() * 10 ** (places - 2)
    assert np.abs(digits - np.round(digits)).max() < 1e-3
    assert sum(in_units(cents) for cents in found[list(BLOCK_CENTS)].to_numpy().ravel()) == sum(values)


def test_of_sums_that_are_too_large_the_last_decimals_are_rounded_last(gather_internal) -> None:
    """53 bits hold no millionths of billions: then the sums have fewer decimals, and those of a category add up to its own."""
    values = [Decimal(number * 100_000_000) + Decimal("0.123457") for number in range(1, 60)]
    rows = pd.DataFrame(
        {"store_id": [str(n) for n in range(59)], "sku_id": "s", "category": "Bread", "sales_value": values}
    )
    mapping = pd.DataFrame({"sku_id": ["s"], "need_state": ["N"]})
    found = gather_internal(rows, mapping, map_columns={})
    total = of_category(found["sales"])["Bread"]
    assert total == sum(values).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    (doubt,) = [doubt for doubt in found.doubts if "decimals" in doubt]
    assert "Bread (6, of which 4 are kept)" in doubt


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
    assert of_category(gather_internal(rows, MAP[:1], map_columns={})["sales"]) == {
        "Bread": Decimal("409.5")
    }  # 414.00 where rows are rounded


def test_returns_are_as_exact_as_sales(gather_internal) -> None:
    rows = pd.DataFrame(
        {"store_id": "1", "sku_id": "s0", "category": list("ABCD"), "sales_value": [-1.005, 1.005, -0.104, -2.995]}
    )
    found = of_category(gather_internal(rows, MAP[:1], map_columns={})["sales"])
    assert found == {"A": Decimal("-1.005"), "B": Decimal("1.005"), "C": Decimal("-0.104"), "D": Decimal("-2.995")}


def test_the_order_of_rows_and_files_changes_no_digit(gather_internal, write: Callable[..., str]) -> None:
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
