"""Stores that are clustered, merged and made a model of, and what that model gives to others."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from pipeline.core.assigning import model
from pipeline.core.assigning.assign import assign
from pipeline.core.assigning.sales import NewSales, new_sales
from pipeline.core.external import clustering as external_clustering
from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.internal import clustering as internal_clustering
from pipeline.core.internal.preprocessing import preprocess
from pipeline.core.merging import merge
from pipeline.schema import TABLES, UNMAPPED
from pipeline.schema.assigning import ASSIGNMENTS
from pipeline.settings import (
    Assign,
    ExternalClustering,
    ExternalPreprocessing,
    InternalClustering,
    InternalPreprocessing,
    Merging,
)
from pipeline.settings.assigning import model_of
from pipeline.storage.rows import to_arrow

FAST: dict[str, Any] = {"resamples": 10, "null_resamples": 19}
MIXES = [[0.5, 0.2, 0.2, 0.095, 0.005], [0.2, 0.5, 0.2, 0.095, 0.005], [0.2, 0.2, 0.5, 0.095, 0.005]]
NEEDS = ("a", "b", "c", "d", "seldom")


def group(store: str) -> int:
    return int(store[1:]) % 3


def sold(stores: list[str], category: str, seed: int, small: int = 0, lacking: tuple[int, ...] = ()) -> pd.DataFrame:
    """Sales of stores whose mix is that of their group, with some that are not mapped; every `small`th store sells little. The last group lacks
    these need states."""
    random = np.random.default_rng(seed)
    rows = []
    for number, store in enumerate(stores):
        baskets, price = (25, 250) if small and number % small == 0 else (100_000, 1)
        cents = price * random.multinomial(baskets, random.dirichlet(np.array(MIXES[group(store)]) * 60.0))
        if group(store) == len(MIXES) - 1:
            cents[list(lacking)] = 0
        rows += [(store, category, need, int(one)) for need, one in zip(NEEDS, cents, strict=True) if one]
        rows.append((store, category, UNMAPPED, cents.sum() // 25))
    return pd.DataFrame(rows, columns=["store_id", "category", "need_state", "sales_cents"])


def surroundings(stores: list[str], seed: int, told: bool = True) -> pd.DataFrame:
    """Outside data that says a store's group, or that says nothing of it."""
    random = np.random.default_rng(seed)
    groups = np.array([group(store) for store in stores]) if told else random.integers(0, 3, len(stores))
    frame = pd.DataFrame(
        {
            "store_id": stores,
            "income": 100.0 + 30.0 * groups + random.normal(0, 6.0, len(stores)),
            "people": np.floor(np.exp(random.normal(6 + groups, 0.4))),
            "kind": np.array(["city", "town", "village"])[groups],
            "parking": np.array(["no", "yes"])[(groups == 1).astype(int)],
        }
    )
    frame.loc[::17, "income"] = np.nan
    return frame


CATEGORIES = ("Bread", "Tea")
STORES = [f"s{number:03d}" for number in range(60)]


NEEDED = sorted(model.build.__annotations__.keys() - {"settings", "return"})


class Fitted(msgspec.Struct, frozen=True):
    """What was published, and the model of it; as read back from Parquet."""

    tables: dict[str, Any]
    model: dict[str, Any]
    sales: Any
    offered: Any
    settings: Any = None


def published(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """As the next stage reads it: rounded and sorted."""
    from pipeline.storage.rows import to_frame

    return to_frame(to_arrow(frame, TABLES[name]), TABLES[name])


@functools.cache
def outside(told: bool) -> dict[str, Any]:
    """The external side, and what it was made of."""
    offered = surroundings(STORES, 3 if told else 4, told)
    around = external_preprocessing.preprocess(
        features=offered,
        ignored=pd.DataFrame({"feature": [], "reason": []}, dtype=object),
        labels=pd.DataFrame({"store_id": [], "label": [], "value": []}, dtype=object),
        settings=ExternalPreprocessing(max_correlation=1.0, missing_indicators=True),
    )
    tables = {name: published(name, around[name]) for name in ("external_features", "external_feature_report")}
    settings = ExternalClustering(k=3, weights={"kind": 0.5, "income": 2.0}, **FAST)
    made = external_clustering.cluster(external_features=tables["external_features"], settings=settings)
    tables |= {name: published(name, frame) for name, frame in made.items()}
    return {"offered": offered, "excluded": around["excluded_stores"], "settings": settings, "tables": tables}


@functools.cache
def fitted(
    told: bool = True,
    outliers: str = "none",
    small: int = 0,
    held_out: tuple[str, ...] = (),
    weights: bool = True,
    lacking: tuple[int, ...] = (),
) -> Fitted:
    """Two categories and the outside data, clustered, merged and made a model of; every `small`th store sells little."""
    internal = InternalClustering(k=3, outliers=outliers, weights={"a": 1.5, "d": 0.0} if weights else {}, **FAST)
    around = outside(told)
    sales = pd.concat(
        [sold(STORES, "Bread", 1, small, lacking), sold(STORES[:40], "Tea", 2, small, lacking)], ignore_index=True
    )
    none = pd.DataFrame({"store_id": pd.Series(dtype=object)})
    inside = preprocess(sales=sales, unchosen_stores=none, settings=InternalPreprocessing())
    by_need = published("sales_by_need_state", inside["sales_by_need_state"])
    parts = [
        internal_clustering.cluster_category(sales_by_need_state=rows, settings=internal, held_out=held_out)
        for _, rows in by_need.groupby("category")
    ]
    tables = {name: published(name, pd.concat([part[name] for part in parts])) for name in parts[0]}
    tables |= around["tables"] | {"sales_by_need_state": by_need}
    merged = merge(
        **{name: tables[name] for name in ("internal_clusters", "internal_features", "external_clusters",
           "external_scaled_features")},
        internal_excluded=inside["excluded_stores"],
        external_excluded=around["excluded"],
        settings=Merging(compare_methods=False),
    )  # fmt: skip
    tables["store_clusters"] = published("store_clusters", merged["store_clusters"].assign(overridden=False))
    settings = model_of(Assign(), internal, around["settings"])
    built = model.build(**{name: tables[name] for name in NEEDED}, settings=settings)
    made = {name: published(name, frame) for name, frame in built.items()}
    return Fitted(tables, made, sales, around["offered"], settings)


def placed(
    of: Fitted, sales: pd.DataFrame | None = None, offered: pd.DataFrame | None = None, settings: Assign | None = None
) -> pd.DataFrame:
    """What the model gives stores, from their sales and surroundings."""
    none = pd.DataFrame({"store_id": pd.Series(dtype=object)})
    given = of.sales.iloc[:0] if sales is None else sales
    inside = new_sales(given, none, set(CATEGORIES), InternalPreprocessing(max_unmapped_share=1.0))
    return assigned(of, inside, offered, settings)


def assigned(
    of: Fitted, inside: NewSales, offered: pd.DataFrame | None = None, settings: Assign | None = None
) -> pd.DataFrame:
    """What the model gives stores, from their sales as they were preprocessed."""
    found = assign(
        model=of.model,
        store_clusters=of.tables["store_clusters"],
        sales_by_need_state=inside.sales_by_need_state,
        excluded_stores=inside.excluded_stores,
        features=offered,
        settings=settings or Assign(),
    )
    to_arrow(found, ASSIGNMENTS)  # it is what its description says
    return found


def own_cluster_back(of: Fitted) -> pd.Series:
    """Of every fitted store and category, whether its own sales give it the cluster that was published."""
    own = of.tables["internal_clusters"].query("not is_outlier")
    found = placed(of, of.sales).merge(own[["store_id", "category", "cluster", "margin"]], on=["store_id", "category"])
    assert len(found) == len(own)
    assert set(found["method"]) == {"mix"}
    return (found["internal_cluster"] == found["cluster_y"]).set_axis(found["margin_y"])
