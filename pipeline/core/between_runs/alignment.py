"""The clusters' numbers, kept from a reference: what was cluster 3 is cluster 3 again, wherever it can be found again."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from pipeline.core.between_runs.compare import matched


class Reference(NamedTuple):
    """What is known of the clusters that the numbers are kept from.

    `clusters`: cluster by store (index: store_id). `highest`: the highest number that ever was a cluster's, up to there.
    """

    clusters: pd.Series[int]
    highest: int


class Numbers(NamedTuple):
    """The `new` number by the old one, and the `highest` that is, or ever was, used."""

    new: dict[int, int]
    highest: int


def reference(
    clusters: pd.DataFrame | None, highest: pd.DataFrame | None, category: str | None = None
) -> Reference | None:
    """A pin's tables as a reference; None where there is none, or nothing in it.

    Parameters
    ----------
    clusters : store_id and cluster, one row per store
    highest : a table with the column highest_number, for the same clusters; without rows the highest cluster counts
    category : where the tables have a column of that name: of which of its values they are wanted
    """
    if category is not None:
        clusters, highest = (
            None if table is None else table[table["category"] == category] for table in (clusters, highest)
        )
    if clusters is None or highest is None or not (len(clusters) or len(highest)):
        return None
    of_store = clusters.set_index("store_id")["cluster"].astype("int64")
    used = [int(found) for found in (of_store.max(), highest["highest_number"].max()) if found == found]
    return Reference(of_store, max(used))


def aligned(clusters: pd.Series[int], kept: Reference | None) -> Numbers:
    """The numbers that the clusters are given.

    A cluster that is matched to one of the reference (`compare.matched`: Hungarian method on Jaccard indices of at least
    0.3, over the stores that both place) takes its number. Each of the others takes the next number that was never
    used, in the order that they have. Without a reference every cluster keeps its own.

    Parameters
    ----------
    clusters : cluster, from 1, by store (index: store_id)
    kept : the reference
    """
    own = sorted(int(cluster) for cluster in clusters.unique())
    if kept is None:
        return Numbers({cluster: cluster for cluster in own}, max(own, default=0))
    common = clusters.index.intersection(kept.clusters.index).sort_values()
    match = {now: before for before, now in matched(kept.clusters.loc[common], clusters.loc[common]).items()}
    highest = kept.highest
    for cluster in own:
        if cluster not in match:
            highest += 1
            match[cluster] = highest
    return Numbers(match, highest)


def renumbered(frame: pd.DataFrame, numbers: Numbers, columns: tuple[str, ...]) -> pd.DataFrame:
    """The frame with the new numbers in these columns; nulls stay."""
    return frame.assign(**{name: frame[name].map(numbers.new).astype(frame[name].dtype) for name in columns})
