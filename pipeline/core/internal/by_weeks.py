"""Columns by weeks in the tables of a category's clustering."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from pipeline.core.clustering.stores import Clustering
from pipeline.settings import InternalClustering


class ByWeeks(NamedTuple):
    """The tables of a clustering with their columns by weeks, as in pipeline.schema; null if the weeks are unknown."""

    clusters: pd.DataFrame
    k_selection: pd.DataFrame
    verdict: pd.DataFrame


def by_weeks(clustering: Clustering, published: pd.Series[int] | None, settings: InternalClustering) -> ByWeeks:
    """Whether the clusters hold, how often each store flips, and what published clusters still explain of the newest weeks.

    Parameters
    ----------
    clustering : of one category
    published : the clusters by store_id in use, those of the reference; None: the clusters of `clustering`
    """
    tried, k = clustering.on_halves, int(clustering.verdict["k"].iloc[0])
    clusters = clustering.clusters.set_index("store_id")["cluster"]
    flips = tried.flips(clusters)
    holding = tried.holding(k, clustering.passed_over)
    still = tried.still_explained(clusters if published is None else published)
    share, low, high = (None, None, None) if holding.retained is None else holding.retained[:3]
    reason = clustering.verdict["reason"].iloc[0] + (f"; {holding.words}" if holding.words else "")
    numbers = {"kept": share, "kept_low": low, "kept_high": high, "still_explained": still}
    return ByWeeks(
        clustering.clusters.assign(flips=clustering.clusters["store_id"].map(flips).astype("float64")),
        clustering.k_selection.merge(tried.by_k_table(), on="k", how="left"),
        clustering.verdict.assign(
            reason=reason,
            holds=holding.holds,
            **{name: pd.Series([number], dtype="float64") for name, number in numbers.items()},
            outdated=still is not None and still < settings.outdated_below,
        ),
    )
