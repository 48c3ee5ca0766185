"""The outside data as the page draws it: what the stores of a cluster have more and less of, beside all stores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.report.grids import percent
from pipeline.report.maps import placed
from pipeline.report.memberships import likely
from pipeline.report.source import Source

_LEAST = 0.5  # standard deviations from the mean of all, below which a difference is not worth a word
_SURE = 3.0  # standard errors that the mean of as many stores taken at random hardly ever reaches, whichever feature


def of_category(source: Source, category: str, numbers: Sequence[int]) -> dict[str, Any] | None:
    """What the final clusters have more and less of; None where no store of the category is known outside.

    Parameters
    ----------
    source : where the tables are
    category : its name
    numbers : the final clusters, in the order wanted
    """
    profiles = source.of_category("merged_profiles", category)
    profiles = profiles[profiles["side"] == "external"]
    features = _features(source)
    known = features[features.index.isin(source.of_category("store_clusters", category)["store_id"])]
    return _differences(source, profiles, known, numbers)


def of_chain(source: Source, stores: Sequence[str]) -> dict[str, Any] | None:
    """What the clusters on the outside data have more and less of, and the stores on a map; None where there are none.

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
        "outside": _differences(source, source.table("external_profiles"), _features(source), numbers),
        "likely": likely(source.table("external_memberships"), stores),
        **placed(source.table("external_scaled_features"), stores),
    }


def _features(source: Source) -> pd.DataFrame:
    return source.table("external_features").set_index("store_id")


def _outliers(clusters: pd.DataFrame, stores: Sequence[str]) -> list[int]:
    found = set(clusters.loc[clusters["is_outlier"].astype(bool), "store_id"])
    return [int(store in found) for store in stores]


def _differences(
    source: Source, profiles: pd.DataFrame, values: pd.DataFrame, numbers: Sequence[int]
) -> dict[str, Any] | None:
    """Means by cluster and feature, and how far they lie from the mean of all in standard deviations of the stores.

    Features are sorted by how much of their variance lies between the clusters. One that was clustered on as its log1p is
    given as what it was before: the mean of the logarithms, taken back. A cluster whose stores nobody knows outside has None.
    """
    if profiles.empty:
        return None
    report = source.table("external_feature_report")
    logged = set(report.loc[report["action"] == "transformed", "feature"])
    first = profiles.drop_duplicates("feature").sort_values(
        ["eta_squared", "feature"], ascending=[False, True], na_position="last"
    )
    features = [str(name) for name in first["feature"]]
    deviations = [float(values[name].std(ddof=0)) for name in features]
    chain = [float(mean) for mean in first["chain_mean"]]
    found = {(int(row.cluster), str(row.feature)): row for row in profiles.itertuples(index=False)}
    made: dict[str, Any] = {"mean": [], "apart": [], "more": [], "less": []}
    for number in numbers:
        rows = [found.get((number, name)) for name in features]
        own = [None if row is None else float(row.mean) for row in rows]
        away = [
            None if one is None or not deviation else (one - all_stores) / deviation
            for one, all_stores, deviation in zip(own, chain, deviations, strict=True)
        ]
        said = [
            f"{name} ({_said(one, name in logged)}, all stores {_said(all_stores, name in logged)})"
            for name, one, all_stores in zip(features, own, chain, strict=True)
        ]
        more, less = telling(away, said, max((int(row.stores) for row in rows if row is not None), default=0))
        made["mean"].append([_shown(one, name in logged) for name, one in zip(features, own, strict=True)])
        made["apart"].append([None if one is None else round(one, 1) for one in away])
        made["more"].append(more)
        made["less"].append(less)
    return made | {
        "features": features,
        "logged": [int(name in logged) for name in features],
        "chain": [_shown(one, name in logged) for name, one in zip(features, chain, strict=True)],
        "explained": [percent(share) for share in first["eta_squared"]],
    }


def telling(
    away: Sequence[float | None], said: Sequence[str], stores: int, most: int = 3
) -> tuple[list[str], list[str]]:
    """What a cluster has more and less of than all stores, the largest difference first.

    Parameters
    ----------
    away : the distance of each feature's mean from that of all stores, in standard deviations of the stores
    said : each feature in words
    stores : how many stores of the cluster are known outside
    most : of each list

    Returns
    -------
    The words of the features that are half a standard deviation away, and three standard errors of so many stores.
    """
    least = max(_LEAST, _SURE / math.sqrt(max(stores, 1)))
    far = [(one, words) for one, words in zip(away, said, strict=True) if one is not None and abs(one) >= least]
    far.sort(key=lambda item: (-abs(item[0]), item[1]))
    return [words for one, words in far if one > 0][:most], [words for one, words in far if one < 0][:most]


def _shown(value: float | None, logged: bool) -> float | None:
    return None if value is None else float(f"{math.expm1(value) if logged else value:.4g}")


def _said(value: float | None, logged: bool) -> str:
    shown = _shown(value, logged)
    return "" if shown is None else f"{shown:,.3g}" if abs(shown) < 1000 else f"{shown:,.0f}"
