"""How many stores keep their cluster's number where one in twenty sells something else altogether, and a reference is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.quality.methods import prepared
from benchmarks.quality.planted import PlantedSet, planted
from pipeline.core.internal.clustering import cluster_category
from pipeline.settings import InternalClustering

if TYPE_CHECKING:
    from collections.abc import Iterable

CHANGED = 0.05  # of the stores
ENOUGH = 0.95  # of the others should keep their number


class Kept(NamedTuple):
    """Of a level: over its sets, the mean share of the unchanged stores that keep their number, and in how many that is enough."""

    level: str
    sets: int
    share: float
    enough: int


def kept(levels: Iterable[str], seeds: Iterable[int], ks: Iterable[int]) -> list[Kept]:
    """Of each level, with the defaults."""
    found = []
    sets = [(seed, k) for seed in seeds for k in ks]
    for level in levels:
        with threadpool_limits(1):
            shares = [_share(planted(level=level, k=k, seed=seed), seed) for seed, k in sets]
        found.append(Kept(level, len(shares), float(np.mean(shares)), sum(share >= ENOUGH for share in shares)))
    return found


def _share(given: PlantedSet, seed: int) -> float:
    random = np.random.default_rng([seed, 5])
    stores = given.truth.index.to_numpy()
    changed = random.choice(stores, int(CHANGED * len(stores)), replace=False)
    settings = InternalClustering()
    before = cluster_category(sales_by_need_state=prepared(given), settings=settings)
    after = given._replace(sales=_changed(given.sales, changed, random))
    now = cluster_category(
        sales_by_need_state=prepared(after),
        settings=settings,
        reference_clusters=before["internal_clusters"],
        reference_verdicts=before["internal_verdicts"],
    )
    numbers = [found["internal_clusters"].set_index("store_id")["cluster"] for found in (before, now)]
    others = np.setdiff1d(stores, changed)
    return float((numbers[0].loc[others] == numbers[1].loc[others]).mean())


def _changed(sales: pd.DataFrame, stores: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """The sales, those of these stores dealt out anew over their need states."""
    wide = sales.pivot_table(index="store_id", columns="need_state", values="sales_cents", fill_value=0)
    wide.loc[stores] = random.permuted(wide.loc[stores].to_numpy(), axis=1)
    long = wide.reset_index().melt("store_id", var_name="need_state", value_name="sales_cents")
    return long[long["sales_cents"] > 0].assign(category="Planted").astype({"sales_cents": "int64"})
