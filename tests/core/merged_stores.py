"""What both sides say of stores, and what merging makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline import tasks
from pipeline.core.merging import merge
from pipeline.core.merging.crossing import cross
from pipeline.core.merging.outcome import outcome
from pipeline.core.merging.stores import CategoryStores, floor_of
from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.settings import Merging
from pipeline.storage.rows import to_arrow

Features = tuple[float, ...]


@dataclass
class Given:
    """What both sides know: clusters with features by store, and exclusions."""

    inside: dict[str, dict[str, tuple[int, Features]]] = field(default_factory=dict)
    outside: dict[str, tuple[int, Features]] = field(default_factory=dict)
    inside_excluded: list[tuple[str, str]] = field(default_factory=list)
    outside_excluded: list[str] = field(default_factory=list)

    def tables(self) -> dict[str, pd.DataFrame]:
        inside = [(s, c, *known) for c, stores in self.inside.items() for s, known in stores.items()]
        outside = [(store, *known) for store, known in self.outside.items()]
        return {
            "internal_clusters": clusters([(s, c) for s, c, _, _ in inside], [k for _, _, k, _ in inside], 2),
            "internal_features": frame(
                ["store_id", "category", "feature", "value"],
                [(s, c, f"need {i}", v) for s, c, _, values in inside for i, v in enumerate(values)],
            ),
            "internal_excluded": excluded([(*pair, "internal_sales") for pair in self.inside_excluded]),
            "external_clusters": clusters([(s,) for s, _, _ in outside], [k for _, k, _ in outside], 1),
            "external_scaled_features": frame(
                ["store_id", "feature", "value"],
                [(s, f"feature {i}", v) for s, _, values in outside for i, v in enumerate(values)],
            ),
            "external_excluded": excluded([(store, NO_CATEGORY, "external") for store in self.outside_excluded]),
        }

    def merge(self, **chosen: object) -> dict[str, pd.DataFrame]:
        quick = {"method": "cross", "compare_methods": False, "resamples": 10}
        return checked(merge(**self.tables(), settings=Merging(**quick | chosen)))

    def stores(self, category: str = "Bread") -> CategoryStores:
        """The stores of a category, as merging has them."""
        inside = self.inside[category]
        width = len(next(iter(self.outside.values()), (0, ()))[1])
        outside = [self.outside.get(store, (0, (0.0,) * width)) for store in inside]
        found = CategoryStores(
            category,
            np.array(list(inside), dtype=object),
            np.array([cluster for cluster, _ in inside.values()]),
            np.array([cluster for cluster, _ in outside]),
            np.array([values for _, values in inside.values()], dtype=float),
            np.array([values for _, values in outside], dtype=float).reshape(len(inside), width),
        )
        return found.in_order_of_values()

    def cross(self, **chosen: object) -> dict[str, pd.DataFrame]:
        """The crossing of a category, also where it has few stores for one."""
        stores, told = self.stores(), Merging(**chosen)
        space, floor = stores.space(told), floor_of(told, len(stores.store_id))
        made = outcome(stores, space, cross(stores, space, floor), floor, "")._asdict()
        del made["cluster"]
        return {name: table.sort_values(list(TABLES[name].key), ignore_index=True) for name, table in made.items()}


def frame(columns: list[str], rows: list[tuple]) -> pd.DataFrame:
    """Text as str and numbers as floats, also without rows, as `tables.read` gives them."""
    found = pd.DataFrame(rows, columns=columns)
    return found.astype({name: "float64" if name == "value" else "str" for name in columns})


def clusters(keys: list[tuple[str, ...]], numbers: list[int], width: int) -> pd.DataFrame:
    found = frame(["store_id", "category"][:width], keys)
    found["cluster"] = np.array(numbers, dtype="int64")
    found["distance"] = np.arange(len(keys)) / 8
    found["is_held_out"] = False
    found["next_cluster"] = pd.array([None] * len(keys), dtype="Int64")
    return found


def excluded(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return frame(["store_id", "category", "source", "reason"], [(*row, "a reason") for row in rows])


def checked(merged: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables as given, once they were seen to be what the schema says, and sorted."""
    assert set(merged) == set(tasks.Merging.tables) - {"merged_profiles", "cluster_numbers", "overrides_applied"}
    for name, found in merged.items():
        found = found.assign(name="") if name == "merged_clusters" else found  # names are given afterwards
        found = found.assign(overridden=False) if name == "store_clusters" else found  # as are overrides
        assert set(found.columns) == {column.name for column in TABLES[name].columns}
        key = list(TABLES[name].key)
        pd.testing.assert_frame_equal(found, found.sort_values(key, ignore_index=True))
        to_arrow(found, TABLES[name])  # no null where there may be none, no key twice
    return merged


def rows(table: pd.DataFrame, *columns: str) -> list[tuple]:
    """Rows as tuples of plain values; None for null."""
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table[list(columns)].astype(object).itertuples(index=False)
    ]


def in_category(**stores: tuple[int, Features]) -> dict[str, dict[str, tuple[int, Features]]]:
    return {"Bread": stores}
