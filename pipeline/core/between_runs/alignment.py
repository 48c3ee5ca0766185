"""Keep the numbers of clusters from a reference: a cluster that matches cluster 3 of the reference is cluster 3 again."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from pipeline.core.between_runs.compare import matched
from pipeline.schema import NO_CLUSTER


class Reference(NamedTuple):
    """The clusters whose numbers are kept.

    `clusters`: cluster by store (index: store_id). `highest`: the highest number that a cluster has ever had.
    """

    clusters: pd.Series[int]
    highest: int


class Numbers(NamedTuple):
    """The `new` number by the old number, and the `highest` number ever used."""

    new: dict[int, int]
    highest: int


def reference(
    clusters: pd.DataFrame | None, highest: pd.DataFrame | None, category: str | None = None
) -> Reference | None:
    """The tables of a pin as a reference; None without a pin, or if its tables are empty.

    Parameters
    ----------
    clusters : store_id and cluster, one row per store
    highest : a table with the column highest_number, for the same clusters; if it is empty, the highest cluster counts
    category : the category to use, if the tables have a column category
    """
    if category is not None:
        clusters, highest = (
            None if table is None else table[table["category"] == category] for table in (clusters, highest)
        )
    if clusters is None or highest is None or not (len(clusters) or len(highest)):
        return None
    of_store = clusters.set_index("store_id")["cluster"].astype("int64")
    used = [int(number) for number in (of_store.max(), highest["highest_number"].max()) if number == number]
    return Reference(of_store, max(used))


def aligned(clusters: pd.Series[int], before: Reference | None) -> Numbers:
    """The new numbers of the clusters.

    A cluster that matches a cluster of the reference (`compare.matched`: Hungarian method on Jaccard indices of at least
    0.3, over the stores in both) gets its number. The others get the next numbers that were never used, in their order.
    Without a reference, every cluster keeps its number.

    Parameters
    ----------
    clusters : cluster, from 1, by store (index: store_id)
    before : the reference; None without one
    """
    own = sorted(int(cluster) for cluster in clusters.unique())
    if before is None:
        return Numbers({cluster: cluster for cluster in own}, max(own, default=0))
    common = clusters.index.intersection(before.clusters.index).sort_values()
    match = {now: old for old, now in matched(before.clusters.loc[common], clusters.loc[common]).items()}
    highest = before.highest
    for cluster in own:
        if cluster not in match:
            highest += 1
            match[cluster] = highest
    return Numbers(match, highest)


def renumbered(frame: pd.DataFrame, numbers: Numbers, columns: tuple[str, ...]) -> pd.DataFrame:
    """The frame with the new numbers in these columns; nulls stay, and so does `NO_CLUSTER`."""
    new = {NO_CLUSTER: NO_CLUSTER} | numbers.new
    return frame.assign(**{name: frame[name].map(new).astype(frame[name].dtype) for name in columns})
