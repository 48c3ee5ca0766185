"""Sums that do not fit into the memory limit are made in several passes over Parquet, and are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from engine.given import MAP

from pipeline.engine import passes

WEEK: dict[str, Any] = {"columns": {"week": "week"}}


def sales(stores: int = 30, skus: int = 12, weeks: int = 10) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = stores * skus * weeks
    number = np.arange(rows)
    return pd.DataFrame(
        {
            "store_id": (number % stores).astype(str),
            "sku_id": np.array([f"s{sku}" for sku in range(skus)])[number // stores % skus],
            "category": np.where(number // stores % skus < 5, "Bread", "Tea"),
            "week": number // (stores * skus) + 1,
            "sales_value": random.integers(-500, 5_000, rows) / 1_000,
        }
    ).sample(frac=1, random_state=1)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of passes of each table of sums."""
    counts: list[int] = []
    conditions = passes._conditions

    def counting(*arguments: Any) -> list[str]:
        of_passes = conditions(*arguments)
        counts.append(len(of_passes))
        return of_passes

    monkeypatch.setattr(passes, "_conditions", counting)
    return counts


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        (sales(), {}),
        (sales(), {"last_weeks": 9}),
        (sales(skus=2, stores=180), {}),
        (sales().assign(sales_value=lambda rows: rows["sales_value"] * 1e10), {}),
    ],
    ids=["plain", "of the last weeks", "more stores than SKUs", "amounts that floats do not sum exactly"],
)
def test_several_passes_give_the_sums_of_one(gather_internal, monkeypatch, counted, rows, settings) -> None:
    at_once = gather_internal(rows, MAP, **WEEK, **settings)
    assert set(counted) == {1}
    monkeypatch.setattr(passes.memory, "limit_of", lambda connection: 25_000)
    in_passes = gather_internal(rows, MAP, **WEEK, **settings)
    assert max(counted) > 4
    for name, table in at_once.items():
        pd.testing.assert_frame_equal(table, in_passes[name], check_exact=True)


def test_csv_is_read_once_whatever_the_limit(gather_internal, write, monkeypatch, counted) -> None:
    monkeypatch.setattr(passes.memory, "limit_of", lambda connection: 25_000)
    gather_internal([write("sales.csv", sales())], MAP, **WEEK)
    assert set(counted) == {1}
