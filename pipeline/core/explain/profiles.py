"""Profiles: the means of each cluster, compared with all stores."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def need_state_profiles(sales: pd.DataFrame, clusters: pd.DataFrame) -> pd.DataFrame:
    """Mean share and share index of every need state in every cluster.

    The share is max(net, 0) of the need state / the sum over the store's need states, with UNMAPPED and rare ones; 0 if the
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
    chain = sales.sum(axis=0).to_numpy(dtype=np.float64)
    totals = sales.sum(axis=1).to_numpy(dtype=np.float64)
    shares = sales.to_numpy(dtype=np.float64) / np.where(totals > 0, totals, np.nan)[:, None]
    shares = np.where(totals[:, None] > 0, shares, 0.0)
    pooled = np.where(chain > 0, chain, np.nan) / max(int(sales.to_numpy().sum()), 1)
    grouped = _by_cluster(shares, clusters, sales.index)
    return _profiles(
        grouped,
        "need_state",
        sales.columns,
        mean_share=grouped.means,
        share_index=100.0 * grouped.means / pooled,
        eta_squared=np.broadcast_to(_eta_squared(shares, grouped), grouped.means.shape),
    )


def feature_profiles(features: pd.DataFrame, clusters: pd.DataFrame, logged: Collection[str] = ()) -> pd.DataFrame:
    """The mean of every feature in every cluster, and its mean over all stores.

    Parameters
    ----------
    features : one row per store (index: store_id), one column per feature, not scaled
    clusters : store_id and cluster of the same stores
    logged : features that are log1p values: their means are transformed back

    Returns
    -------
    One row per cluster and feature, sorted: cluster, feature, stores, mean, chain_mean, eta_squared. Empty without stores or features.
    """
    values = features.to_numpy(dtype=np.float64)
    grouped = _by_cluster(values, clusters, features.index)
    is_log = features.columns.isin(list(logged))
    return _profiles(
        grouped,
        "feature",
        features.columns,
        mean=_back(grouped.means, is_log),
        chain_mean=np.broadcast_to(_back(grouped.average, is_log), grouped.means.shape),
        eta_squared=np.broadcast_to(_eta_squared(values, grouped), grouped.means.shape),
    )


def _back(means: NDArray[np.float64], is_log: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Means by column, those of logarithms transformed back."""
    back = means.copy()
    back[..., is_log] = np.expm1(means[..., is_log])
    return back


class _Grouped(NamedTuple):
    """Clusters (k,), the mean of each column (d,), the means in each cluster (k, d), and the sizes of the clusters (k,)."""

    clusters: NDArray[np.int64]
    average: NDArray[np.float64]
    means: NDArray[np.float64]
    sizes: NDArray[np.int64]


def _by_cluster(values: NDArray[np.float64], clusters: pd.DataFrame, stores: pd.Index) -> _Grouped:
    cluster_of = clusters.set_index("store_id")["cluster"].reindex(stores).to_numpy()
    return _grouped(values, cluster_of)


def _grouped(values: NDArray[np.float64], cluster_of: NDArray[np.int64]) -> _Grouped:
    own, sizes = np.unique(cluster_of, return_counts=True)
    centres = [_means(values[cluster_of == cluster]) for cluster in own]
    return _Grouped(own.astype("int64"), _means(values), np.reshape(centres, (len(own), values.shape[1])), sizes)


def _profiles(grouped: _Grouped, text: str, names: pd.Index, **figures: NDArray[np.float64]) -> pd.DataFrame:
    """A row per cluster and column, sorted."""
    k, d = grouped.means.shape
    columns = {
        "cluster": np.repeat(grouped.clusters, d),
        text: pd.Series(np.tile(names.to_numpy(dtype=object), k), dtype="str"),
        "stores": np.repeat(grouped.sizes, d).astype("int64"),
        **{name: of_all.ravel().astype("float64") for name, of_all in figures.items()},
    }
    return pd.DataFrame(columns).sort_values(["cluster", text], ignore_index=True)


def eta_squared(values: pd.DataFrame, cluster_of: pd.Series) -> pd.Series:
    """Share of each column's variance that lies between the clusters [1]_: SS_between / SS_total, 0..1.

    This is a description, not a test: the clusters were made from the same values. NaN if a column does not vary.

    Parameters
    ----------
    values : one row per store
    cluster_of : the cluster of each row

    References
    ----------
    .. [1] R. A. Fisher, "Statistical methods for research workers", 1925 (the correlation ratio); J. Cohen, "Eta-squared
       and partial eta-squared in fixed factor ANOVA designs", Educ. Psychol. Meas. 33, 1973.
    """
    matrix = values.to_numpy(dtype=np.float64)
    grouped = _grouped(matrix, cluster_of.to_numpy())
    return pd.Series(_eta_squared(matrix, grouped), index=values.columns, dtype="float64")


def _eta_squared(values: NDArray[np.float64], grouped: _Grouped) -> NDArray[np.float64]:
    if not len(values):
        return np.full(values.shape[1], np.nan)
    total = _means((values - grouped.average) ** 2)
    between = np.zeros(values.shape[1])
    for size, mean in zip(grouped.sizes, grouped.means, strict=True):
        between += size / len(values) * (mean - grouped.average) ** 2
    varies = (values.max(axis=0) > values.min(axis=0)) & (total > 0)
    return np.where(varies, np.minimum(between / np.where(varies, total, 1.0), 1.0), np.nan)


def means(frame: pd.DataFrame) -> pd.Series:
    """The mean of each column, with an exact sum, so that it is the same in any order of the stores. 0 without rows."""
    return pd.Series(_means(frame.to_numpy(dtype=np.float64)), index=frame.columns, dtype="float64")


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([math.fsum(column) / max(len(values), 1) for column in values.T.tolist()], dtype=np.float64)
