"""The sales mix of a category's final clusters, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.report.words import percent
from pipeline.schema import UNMAPPED


@dataclass(frozen=True)
class Mix:
    """The sales mix of a category's clusters.

    Attributes
    ----------
    need_states : names, the largest share of the chain first
    chain : pooled chain share by need state, 0..1; None if there are no positive sales
    share : mean share, a row per cluster and a column per need state, 0..1
    sales : net sales by cluster, in cents
    """

    need_states: list[str]
    chain: list[float | None]
    share: list[list[float]]
    sales: list[int]

    def index(self, number: int) -> list[float | None]:
        """100 x mean share / chain share of the cluster at this position; None where the chain share is 0 or missing."""
        return [
            100 * share / chain if chain else None for share, chain in zip(self.share[number], self.chain, strict=True)
        ]

    def apart(self, number: int) -> float:
        """The share of sales, 0..1, by which the mix of the cluster at this position differs from the chain's.

        Half the sum of the absolute differences in share (total variation distance).
        """
        chain = [share or 0.0 for share in self.chain]
        return sum(abs(own - other) for own, other in zip(self.share[number], chain, strict=True)) / 2

    def differences(self, number: int, most: int = 3) -> tuple[list[str], list[str]]:
        """The need states that the cluster at this position sells more and less of than the chain, largest difference first."""
        apart = [
            (share - chain, name, share, chain)
            for name, share, chain in zip(self.need_states, self.share[number], self.chain, strict=True)
            if chain and name != UNMAPPED and _is_telling(share, chain)
        ]
        texts = [
            (difference, f"{name} ({percent(share)}, chain {percent(chain)})")
            for difference, name, share, chain in sorted(apart, key=lambda item: (-abs(item[0]), item[1]))
        ]
        more = [words for difference, words in texts if difference > 0]
        less = [words for difference, words in texts if difference < 0]
        return more[:most], less[:most]


def _is_telling(share: float, chain: float) -> bool:
    """Whether a difference is worth a mention: 1 % of sales; or, for rare need states, a quarter more or less."""
    difference = abs(share - chain)
    return difference >= 0.01 or (difference >= 0.002 and not 0.8 <= share / chain <= 1.25)


def mix(sales: pd.DataFrame, placed: pd.DataFrame, clusters: list[int]) -> Mix:
    """The sales mix of the clusters, by need state.

    Parameters
    ----------
    sales : sales_by_need_state of one category
    placed : store_clusters of that category
    clusters : the final clusters, in the order wanted

    Returns
    -------
    Shares are means over the stores of a cluster; a store without sales in a need state counts as zero. Chain shares are
    pooled over all stores that are not excluded, as in `share_index`.
    """
    sales = sales[~sales["is_excluded"].to_numpy(dtype="bool")]
    need, names = pd.factorize(sales["need_state"])
    positive = sales["sales_cents"].clip(lower=0).groupby(need).sum()
    total = int(positive.sum())
    order = sorted(range(len(names)), key=lambda code: (-int(positive[code]), names[code]))
    at = pd.Index(placed["store_id"]).get_indexer(sales["store_id"])
    joined, need = sales[at >= 0], need[at >= 0]
    cluster = placed["cluster"].to_numpy()[at[at >= 0]]
    stores = placed.groupby("cluster").size()
    shares = joined["share"].groupby([cluster, need]).sum().to_dict()
    money = joined["sales_cents"].groupby(cluster).sum().to_dict()
    return Mix(
        need_states=[str(names[code]) for code in order],
        chain=[int(positive[code]) / total if total else None for code in order],
        share=[
            [float(shares.get((cluster, code), 0.0)) / int(stores[cluster]) for code in order] for cluster in clusters
        ],
        sales=[int(money.get(cluster, 0)) for cluster in clusters],
    )
