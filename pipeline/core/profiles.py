"""What each cluster sells, or has, more and less of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def need_state_profiles(sales: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """Mean share and share index of every need state in every cluster.

    The share is max(net, 0) of the need state / the store's sum of it, UNMAPPED and rare need states included; 0 where the
    store sold none of it. The share index is 100 x the mean over the cluster's stores / the chain's pooled share.

    Parameters
    ----------
    sales : store x need state, max(net, 0) in cents, as `features.positive_sales` gives it
    clusters : store_id and cluster of the same stores

    Returns
    -------
    One row per cluster and need state, sorted: cluster, need_state, stores, mean_share (0..1), share_index (NaN where the
    chain's share is 0). Empty without stores.
    """
    import pandas as pd

    chain = sales.sum(axis=0)
    total = max(int(chain.sum()), 1)
    totals = sales.sum(axis=1)
    shares = sales.div(totals.where(totals > 0), axis=0).fillna(0.0)
    cluster_of = clusters.set_index("store_id")["cluster"].reindex(sales.index)
    parts = []
    for cluster, of_cluster in shares.groupby(cluster_of.to_numpy(), sort=True):
        means = _means(of_cluster)
        parts.append(
            pd.DataFrame(
                {
                    "cluster": cluster,
                    "need_state": sales.columns,
                    "stores": len(of_cluster),
                    "mean_share": means.to_numpy(),
                    "share_index": (100.0 * means / (chain / total).where(chain > 0)).to_numpy(),
                }
            )
        )
    if not parts:
        return _empty(["cluster", "need_state", "stores", "mean_share", "share_index"], "need_state")
    return pd.concat(parts, ignore_index=True).sort_values(["cluster", "need_state"], ignore_index=True)


def feature_profiles(features: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """Mean of every feature in every cluster, beside its mean over all stores.

    Parameters
    ----------
    features : one row per store (index: store_id), one column per feature, not scaled
    clusters : store_id and cluster of the same stores

    Returns
    -------
    One row per cluster and feature, sorted: cluster, feature, stores, mean, chain_mean. Empty without stores or features.
    """
    import pandas as pd

    cluster_of = clusters.set_index("store_id")["cluster"].reindex(features.index)
    chain = _means(features)
    parts = [
        pd.DataFrame(
            {
                "cluster": cluster,
                "feature": features.columns,
                "stores": len(of_cluster),
                "mean": _means(of_cluster).to_numpy(),
                "chain_mean": chain.to_numpy(),
            }
        )
        for cluster, of_cluster in features.groupby(cluster_of.to_numpy(), sort=True)
    ]
    if not parts or not features.shape[1]:
        return _empty(["cluster", "feature", "stores", "mean", "chain_mean"], "feature")
    return pd.concat(parts, ignore_index=True).sort_values(["cluster", "feature"], ignore_index=True)


def _means(frame: pd.DataFrame) -> pd.Series:
    """The mean of each column, its sum rounded once: the same in any order of the stores."""
    import math

    import pandas as pd

    n = max(len(frame), 1)
    return pd.Series([math.fsum(frame[name]) / n for name in frame.columns], index=frame.columns, dtype="float64")


def _empty(columns: list[str], text: str) -> pd.DataFrame:
    import pandas as pd

    kinds = dict.fromkeys(columns, "float64") | {"cluster": "int64", "stores": "int64", text: "str"}
    return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in columns})
