"""The outside data as the page draws it: the features in which a cluster's stores differ from all stores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.grids import percent
from pipeline.report.k_figures import figures_of_k
from pipeline.report.maps import placed
from pipeline.report.memberships import likely
from pipeline.report.source import Source

_LEAST = 0.5  # standard deviations from the mean of all stores; smaller differences are not mentioned
_SURE = 3.0  # standard errors; the mean of equally many random stores hardly ever differs by more, in any feature


def of_category(source: Source, category: str, numbers: Sequence[int]) -> dict[str, Any] | None:
    """How the final clusters differ; None if the outside data has no store of the category.

    Parameters
    ----------
    source : where the tables are
    category : its name
    numbers : the final clusters, in the wanted order
    """
    profiles = source.of_category("merged_profiles", category)
    profiles = profiles[profiles["side"] == "external"]
    features = source.external_features
    at = features.index.get_indexer(source.of_category("store_clusters", category)["store_id"])
    in_category = features.iloc[np.sort(at[at >= 0])]
    return _differences(source, profiles, in_category, numbers)


def of_chain(source: Source, stores: Sequence[str]) -> dict[str, Any] | None:
    """How the clusters on the outside data differ, and a map of the stores; None if there are no such clusters.

    Parameters
    ----------
    source : where the tables are
    stores : every store of the page, in its order
    """
    clusters = source.table("external_clusters")
    numbers = [int(number) for number in sorted(clusters["cluster"].unique())]
    if not numbers:
        return None
    names = {
        int(row.cluster): str(row.name) for row in source.table("external_cluster_summary").itertuples(index=False)
    }
    return {
        "clusters": [{"number": number, "name": names.get(number, "")} for number in numbers],
        "outlier": _outliers(clusters, stores),
        "outside": _differences(source, source.table("external_profiles"), source.external_features, numbers),
        "likely": likely(source.table("external_memberships"), stores),
        "k_figures": figures_of_k(source.table("external_k_selection")),
        **placed(source.table("external_scaled_features"), stores),
    }


def _outliers(clusters: pd.DataFrame, stores: Sequence[str]) -> list[int]:
    outliers = set(clusters.loc[clusters["is_outlier"].astype(bool), "store_id"])
    return [int(store in outliers) for store in stores]


def _differences(
    source: Source, profiles: pd.DataFrame, values: pd.DataFrame, numbers: Sequence[int]
) -> dict[str, Any] | None:
    """Means by cluster and feature, and their distance from the mean of all stores in standard deviations of the stores.

    Features are sorted by the share of their variance that lies between the clusters, largest first. Distances of a feature that was
    clustered as log1p are those of its logarithms. A cluster without stores in the outside data has None.
    """
    if profiles.empty:
        return None
    report = source.table("external_feature_report")
    logged = set(report.loc[report["action"] == "transformed", "feature"])
    first = profiles.drop_duplicates("feature").sort_values(
        ["eta_squared", "feature"], ascending=[False, True], na_position="last"
    )
    features = [str(name) for name in first["feature"]]
    is_logged = [name in logged for name in features]
    deviations = [float(values[name].std(ddof=0)) for name in features]
    chain = [float(mean) for mean in first["chain_mean"]]
    row_of = {(int(row.cluster), str(row.feature)): row for row in profiles.itertuples(index=False)}
    differences: dict[str, Any] = {"mean": [], "apart": [], "more": [], "less": []}
    for number in numbers:
        rows = [row_of.get((number, name)) for name in features]
        own = [None if row is None else float(row.mean) for row in rows]
        away = [
            None if mean is None or not deviation else (_used(mean, is_log) - _used(all_stores, is_log)) / deviation
            for mean, all_stores, deviation, is_log in zip(own, chain, deviations, is_logged, strict=True)
        ]
        texts = [
            f"{name} ({_text(mean)}, all stores {_text(all_stores)})"
            for name, mean, all_stores in zip(features, own, chain, strict=True)
        ]
        more, less = telling(away, texts, max((int(row.stores) for row in rows if row is not None), default=0))
        differences["mean"].append([_shown(mean) for mean in own])
        differences["apart"].append([None if off is None else round(off, 1) for off in away])
        differences["more"].append(more)
        differences["less"].append(less)
    return differences | {
        "features": features,
        "logged": [int(is_log) for is_log in is_logged],
        "chain": [_shown(mean) for mean in chain],
        "explained": [percent(share) for share in first["eta_squared"]],
    }


def telling(
    away: Sequence[float | None], texts: Sequence[str], stores: int, most: int = 3
) -> tuple[list[str], list[str]]:
    """The features that a cluster has more and less of than all stores, largest difference first.

    Parameters
    ----------
    away : the distance of each feature's mean from the mean of all stores, in standard deviations of the stores
    texts : the text of each feature
    stores : how many stores of the cluster the outside data has
    most : the longest length of each list

    Returns
    -------
    The texts of the features at least half a standard deviation away, and three standard errors of a mean of `stores` stores.
    """
    least = max(_LEAST, _SURE / math.sqrt(max(stores, 1)))
    far = [(off, text) for off, text in zip(away, texts, strict=True) if off is not None and abs(off) >= least]
    far.sort(key=lambda item: (-abs(item[0]), item[1]))
    return [text for off, text in far if off > 0][:most], [text for off, text in far if off < 0][:most]


def _used(value: float, is_log: bool) -> float:
    """The value as it was clustered."""
    return math.log1p(value) if is_log else value


def _shown(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _text(value: float | None) -> str:
    shown = _shown(value)
    return "" if shown is None else f"{shown:,.3g}" if abs(shown) < 1000 else f"{shown:,.0f}"
