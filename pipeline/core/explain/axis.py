"""The meaning of the stores' first axis: how each feature changes along it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.core.explain.readings import Readings

TELLING = 0.3  # a correlation below this is not said in words
_MOST_SAID = 3  # features in each direction
_DTYPES = {"feature": "str", "change": "float64", "correlation": "float64"}


def axis_table(readings: Readings, clusters: pd.DataFrame) -> pd.DataFrame:
    """Feature, change per standard deviation of the position, correlation with it; sorted by feature. No rows without an axis.

    Both are of deviations from the means of the store's own cluster, over the stores that are neither outliers nor held out: stores differ along
    an axis within clusters.

    Parameters
    ----------
    readings : the features in units that people know
    clusters : the table of the clusters; `position` is null without an axis
    """
    of_store = clusters.set_index("store_id")
    counted = of_store[
        of_store["position"].notna() & ~of_store["is_outlier"].astype(bool) & ~of_store["is_held_out"].astype(bool)
    ]
    if counted.empty:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _DTYPES.items()})
    values = readings.values.loc[counted.index].sort_index(axis=1)
    own = counted["cluster"].to_numpy()
    about = values - values.groupby(own).transform("mean")
    position = counted["position"] - counted["position"].groupby(own).transform("mean")
    products = about.mul(position, axis=0).mean()
    variance, variances = float(np.square(position).mean()), np.square(about).mean()
    change = products / variance if variance > 0 else products * 0.0
    scale = np.sqrt(variances * variance)
    correlation = (products / scale.where(scale > 0, 1.0)).clip(-1.0, 1.0)
    changes = pd.DataFrame(
        {"feature": values.columns, "change": change.to_numpy(), "correlation": correlation.to_numpy()}
    )
    return changes.astype(_DTYPES).sort_values("feature", ignore_index=True)


def axis_in_words(table: pd.DataFrame, readings: Readings) -> str:
    """The features that rise and fall along the axis, in words; empty without such a feature or without an axis.

    Shares are ordered by how far they change, other features by their correlation with the position, because their units differ.
    """
    telling = table[table["correlation"].abs() >= TELLING]
    shares = bool(readings.kinds) and all(kind == "share" for kind in readings.kinds.values())
    by = telling["change" if shares else "correlation"]
    telling = telling.assign(by=by.abs()).sort_values(["by", "feature"], ascending=[False, True])
    more = [str(name) for name in telling.loc[telling["change"] > 0, "feature"][:_MOST_SAID]]
    less = [str(name) for name in telling.loc[telling["change"] < 0, "feature"][:_MOST_SAID]]
    parts = [f"{word} {', '.join(names)}" for word, names in (("more", more), ("less", less)) if names]
    return " and ".join(parts)
