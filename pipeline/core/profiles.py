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
    chain's share is 0), eta_squared (of the shares). Empty without stores.
    """
    import pandas as pd

    chain = sales.sum(axis=0)
    total = max(int(chain.sum()), 1)
    totals = sales.sum(axis=1)
    shares = sales.div(totals.where(totals > 0), axis=0).fillna(0.0)
    cluster_of = clusters.set_index("store_id")["cluster"].reindex(sales.index)
    parts = []
    explained = eta_squared(shares, cluster_of)
    for cluster, of_cluster in shares.groupby(cluster_of.to_numpy(), sort=True):
        averages = means(of_cluster)
        parts.append(
            pd.DataFrame(
                {
                    "cluster": cluster,
                    "need_state": sales.columns,
                    "stores": len(of_cluster),
                    "mean_share": averages.to_numpy(),
                    "share_index": (100.0 * averages / (chain / total).where(chain > 0)).to_numpy(),
                    "eta_squared": explained.to_numpy(),
                }
            )
        )
    if not parts:
        return _empty(["cluster", "need_state", "stores", "mean_share", "share_index", "eta_squared"], "need_state")
    return pd.concat(parts, ignore_index=True).sort_values(["cluster", "need_state"], ignore_index=True)


def feature_profiles(features: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """Mean of every feature in every cluster, beside its mean over all stores.

    Parameters
    ----------
    features : one row per store (index: store_id), one column per feature, not scaled
    clusters : store_id and cluster of the same stores

    Returns
    -------
    One row per cluster and feature, sorted: cluster, feature, stores, mean, chain_mean, eta_squared. Empty without stores or features.
    """
    import pandas as pd

    cluster_of = clusters.set_index("store_id")["cluster"].reindex(features.index)
    chain, explained = means(features), eta_squared(features, cluster_of)
    parts = [
        pd.DataFrame(
            {
                "cluster": cluster,
                "feature": features.columns,
                "stores": len(of_cluster),
                "mean": means(of_cluster).to_numpy(),
                "chain_mean": chain.to_numpy(),
                "eta_squared": explained.to_numpy(),
            }
        )
        for cluster, of_cluster in features.groupby(cluster_of.to_numpy(), sort=True)
    ]
    if not parts or not features.shape[1]:
        return _empty(["cluster", "feature", "stores", "mean", "chain_mean", "eta_squared"], "feature")
    return pd.concat(parts, ignore_index=True).sort_values(["cluster", "feature"], ignore_index=True)


def eta_squared(values: pd.DataFrame, cluster_of: pd.Series) -> pd.Series:
    """Share of each column's variance that lies between the clusters [1]_: SS_between / SS_total, 0..1.

    It describes, and tests nothing: the clusters were made from these very values. NaN where a column does not vary.

    Parameters
    ----------
    values : one row per store
    cluster_of : the cluster of each row

    References
    ----------
    .. [1] R. A. Fisher, "Statistical methods for research workers", 1925 (the correlation ratio); J. Cohen, "Eta-squared
       and partial eta-squared in fixed factor ANOVA designs", Educ. Psychol. Meas. 33, 1973.
    """
    average = means(values)
    total = means((values - average) ** 2)
    between = 0.0 * total
    for _, of_cluster in values.groupby(cluster_of.to_numpy(), sort=True):
        between = between + len(of_cluster) / len(values) * (means(of_cluster) - average) ** 2
    varies = (values.max() > values.min()) & (total > 0)
    return (between / total.where(varies)).clip(upper=1.0)


def means(frame: pd.DataFrame) -> pd.Series:
    """The mean of each column, its sum rounded once: the same in any order of the stores. 0 without rows."""
    import math

    import pandas as pd

    n = max(len(frame), 1)
    return pd.Series([math.fsum(frame[name]) / n for name in frame.columns], index=frame.columns, dtype="float64")


def _empty(columns: list[str], text: str) -> pd.DataFrame:
    import pandas as pd

    kinds = dict.fromkeys(columns, "float64") | {"cluster": "int64", "stores": "int64", text: "str"}
    return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in columns})
