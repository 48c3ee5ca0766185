"""Merging a category by itself, and joining the categories: the same as merging all of them at once."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.core.final.all_at_once import merge_and_finish
from pipeline.core.final.candidates import merge_category
from pipeline.core.final.final_clusters import finish
from pipeline.core.merging import merge
from pipeline.schema import CANDIDATES, TABLES
from pipeline.settings import Merging
from pipeline.storage.rows import to_arrow

QUICK = Merging(resamples=10, compare_methods=False)
STORES = [f"s{number:02d}" for number in range(60)]


def given(**effects: float) -> dict[str, pd.DataFrame]:
    """Categories in which the surroundings change the mix by these effects; a few stores are on one side only."""
    random = np.random.default_rng(3)
    around = random.integers(1, 4, len(STORES))
    inside, features = [], []
    for category, effect in effects.items():
        cluster = random.integers(1, 3, len(STORES))
        parts = np.eye(3)[cluster] + effect * np.eye(3)[around - 1] + random.random((len(STORES), 3)) * 0.3
        shares = parts / parts.sum(axis=1, keepdims=True)
        for store, own, row in zip(STORES[2:], cluster[2:], shares[2:], strict=True):
            inside.append((store, category, int(own), False))
            features += [(store, category, f"need {n}", float(np.sqrt(v)), float(v)) for n, v in enumerate(row)]
    outside = pd.DataFrame({"store_id": STORES, "income": around + np.round(random.random(len(STORES)), 3)})
    return {
        "internal_clusters": pd.DataFrame(inside, columns=["store_id", "category", "cluster", "is_held_out"]),
        "internal_features": pd.DataFrame(features, columns=["store_id", "category", "feature", "value", "share"]),
        "external_clusters": pd.DataFrame({"store_id": STORES, "cluster": around, "distance": 0.5}),
        "external_scaled_features": outside.melt(id_vars="store_id", var_name="feature"),
        "external_features": outside,
        "external_feature_report": pd.DataFrame({"feature": ["income"], "action": ["kept"]}),
    }


NOBODY = pd.DataFrame({name: pd.Series(dtype="str") for name in ("store_id", "category", "source", "reason")})
NO_OVERRIDES = pd.DataFrame({"store_id": [], "category": [], "cluster": [], "reason": []}).astype({"cluster": "int64"})


def of_category(tables: dict[str, pd.DataFrame], category: str, settings: Merging = QUICK) -> dict[str, pd.DataFrame]:
    own = {
        name: table[table["category"] == category] if "category" in table else table for name, table in tables.items()
    }
    return merge_category(**own, settings=settings)


def test_only_where_the_answer_is_open_a_category_has_a_result_for_both() -> None:
    tables = given(Bread=0.0, Tea=1.5)
    answers = {name: of_category(tables, name)["candidates"]["earns"].tolist() for name in ("Bread", "Tea")}
    assert answers == {"Bread": [False], "Tea": [False, True]}


def test_where_the_method_is_set_the_answer_makes_no_difference_and_there_is_one_result() -> None:
    settings = Merging(resamples=10, compare_methods=False, method="cross")
    assert of_category(given(Tea=1.5), "Tea", settings)["candidates"]["earns"].tolist() == [False]


def test_a_category_without_stores_has_empty_tables_that_can_be_published() -> None:
    made = of_category(given(Tea=1.5), "Coffee")
    assert set(made) == set(CANDIDATES)
    assert all(len(to_arrow(table, TABLES[name])) == 0 for name, table in made.items())


@pytest.mark.parametrize("method", ["auto", "internal", "cross", "nested"])
def test_the_categories_joined_are_the_categories_merged_at_once(method: str) -> None:
    tables: dict[str, Any] = given(Bread=0.0, Tea=1.5, Oil=0.4, Nuts=0.9)
    settings = Merging(resamples=10, method=method)  # type: ignore[arg-type]
    sides = {"internal_excluded": NOBODY, "external_excluded": NOBODY}
    joined = merge_and_finish(**tables, **sides, overrides=NO_OVERRIDES, settings=settings)
    described = ("external_features", "external_feature_report")
    at_once = merge(
        **{name: table for name, table in tables.items() if name not in described}, **sides, settings=settings
    )
    added = {"store_clusters": {"overridden": False}, "merged_clusters": {"name": ""}}
    for name, table in at_once.items():
        mine = joined[name].assign(**added.get(name, {}))
        arrow = partial(to_arrow, table=TABLES[name])
        assert arrow(mine).equals(arrow(table.assign(**added.get(name, {})))), name
    assert joined["external_contribution"]["earns"].any() == (at_once["external_contribution"]["earns"].any())
    assert {"Bread", "Tea", "Oil", "Nuts", "(none)"} == set(joined["merged_profiles"]["category"])


class OneAtATime:
    """A table by category that counts how many of its frames are in memory."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._rows = {str(name): rows for name, rows in table.groupby("category", sort=True)}
        self._nothing, self.categories = table.iloc[:0], list(self._rows)
        self._given: list[weakref.ref[pd.DataFrame]] = []
        self.most = 0

    def rows(self, category: str) -> pd.DataFrame:
        rows = self._rows.get(category, self._nothing).copy()
        self._given.append(weakref.ref(rows))
        gc.collect()
        self.most = max(self.most, sum(given() is not None for given in self._given))
        return rows


def test_the_stores_of_one_category_at_a_time_are_in_memory() -> None:
    tables = given(Bread=0.0, Tea=1.5, Oil=0.0, Rice=1.0, Salt=0.0)
    parts = [of_category(tables, name) for name in ("Bread", "Oil", "Rice", "Salt", "Tea")]
    each = {name: pd.concat([part[name] for part in parts]) for name in CANDIDATES}
    large = {name: OneAtATime(table) for name, table in each.items()}
    large |= {name: OneAtATime(tables.pop(name)) for name in ("internal_clusters", "internal_features")}
    overrides = pd.DataFrame({"store_id": ["s05"], "category": "Tea", "cluster": 1, "reason": "local"})
    others = {"internal_excluded": NOBODY, "external_excluded": NOBODY, "overrides": overrides, "settings": QUICK}
    final = finish(**large, **tables, **others)
    stores, written = 0, []
    for rows in final["store_clusters"]:  # each is written before the next is computed
        stores += len(rows)
        written.append(weakref.ref(rows))
        assert sum(frame() is not None for frame in written) <= 2
    assert stores == 5 * 58 + 2
    for name in ("candidate_store_clusters", "internal_clusters", "internal_features"):
        assert large[name].most <= 2, name  # one, and the one before it until the name is bound again
