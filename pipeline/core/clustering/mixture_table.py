"""The mixture of a clustering as a table, and read again: what places further stores need not be fitted a second time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.clustering.densities import Mixtures
from pipeline.core.clustering.evidence import Seeing, View
from pipeline.schema import ALL_FEATURES, NO_CLUSTER

_COLUMNS = {"parameter": "str", "cluster": "int64", "feature": "str", "value": "float64"}
_LEAST = 1e-60  # a variance: its inverse and their squares stay finite


def mixture_table(
    view: View, mixture: Mixtures, features: Sequence[str], clusters: NDArray[np.int64] | None
) -> pd.DataFrame:
    """The parameters of a mixture in the units of its features: parameter, cluster, feature, value.

    Parameters
    ----------
    view : how the mixture sees the d features
    mixture : a batch of one, k components
    features : the names (d,) of the features
    clusters : the number (k,) of each component; None if the clusters are tiers of the single one

    Returns
    -------
    `noise` and `tails`; `proportion` of each cluster; `mean` of each cluster and feature: of a number its mean, of a level the chance that it is
    set, and no row for a feature that is neither; `deviation`, `loading_1`, `loading_2`, ... of each number, on each common factor. `cluster` is
    0 and `feature` is `(all)` where a parameter has none.
    """
    seeing, plain, means = view.published(mixture)
    numbers = np.full(len(means), NO_CLUSTER) if clusters is None else clusters
    numeric = [str(name) for name, is_number in zip(features, seeing.numeric, strict=True) if is_number]
    rows = [("noise", NO_CLUSTER, ALL_FEATURES, plain.noise[0]), ("tails", NO_CLUSTER, ALL_FEATURES, plain.tails[0])]
    rows += [
        ("proportion", number, ALL_FEATURES, part) for number, part in zip(numbers, plain.proportions[0], strict=True)
    ]
    rows += [
        ("mean", number, str(name), value)
        for number, of_cluster in zip(numbers, means, strict=True)
        for name, value in zip(features, of_cluster, strict=True)
        if not np.isnan(value)
    ]
    rows += [
        ("deviation", NO_CLUSTER, name, value) for name, value in zip(numeric, np.sqrt(plain.variances[0]), strict=True)
    ]
    rows += [
        (f"loading_{factor}", NO_CLUSTER, name, value)
        for factor, of_factor in enumerate(plain.loadings[0].T, start=1)
        for name, value in zip(numeric, of_factor, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def no_mixture() -> pd.DataFrame:
    """The table of no stores."""
    return pd.DataFrame(columns=list(_COLUMNS)).astype(_COLUMNS)


def numbers_of(table: pd.DataFrame, features: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the features (d,) are numbers in a `mixture_table`; none in an empty one."""
    numeric = table.loc[table["parameter"] == "deviation", "feature"]
    return np.isin(np.array(features, dtype=object), numeric.to_numpy(dtype=object))


def mixture_of(table: pd.DataFrame, seeing: Seeing, features: Sequence[str]) -> tuple[Mixtures, NDArray[np.float64]]:
    """The mixture (a batch of one) of a `mixture_table`, its components in the order of their numbers; and its means (k, d), NaN where it has none.

    Parameters
    ----------
    table : parameter, cluster, feature, value
    seeing : how the mixture sees the features, in their units
    features : the names (d,)
    """
    by_parameter = {str(name): rows for name, rows in table.groupby("parameter")}

    def of_features(name: str) -> NDArray[np.float64]:
        values = (
            by_parameter[name].set_index("feature")["value"] if name in by_parameter else pd.Series(dtype="float64")
        )
        array: NDArray[np.float64] = values.reindex(list(features)).to_numpy(dtype=np.float64)
        return array

    proportions = by_parameter["proportion"].sort_values("cluster")
    means = np.full((len(proportions), len(features)), np.nan)
    if "mean" in by_parameter:
        of_clusters = by_parameter["mean"].pivot(index="cluster", columns="feature", values="value")
        means = of_clusters.reindex(index=proportions["cluster"], columns=list(features)).to_numpy(dtype=np.float64)
    loadings = [of_features(f"loading_{factor}") for factor in range(1, _factors(by_parameter) + 1)]
    numeric = seeing.numeric
    mixture = Mixtures(
        proportions["value"].to_numpy(dtype=np.float64)[None],
        means[None][:, :, numeric],
        np.maximum(np.square(of_features("deviation")), _LEAST)[numeric][None],
        np.column_stack(loadings or [np.empty((len(features), 0))])[numeric][None],
        by_parameter["noise"]["value"].to_numpy(dtype=np.float64),
        by_parameter["tails"]["value"].to_numpy(dtype=np.float64),
        seeing.chances(np.nan_to_num(means))[None],
        np.zeros(1),
    )
    return mixture, means


def _factors(by_parameter: dict[str, pd.DataFrame]) -> int:
    return sum(name.startswith("loading_") for name in by_parameter)
