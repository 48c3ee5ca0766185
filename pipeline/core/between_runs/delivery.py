"""What the raw files of a load held, in short: what one load is compared with the next by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import pandas as pd

from pipeline.schema import ALL_CATEGORIES, ALL_WEEKS, NO_CATEGORY, UNMAPPED


class SalesRow(NamedTuple):
    """A row of `delivered_sales`."""

    category: str
    week: str
    unit: str
    position: int | None
    cents: int
    stores: int | None


class Feature(NamedTuple):
    """A row of `delivered_features`, without its name."""

    stores: int
    content: str


class Delivery(msgspec.Struct, frozen=True):
    """What the raw files of a load held.

    Attributes
    ----------
    settings : by source, a hash of the settings that say how it is read
    files : by source, how many files it has
    sales : the rows of `delivered_sales`
    stores : cents by store of the sales
    outside_stores : the stores of the outside data
    features : by column of the outside data
    need_states : cents by category and need state, without SKUs that have none; empty where the mix is over SKUs
    unmapped : share of the sales without a need state, by category, 0..1
    """

    settings: dict[str, str]
    files: dict[str, int]
    sales: list[SalesRow]
    stores: dict[str, int]
    outside_stores: list[str]
    features: dict[str, Feature]
    need_states: dict[str, dict[str, int]]
    unmapped: dict[str, float]


def delivery(
    *,
    settings: Mapping[str, str],
    files: Mapping[str, int],
    over_need_states: bool,
    delivered_sales: pd.DataFrame,
    delivered_stores: pd.DataFrame,
    delivered_features: pd.DataFrame,
    sales_by_need_state: Iterable[pd.DataFrame],
    need_state_coverage: pd.DataFrame,
    external_features: pd.DataFrame,
    external_excluded: pd.DataFrame,
) -> Delivery:
    """A load's delivery from its tables.

    Parameters
    ----------
    settings, files : as in `Delivery`
    over_need_states : whether the sales mix is over need states or attributes, and not over SKUs
    delivered_sales to external_features : the tables of these names in `pipeline.schema`; of sales_by_need_state parts of whole categories
    external_excluded : the table `excluded_stores` of the outside data
    """
    need_states: dict[str, dict[str, int]] = {}
    for part in sales_by_need_state if over_need_states else ():
        mapped = part[part["need_state"] != UNMAPPED]
        for (category, name), value in (
            mapped.groupby(["category", "need_state"], sort=True)["sales_cents"].sum().items()
        ):
            need_states.setdefault(str(category), {})[str(name)] = int(value)
    sales = delivered_sales.sort_values(["category", "week"])
    features = delivered_features.sort_values("feature")
    return Delivery(
        settings=dict(settings),
        files=dict(files),
        sales=[
            SalesRow(
                str(row.category),
                str(row.week),
                str(row.unit),
                _whole(row.ordinal),
                int(row.sales_cents),
                _whole(row.stores),
            )
            for row in sales.itertuples(index=False)
        ],
        stores=_by_name(delivered_stores, "store_id", "sales_cents"),
        outside_stores=sorted({*map(str, external_features["store_id"]), *map(str, external_excluded["store_id"])}),
        features={
            str(row.feature): Feature(int(row.stores), str(row.content)) for row in features.itertuples(index=False)
        },
        need_states=dict(sorted(need_states.items())),
        unmapped={
            str(row.category): round(float(row.unmapped_share), 6)
            for row in need_state_coverage.sort_values("category").itertuples(index=False)
        },
    )


def _by_name(frame: pd.DataFrame, name: str, value: str) -> dict[str, int]:
    return {str(key): int(number) for key, number in zip(frame[name], frame[value], strict=True)}


def _whole(value: object) -> int | None:
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]


class Sales:
    """The sales of a delivery by category and week.

    Attributes
    ----------
    unit : what positions count; empty where weeks are not known
    weeks : the week of each position, in order
    by_week : cents by category and position; empty where a category's weeks are not known
    all_by_week : cents of all categories together by position
    stores_by_week : stores with a row by position
    totals : cents by category
    """

    def __init__(self, delivery: Delivery) -> None:
        self.unit = next((row.unit for row in delivery.sales if row.unit), "")
        self.weeks: dict[int, str] = {}
        self.by_week: dict[str, dict[int, int]] = {}
        self.all_by_week: dict[int, int] = {}
        self.stores_by_week: dict[int, int] = {}
        self.totals: dict[str, int] = {}
        for row in sorted(delivery.sales, key=lambda row: row.position or 0):
            if row.category == ALL_CATEGORIES and row.position is not None:
                self.weeks[row.position] = row.week
                self.all_by_week[row.position] = row.cents
                self.stores_by_week[row.position] = row.stores or 0
            elif row.position is not None:
                self.by_week.setdefault(row.category, {})[row.position] = row.cents
        for row in delivery.sales:
            if row.category not in (ALL_CATEGORIES, NO_CATEGORY) and (
                row.week == ALL_WEEKS or row.category in self.by_week
            ):
                self.totals[row.category] = self.totals.get(row.category, 0) + row.cents

    @property
    def all(self) -> int:
        """The cents of all categories whose sales are positive; at least 1."""
        return max(sum(max(cents, 0) for cents in self.totals.values()), 1)

    def share(self, category: str) -> float:
        """A category's share of the sales, 0..1; 0 where it is not there."""
        return max(self.totals.get(category, 0), 0) / self.all
