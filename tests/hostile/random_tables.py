"""Random tables as `core` is given them: sound ones of a few stores, each with some twists that are hard.

Hypothesis draws the size, the twists and the settings, so that what fails is made smaller; the numbers themselves come from a
seed. A few twists (`FATAL`) are refused by a documented error; the others have a documented outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from pipeline.schema import UNMAPPED
from pipeline.settings import (
    ChainClustering,
    ExternalClustering,
    ExternalPreprocessing,
    InternalClustering,
    InternalPreprocessing,
    Merging,
)

HARD_STORES = [
    "007",
    "NA",
    "None",
    "é",
    "<b>",
    "a b",
    "=1+1",
    "../x",
    "x" * 300,
    "'",
    '"; DROP TABLE',
    "true",
    "\u202ea",
]
HARD_CATEGORIES = ["bread", "NULL", "=1+1", "../../x"]
HARD_NEEDS = ["true", "ü", "(rare)x", "a=b", "nan"]
HARD_FEATURES = ["income=high", "<i>", "NaN", "ü"]
FAST = {"resamples": 10, "null_resamples": 19}


@dataclass
class Tables:
    """What goes into `core`: sales by need state in cents, features of the surroundings, overrides, and the settings."""

    sales: pd.DataFrame
    features: pd.DataFrame
    closed: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    overrides: list[tuple[str, str, int]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


Twist = Callable[[Tables, np.random.Generator], None]


def of_a_store(change: Callable[[pd.Series, np.random.Generator], pd.Series]) -> Twist:
    """A change of the sales of one store, in all of its categories."""

    def twist(tables: Tables, rng: np.random.Generator) -> None:
        mine = tables.sales["store_id"] == rng.choice(tables.sales["store_id"].unique())
        tables.sales.loc[mine, "sales_cents"] = change(tables.sales.loc[mine, "sales_cents"], rng)

    return twist


def of_a_category(change: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]) -> Twist:
    """A change of the rows of one category."""

    def twist(tables: Tables, rng: np.random.Generator) -> None:
        mine = tables.sales["category"] == rng.choice(tables.sales["category"].unique())
        tables.sales = pd.concat([tables.sales[~mine], change(tables.sales[mine].copy(), rng)], ignore_index=True)

    return twist


def of_some_cells(value: Callable[[pd.Series], Any]) -> Twist:
    """A change of one row of the sales in six."""

    def twist(tables: Tables, rng: np.random.Generator) -> None:
        some = rng.random(len(tables.sales)) < 1 / 6
        tables.sales.loc[some, "sales_cents"] = value(tables.sales.loc[some, "sales_cents"])

    return twist


def of_a_feature(change: Callable[[np.ndarray, np.random.Generator], Any]) -> Twist:
    """One more feature, made of the first one."""

    def twist(tables: Tables, rng: np.random.Generator) -> None:
        values = change(tables.features["x"].to_numpy(dtype="float64"), rng)
        tables.features[f"more {tables.features.shape[1]}"] = values

    return twist


def one_store(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return rows[rows["store_id"] == rng.choice(rows["store_id"])]


def one_need_state(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return rows[rows["need_state"] == rng.choice(rows["need_state"])]


def alike(rows: pd.DataFrame, _rng: np.random.Generator) -> pd.DataFrame:
    return rows.assign(sales_cents=rows.groupby("need_state")["sales_cents"].transform("first"))


def renamed(column: str, names: list[str]) -> Twist:
    """Hard names for some keys of the sales, and for the stores in the outside data."""

    def twist(tables: Tables, rng: np.random.Generator) -> None:
        present = sorted(set(tables.sales[column]) - {UNMAPPED})
        drawn = rng.permutation(names)[: len(present)]
        new = dict(zip(rng.permutation(present), (str(name) for name in drawn), strict=False))
        tables.sales[column] = tables.sales[column].replace(new)
        if column == "store_id":
            tables.features[column] = tables.features[column].replace(new)

    return twist


def feature_names(tables: Tables, rng: np.random.Generator) -> None:
    tables.features = tables.features.rename(columns={"y": str(rng.choice(HARD_FEATURES))})


def unknown_outside(tables: Tables, rng: np.random.Generator) -> None:
    kept = rng.random(len(tables.features)) < 0.5
    kept[0] = True
    tables.features = tables.features[kept].reset_index(drop=True)


def known_outside_only(tables: Tables, _rng: np.random.Generator) -> None:
    gone = sorted(tables.sales["store_id"].unique())[1::3]
    tables.sales = tables.sales[~tables.sales["store_id"].isin(gone)].reset_index(drop=True)


def nothing_known(tables: Tables, rng: np.random.Generator) -> None:
    features = [name for name in tables.features if name != "store_id"]
    row = rng.integers(len(tables.features))
    for name in features:
        tables.features.loc[row, name] = None if tables.features[name].dtype == object else np.nan


def one_store_in_all(tables: Tables, _rng: np.random.Generator) -> None:
    first = tables.sales["store_id"].iloc[0]
    tables.sales = tables.sales[tables.sales["store_id"] == first].reset_index(drop=True)


def no_store_in_common(tables: Tables, _rng: np.random.Generator) -> None:
    tables.features["store_id"] = "outside " + tables.features["store_id"]


def constant_features(tables: Tables, _rng: np.random.Generator) -> None:
    tables.features = tables.features[["store_id"]].assign(x=1.0)


def levels(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    found = rng.choice(np.array(["city", "land", "NaN", ""], dtype=object), len(values))
    found[rng.random(len(values)) < 0.1] = None
    return found


TWISTS: dict[str, Twist] = {
    "a store of returns only": of_a_store(lambda cents, _: -cents.abs()),
    "a store of zeros": of_a_store(lambda cents, _: cents * 0),
    "a store whose sales cancel": of_a_store(lambda cents, _: cents.abs() * np.resize([1, -1], len(cents))),
    "a store of one need state": of_a_store(lambda cents, _: cents.where(cents.index == cents.index[0], 0)),
    "a giant": of_a_store(lambda cents, _: cents * 10**8),
    "cells of zero": of_some_cells(lambda cents: 0),
    "cells of a cent": of_some_cells(lambda cents: 1),
    "returns": of_some_cells(lambda cents: -(cents.abs() // 50)),
    "a category of returns": of_a_category(lambda rows, _: rows.assign(sales_cents=-rows["sales_cents"].abs())),
    "a category of one store": of_a_category(one_store),
    "a category of one need state": of_a_category(one_need_state),
    "identical stores": of_a_category(alike),
    "a category unmapped": of_a_category(lambda rows, _: one_need_state(rows, _).assign(need_state=UNMAPPED)),
    "one store in all": one_store_in_all,
    "names of stores": renamed("store_id", HARD_STORES),
    "names of categories": renamed("category", HARD_CATEGORIES),
    "names of need states": renamed("need_state", HARD_NEEDS),
    "names of features": feature_names,
    "stores unknown outside": unknown_outside,
    "stores known outside only": known_outside_only,
    "a store of which nothing is known": nothing_known,
    "a constant feature": of_a_feature(lambda values, _: np.full(len(values), 7.0)),
    "a feature without values": of_a_feature(lambda values, _: np.full(len(values), np.nan)),
    "a feature with gaps": of_a_feature(lambda values, rng: np.where(rng.random(len(values)) < 0.3, np.nan, values**2)),
    "a feature twice": of_a_feature(lambda values, _: 2 * values),
    "huge values": of_a_feature(lambda values, _: np.where(values > np.median(values), 1e100, -1e100)),
    "tiny values": of_a_feature(lambda values, _: values * 1e-300),
    "one that is far off": of_a_feature(lambda values, _: np.where(values == values.max(), 1e100, values)),
    "counts": of_a_feature(lambda values, rng: rng.poisson(0.5, len(values)).astype(float) ** 4),
    "a flag": of_a_feature(lambda values, rng: rng.integers(0, 2, len(values)).astype(float)),
    "zeros of both signs": of_a_feature(lambda values, rng: rng.choice([0.0, -0.0, 1.0], len(values))),
    "levels": of_a_feature(levels),
    "a text per store": of_a_feature(lambda values, _: np.array([f"n{n}" for n in range(len(values))], dtype=object)),
}
FATAL: dict[str, Twist] = {
    "no store in common": no_store_in_common,
    "constant features": constant_features,
}


def sound(rng: np.random.Generator, stores: int, categories: int, needs: int) -> Tables:
    """Stores of two kinds, by their mix and by their surroundings; a few sell not everything."""
    names = [str(n) for n in range(1, stores + 1)]
    kind = rng.integers(0, 2, stores)
    rows = []
    for c, category in enumerate(["Bread", "Coffee", "Tea & Cocoa"][:categories]):
        mixes = rng.dirichlet(np.ones(needs), 2)
        mixes[1] = mixes[0] if rng.random() < 0.3 else mixes[1]  # no structure
        sold = rng.dirichlet(np.ones(needs) * 30, stores) * mixes[kind]
        sizes = rng.lognormal(9, 1, stores)
        cents = np.round(sold * sizes[:, None]).astype("int64") + 1
        states = [f"need {n}" for n in range(needs - 1)] + [
            "need z" if c else UNMAPPED if rng.random() < 0.3 else "need z"
        ]
        rows += [
            (store, category, state, int(cents[s, n]))
            for s, store in enumerate(names)
            if s == 0 or rng.random() > 0.05
            for n, state in enumerate(states)
        ]
    sales = pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"])
    x = kind * rng.choice([0.0, 8.0]) + rng.normal(0, 1, stores)
    features = pd.DataFrame({"store_id": names, "x": x.round(3), "y": rng.normal(50, 20, stores).round(2)})
    return Tables(sales, features)


@st.composite
def settings(draw: st.DrawFn) -> dict[str, Any]:
    """Settings of every section; those that cost little, mostly."""
    seldom = st.sampled_from(["none"] * 11 + ["isolation_forest"])
    axis_tiers = st.sampled_from([None, None, 2, 4])
    k = st.sampled_from([None, None, None, 1, 2, 5])
    shared = st.fixed_dictionaries(
        {
            "axis_tiers": axis_tiers,
            "k": k,
            "outliers": seldom,
            "k_max": st.integers(2, 3),
            "min_cluster_size": st.integers(1, 4),
        }
    )
    inside, outside, chain = draw(shared), draw(shared), draw(shared)
    weights = draw(st.sampled_from([{}, {}, {}, {"need 0": 0.0}, {"need 0": 1000.0, "need 1": 0.5}]))
    own = draw(st.sampled_from([None, {"k": 3}, {"axis_tiers": 3}, {"min_need_state_share": 0.4}]))
    only = {} if own is None else {"Bread": InternalClustering.CategorySettings(**own)}
    return {
        "preprocessing": InternalPreprocessing(
            max_unmapped_share=draw(st.sampled_from([1.0] * 29 + [0.2])),
            max_clipped_share=draw(st.sampled_from([0.1, 0.5, 1.0])),
            unmapped=draw(st.sampled_from(["keep"] * 16 + ["drop"] * 12 + ["error"])),
        ),
        "internal": InternalClustering(
            volume_tiers=draw(st.sampled_from([1, 3, 20])),
            weights=weights,
            category=only,
            **inside,
            **FAST,
        ),
        "chain": ChainClustering(
            max_features=draw(st.sampled_from([1, 4, 300])),
            min_coverage=draw(st.sampled_from([0.0, 0.5, 1.0])),
            **chain,
            **FAST,
        ),
        "outside": ExternalPreprocessing(
            imputation=draw(st.sampled_from(["median", "mean"])), missing_indicators=draw(st.booleans())
        ),
        "external": ExternalClustering(
            scaling=draw(st.sampled_from(["robust", "standard", "minmax"])),
            weights=draw(st.sampled_from([{}, {}, {}, {"x": 0.0}, {"x": 1000.0}])),
            **outside,
            **FAST,
        ),
        "merging": Merging(
            method=draw(st.sampled_from(["auto", "cross", "nested", "internal"])),
            internal_weight=draw(st.sampled_from([0.6, 0.6, 0.0, 1.0])),
            min_cluster_size=draw(st.integers(1, 5)),
            resamples=10,
            compare_methods=draw(st.sampled_from([False] * 9 + [True])),
        ),
    }


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """Sound tables with up to four twists, seldom a fatal one; closed, held-out and overridden stores."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found = sound(rng, draw(st.integers(3, 20)), draw(st.integers(1, 2)), draw(st.integers(2, 4)))
    for name in draw(st.lists(st.sampled_from(list(TWISTS)), max_size=4, unique=True)):
        TWISTS[name](found, rng)
    if draw(st.sampled_from([False] * 49 + [True])):
        FATAL[draw(st.sampled_from(list(FATAL)))](found, rng)
    found.settings = draw(settings())
    stores = sorted(found.sales["store_id"].unique())
    found.closed = draw(st.sampled_from([(), (), tuple(stores[-1:]), (*stores[1::4], "nobody")]))
    found.held_out = draw(st.sampled_from([(), (), tuple(stores[:2]), tuple(stores), ("nobody",)]))
    if draw(st.booleans()):
        pairs = found.sales[["store_id", "category"]].drop_duplicates().iloc[:: draw(st.integers(1, 9))]
        cluster = draw(st.sampled_from([1] * 29 + [2]))
        found.overrides = [(store, category, cluster) for store, category in pairs.itertuples(index=False)]
    return found
