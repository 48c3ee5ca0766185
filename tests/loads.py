"""Loads of raw files that differ in something, for the tests of what did not arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from pipeline.core.between_runs.delivery import Delivery, delivery
from pipeline.core.external import preprocessing as outside
from pipeline.core.internal import preprocessing as inside
from pipeline.engine import external, internal
from pipeline.settings import Engine, ExternalPreprocessing, InternalPreprocessing, Sources

SHARES = {"Bread": 0.40, "Coffee": 0.24, "Milk": 0.20, "Tea": 0.155, "Candles": 0.005}  # of the sales
STORES = 38


@dataclass(frozen=True)
class Raw:
    """The raw files of a load: sales in rows, the need states of SKUs, features of stores."""

    sales: pd.DataFrame
    needs: pd.DataFrame
    external: pd.DataFrame
    files: int = 1

    def but(self, **changes: pd.DataFrame | int) -> Raw:
        """The same with other frames."""
        return replace(self, **changes)


def raw(last_week: int = 12, seed: int = 0) -> Raw:
    """Sales of 38 stores in five categories, in weeks 202501 to `last_week`, sorted by week as an extract is."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, 0.3, STORES)
    rows, needs = [], []
    for number, category in enumerate(SHARES):
        needs += [{"SKU": 100 * number + sku, "CAT": category, "NEED": f"need {sku // 2}"} for sku in range(8)]
    for week in range(1, last_week + 1):
        of_week = np.random.default_rng((seed, week))
        season = 1 + 0.05 * np.sin(week)
        for store in range(STORES):
            for number, (category, share) in enumerate(SHARES.items()):
                for sku in range(8):
                    value = 10_000 * share * size[store] * season / (sku + 2) * of_week.uniform(0.9, 1.1)
                    rows.append((202500 + week, store + 1, 100 * number + sku, category, round(value, 2)))
    sales = pd.DataFrame(rows, columns=["WEEK", "STORE", "SKU", "CAT", "SALES"])
    external = pd.DataFrame(
        {"STORE": range(1, STORES + 1), "INCOME": rng.normal(40, 9, STORES), "AGE": rng.normal(40, 5, STORES)}
    )
    return Raw(sales, pd.DataFrame(needs), external)


def sources(*, weeks: bool = True) -> Sources:
    """How the raw files of `raw` are read."""
    columns = {"store_id": "STORE", "sku_id": "SKU", "category": "CAT", "sales_value": "SALES"}
    return msgspec.convert(
        {
            "internal_sales": {"path": "sales.parquet", "columns": columns | ({"week": "WEEK"} if weeks else {})},
            "need_states": {"path": "needs.csv", "columns": {"sku_id": "SKU", "category": "CAT", "need_state": "NEED"}},
            "external": [{"path": "external.parquet", "columns": {"store_id": "STORE"}}],
        },
        Sources,
    )


def delivered(
    load: Raw,
    folder: Path,
    *,
    weeks: bool = True,
    choice: InternalPreprocessing | None = None,
    settings: dict[str, str] | None = None,
) -> Delivery:
    """What the pipeline says of these raw files: read by the engine, preprocessed, and put in short."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (("sales", load.sales), ("external", load.external)):
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    load.needs.to_csv(folder / "needs.csv", index=False)
    files = {"internal_sales": [str(folder / "sales.parquet")], "need_states": [str(folder / "needs.csv")]}
    engine, read_as = Engine(spill_folder=str(folder / "spill")), sources(weeks=weeks)
    choice = choice or msgspec.convert({"max_unmapped_share": 1.0}, InternalPreprocessing)
    tables = inside.preprocess(**internal.gather(files, read_as, choice, engine), settings=choice)
    others = outside.preprocess(
        **external.gather({"external.0": [str(folder / "external.parquet")]}, read_as, engine),
        settings=ExternalPreprocessing(),
    )
    return delivery(
        settings=settings or dict.fromkeys(("internal_sales", "need_states", "external"), "same"),
        files={"internal_sales": load.files, "need_states": 1},
        over_need_states=True,
        external_excluded=others["excluded_stores"],
        sales_by_need_state=[tables["sales_by_need_state"]],
        **{
            name: (tables if name in tables else others)[name]
            for name in (
                "delivered_sales",
                "delivered_stores",
                "delivered_features",
                "need_state_coverage",
                "external_features",
            )
        },
    )


Change = Callable[[Raw], Raw]
