"""One category of the model, and the placement of a store in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.assigning.mixes import new_mixes
from pipeline.core.assigning.spaces import FARTHEST, Placement, Space, number_or_none, of_shares, place, softmax
from pipeline.errors import DataError
from pipeline.schema import NO_CLUSTER
from pipeline.settings import Assign
from pipeline.wording import counted

MIX, SURROUNDINGS, RULE = "mix", "external", "rule"
_FARTHER = f"farther from every centroid than {FARTHEST:.0%} of the stores that were fitted"


class Given(NamedTuple):
    """The internal cluster of a store, and how it was found; None for figures that the method does not have."""

    cluster: int
    method: str
    why: str
    distance: float | None = None
    margin: float | None = None
    probability: float | None = None
    too_far: bool = False
    final: int | None = None


class Outside(NamedTuple):
    """The n stores with outside data: their values (n, d) in the outside space, and their placement there."""

    rows: dict[str, int]
    values: NDArray[np.float64]
    placed: Placement
    features: list[str]
    notes: dict[str, str]


class CategoryModel:
    """One category of the model, which places stores."""

    def __init__(
        self,
        name: str,
        model: Mapping[str, pd.DataFrame],
        space: Space,
        store_clusters: pd.DataFrame,
        settings: Assign,
        like: dict[str, str],
    ) -> None:
        def own(table: str) -> pd.DataFrame:
            return model[table][model[table]["category"] == name]

        self._space = space
        self._settings = settings
        self._like = like
        self._need_states = own("model_need_states")
        self._facts = own("model_categories").iloc[0]
        self._clusters = own("model_clusters").set_index("cluster").sort_index()
        self._coefficients = own("model_coefficients")
        self._pairs = own("model_pairs")
        of_stores = store_clusters[store_clusters["category"] == name]
        pairs = zip(of_stores["internal_cluster"], of_stores["cluster"], strict=True)
        self.published = dict(zip(of_stores["store_id"], ((int(a), int(b)) for a, b in pairs), strict=True))
        self._finals: dict[tuple[int, int], tuple[int, str]] = {}

    # ---------------------------------------------------------------- the internal cluster

    def by_mix(
        self, sales: pd.DataFrame, excluded: Mapping[str, str], sold: Mapping[str, int]
    ) -> tuple[dict[str, Given], dict[str, str]]:
        """The stores that are placed by their mix; and for the other stores with sales, the reason why not."""
        mixes = new_mixes(sales, self._need_states, self._space.features)
        least, median = int(self._facts["min_sales_cents"]), int(self._facts["median_sales_cents"])
        without = {str(store): f"its mix is not used: {reason}" for store, reason in excluded.items()}
        without |= {
            store: f"its sales of {_money(cents)} are below {_money(least)}, {self._settings.min_sales_share:.0%} of the median store's"
            for store, cents in sold.items()
            if store not in without and cents < least
        }
        enough = [store for store in mixes.shares.index if store not in without]
        without |= dict.fromkeys(sold.keys() - set(enough) - without.keys(), "no sales of mapped SKUs")
        shares = mixes.shares.loc[enough]
        placed = place(self._space, of_shares(self._space, shares, mixes.totals))
        placements = {}
        for row, store in enumerate(enough):
            words = [f"its mix: sales of {_money(sold[store])}, the median store's are {_money(median)}"]
            if placed.too_far[row]:
                words.append(_FARTHER)
            if mixes.unseen[store] > 1e-9:  # more than a rounding error
                words.append(
                    f"{mixes.unseen[store]:.1%} of its mapped sales are left out: no store of the clusters sold these need states"
                )
            placements[str(store)] = Given(
                int(placed.cluster[row]),
                MIX,
                "; ".join(words),
                float(placed.distance[row]),
                number_or_none(placed.margin[row]),
                number_or_none(placed.probability[row]),
                bool(placed.too_far[row]),
            )
        return placements, without

    def otherwise(self, store: str, why: str, outside: Outside | None) -> Given:
        """The placement of a store that its mix does not place."""
        if len(self._clusters) == 1:
            return Given(int(self._clusters.index[0]), RULE, f"{why}; the category has one cluster")
        if outside is None or store not in outside.rows:
            why = f"{why}; its surroundings are not known"
        elif not self._facts["by_surroundings"]:
            why = f"{why}; its surroundings are not used: {self._facts['reason']}"
        else:
            return self._by_surroundings(store, why, outside)
        return self.BY_RULE[self._settings.otherwise](self, store, why)

    def _by_surroundings(self, store: str, why: str, outside: Outside) -> Given:
        scored = self._clusters.dropna(subset=["intercept"])
        wide = self._coefficients.pivot(index="cluster", columns="feature", values="coefficient")
        weights = wide.loc[scored.index, outside.features].to_numpy(dtype=np.float64)
        row = outside.rows[store]
        likely = softmax(outside.values[[row]] @ weights.T + scored["intercept"].to_numpy(dtype=np.float64))[0]
        best = int(likely.argmax())
        too_far = bool(outside.placed.too_far[row])
        words = [why, f"its surroundings: {self._facts['reason']}", *([_FARTHER] if too_far else [])]
        return Given(
            int(scored.index[best]), SURROUNDINGS, "; ".join(words), probability=float(likely[best]), too_far=too_far
        )

    def _like_store(self, store: str, why: str) -> Given:
        like = self._like.get(store)
        if like in self.published:
            internal, final = self.published[like]
            return Given(internal, RULE, f"{why}; as store {like}, which like_stores names", final=final)
        missing = "like_stores does not name it" if like is None else f"store {like} has no cluster in the category"
        return self._largest_cluster(store, f"{why}; {missing}")

    def _largest_cluster(self, _store: str, why: str) -> Given:
        cluster = int(self._clusters["stores"].idxmax())
        return Given(
            cluster,
            RULE,
            f"{why}; the largest cluster, {counted(int(self._clusters['stores'].max()), 'store', 'stores')}",
        )

    BY_RULE: ClassVar[Mapping[str, Callable[[CategoryModel, str, str], Given]]] = {
        "largest_cluster": _largest_cluster,
        "like_store": _like_store,
    }

    # ---------------------------------------------------------------- the final cluster

    def final(self, internal: int, external: int) -> tuple[int, str]:
        """The final cluster of a pair of clusters, and the reason."""
        if (internal, external) not in self._finals:
            self._finals[internal, external] = self._most_frequent(internal, external)
        return self._finals[internal, external]

    def _most_frequent(self, internal: int, external: int) -> tuple[int, str]:
        of_internal = self._pairs[self._pairs["internal_cluster"] == internal]
        pair = of_internal[of_internal["external_cluster"] == external]
        clusters = f"internal {internal} and external {external if external != NO_CLUSTER else 'unknown'}"
        if len(pair):
            cluster, most, stores = _largest(pair)
            return (
                cluster,
                f"{most} of {counted(stores, 'store', 'stores')} of {clusters} {'is' if most == 1 else 'are'} in cluster {cluster}",
            )
        if not len(of_internal):
            raise DataError(
                f"no store of the final clusters has internal cluster {internal}, which is in the model: `store-clustering run` "
                "builds both again"
            )
        cluster, most, stores = _largest(of_internal)
        return (
            cluster,
            f"no store is of {clusters}; {most} of {counted(stores, 'store', 'stores')} of internal {internal} {'is' if most == 1 else 'are'} in cluster {cluster}",
        )


def _largest(pairs: pd.DataFrame) -> tuple[int, int, int]:
    """The final cluster of most stores (ties: the lower number), their number, and the number of all stores."""
    stores = pairs.groupby("cluster")["stores"].sum().sort_index()
    return int(stores.idxmax()), int(stores.max()), int(stores.sum())


def _money(cents: int) -> str:
    return f"{cents / 100:,.2f}"
