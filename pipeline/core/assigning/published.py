"""One clustering, read from its published tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.statistics.features import value_order, wide_table
from pipeline.core.statistics.named_stores import to_fit


class Clustering(NamedTuple):
    """The n stores of a clustering, in the order of their values: so sums do not depend on names.

    `clusters` by store, `values` (n, d) of the clustering, `fitted` (n,) the fitted stores, `held_out` the ids of held-out stores,
    `constant` (d,) the features that do not vary among the other stores, `distances` (n,) to the own centroid, and
    `mixture` the table of its mixture.
    """

    clusters: pd.Series[int]
    values: pd.DataFrame
    fitted: NDArray[np.bool_]
    held_out: list[str]
    constant: NDArray[np.bool_]
    distances: NDArray[np.float64]
    mixture: pd.DataFrame


def clustering(clusters: pd.DataFrame, features: pd.DataFrame, mixture: pd.DataFrame) -> Clustering:
    """A clustering of at least one store.

    Parameters
    ----------
    clusters : internal_clusters of one category, or external_clusters
    features : internal_features of it, or external_scaled_features
    mixture : internal_mixture of it, or external_mixture
    """
    placed = clusters.set_index("store_id").sort_index()
    values = wide(features, "value", placed.index)
    order = value_order(values.to_numpy(dtype=np.float64))
    placed, values = placed.iloc[order], values.iloc[order]
    held_out = [str(store) for store in placed.index[placed["is_held_out"].astype(bool)]]
    shaping = to_fit(placed.index, held_out)
    of_shaping = values.to_numpy(dtype=np.float64)[shaping]
    return Clustering(
        placed["cluster"],
        values,
        shaping & ~placed["is_outlier"].to_numpy(dtype=bool),
        held_out,
        of_shaping.max(axis=0) == of_shaping.min(axis=0),
        placed["distance"].to_numpy(dtype=np.float64),
        mixture,
    )


def wide(features: pd.DataFrame, column: str, stores: pd.Index[str]) -> pd.DataFrame:
    """Stores x features of a long table; no columns without features."""
    return wide_table(features, "feature", column, np.nan).reindex(stores).astype("float64")
