"""Apply the placements by hand (the table overrides) to the final clusters, and report the outcome of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.final.placement_rows import row_name
from pipeline.core.frames import ByCategory
from pipeline.errors import RawDataError
from pipeline.schema import NO_CATEGORY
from pipeline.wording import listed

_SHOWN = 10
_SOURCE = "[sources.overrides]"


class _Result(NamedTuple):
    """The result so far.

    Of the stores that overrides name: `placed`, cluster and whether merging moved the store, by (store, category), and `excluded`, the
    reason, by (store, category). `stores`: all of them. `numbers`: the clusters of each category.
    """

    stores: set[str]
    placed: dict[tuple[str, str], tuple[int, bool]]
    excluded: dict[tuple[str, str], str]
    numbers: dict[str, list[int]]


class Placed:
    """store_clusters by category, with `overridden`: the stores are where overrides place them.

    Attributes
    ----------
    applied : overrides_applied, one row per override
    """

    def __init__(self, store_clusters: ByCategory, applied: pd.DataFrame) -> None:
        self._before, self.applied = store_clusters, applied
        self.categories = store_clusters.categories
        self._wanted = {
            pair: int(cluster)
            for pair, cluster, is_applied in zip(
                _pairs(applied), applied["to_cluster"], applied["applied"], strict=True
            )
            if is_applied
        }

    def rows(self, category: str) -> pd.DataFrame:
        """The rows of a category; a store that an override placed elsewhere is no longer `reassigned`."""
        clusters = self._before.rows(category)
        was = clusters["cluster"].to_numpy(dtype=np.int64)
        now, overridden = was.copy(), np.zeros(len(clusters), dtype=bool)
        stores = {store for store, of in self._wanted if of == category}
        for position in np.flatnonzero(clusters["store_id"].isin(stores).to_numpy(dtype=bool)):
            now[position] = self._wanted[str(clusters["store_id"].iloc[position]), category]
            overridden[position] = True
        return clusters.assign(
            cluster=now, reassigned=clusters["reassigned"].to_numpy(dtype=bool) & (now == was), overridden=overridden
        )

    def counted(self, merged_clusters: pd.DataFrame) -> pd.DataFrame:
        """merged_clusters: the final clusters that still have stores, with new counts; notes mention placements by overrides."""
        changed = sorted({category for _, category in self._wanted})
        if not changed:
            return merged_clusters
        rows = merged_clusters["category"].isin(changed)
        again = _counted(merged_clusters[rows], pd.concat([self.rows(category) for category in changed]))
        return pd.concat([merged_clusters[~rows], again]).sort_values(["category", "cluster"], ignore_index=True)


def place(store_clusters: ByCategory, excluded_stores: pd.DataFrame, overrides: pd.DataFrame) -> Placed:
    """Place the stores named in the table overrides.

    The numbers in overrides are those of the published final clusters. An override makes no new cluster. If it leaves a
    cluster without stores, the cluster disappears and its number stays used. A store that is excluded from the category, or
    sells nothing in it, stays without a cluster: its override is not applied, and the note says why.

    Parameters
    ----------
    store_clusters, excluded_stores : as in `pipeline.schema`, the clusters numbered
    overrides : as in `pipeline.schema`

    Raises
    ------
    RawDataError : one line per override whose store is in no source, whose category has neither clusters nor excluded
        stores, or whose cluster does not exist in the category
    """
    result = _result(store_clusters, excluded_stores, overrides)
    faults = [fault for row in overrides.itertuples(index=False) if (fault := _fault(row, result))]
    if faults:
        raise RawDataError(*faults)
    return Placed(store_clusters, _applied(overrides, result))


def _result(store_clusters: ByCategory, excluded_stores: pd.DataFrame, overrides: pd.DataFrame) -> _Result:
    stores, named = set(excluded_stores["store_id"]), set(overrides["store_id"])
    excluded = excluded_stores[excluded_stores["category"] != NO_CATEGORY]
    numbers: dict[str, list[int]] = {str(category): [] for category in excluded["category"].unique()}
    placed: dict[tuple[str, str], tuple[int, bool]] = {}
    for category in store_clusters.categories if named else ():
        rows = store_clusters.rows(category)
        stores.update(rows["store_id"].to_numpy(dtype=object))
        if category == NO_CATEGORY:
            continue
        numbers[category] = sorted(int(number) for number in rows["cluster"].unique())
        for row in rows[rows["store_id"].isin(named)].itertuples(index=False):
            placed[str(row.store_id), category] = int(row.cluster), bool(row.reassigned)
    why = excluded[excluded["store_id"].isin(named)].itertuples(index=False)
    return _Result(stores, placed, {(str(row.store_id), str(row.category)): str(row.reason) for row in why}, numbers)


def _fault(row: object, result: _Result) -> str:
    """The fault of an override in this result; empty if there is none."""
    store, category, cluster = str(row.store_id), str(row.category), int(row.cluster)  # type: ignore[attr-defined]
    where = f"{_SOURCE}: {row_name(store, category)}"
    if category not in result.numbers:
        return f"{where}: the category is unknown; the categories are {_listed(result.numbers)}; correct the row, or remove it"
    if store not in result.stores:
        return f"{where}: the store is unknown: it is neither in the sales nor in the outside data; correct the row, or remove it"
    if (store, category) in result.placed and cluster not in result.numbers[category]:
        numbers = _listed(result.numbers[category])
        return f"{where}: the category has no cluster {cluster}, only {numbers}; correct the row, or remove it"
    return ""


def _listed(names: Mapping[str, object] | list[int]) -> str:
    return listed(map(str, sorted(names)), _SHOWN) or "none"


def _applied(overrides: pd.DataFrame, result: _Result) -> pd.DataFrame:
    was = [result.placed.get((store, category)) for store, category in _pairs(overrides)]
    notes = [
        _note(before, int(cluster), result.excluded.get(pair))
        for before, cluster, pair in zip(was, overrides["cluster"], _pairs(overrides), strict=True)
    ]
    return pd.DataFrame(
        {
            "store_id": overrides["store_id"].to_numpy(dtype=object),
            "category": overrides["category"].to_numpy(dtype=object),
            "from_cluster": pd.array([before[0] if before else None for before in was], dtype="Int64"),
            "to_cluster": overrides["cluster"].to_numpy(dtype="int64"),
            "reason": overrides["reason"].to_numpy(dtype=object),
            "applied": [before is not None for before in was],
            "note": notes,
        }
    ).astype({"applied": bool, "note": object})


def _note(before: tuple[int, bool] | None, cluster: int, excluded: str | None) -> str:
    if before is None:
        return (
            f"not applied: excluded from the category: {excluded}"
            if excluded
            else "not applied: no sales in the category"
        )
    was, moved = before
    if was == cluster:
        return "the clustering places it there too"
    return "moved by merging before, out of a cell that was too small" if moved else ""


def _pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    return [(str(store), str(category)) for store, category in zip(table["store_id"], table["category"], strict=True)]


def _counted(clusters: pd.DataFrame, placed: pd.DataFrame) -> pd.DataFrame:
    """The final clusters of the categories of `placed`, as `Placed.counted` says."""
    counts = placed.groupby(["category", "cluster"], as_index=False).agg(
        stores=("store_id", "size"), reassigned_stores=("reassigned", "sum"), by_hand=("overridden", "sum")
    )
    recounted = clusters.drop(columns=["stores", "reassigned_stores"]).merge(counts, on=["category", "cluster"])
    note = recounted["note"].where(
        recounted["by_hand"] == 0,
        recounted["note"] + "; stores placed by overrides: " + recounted["by_hand"].astype(str),
    )
    return recounted.assign(note=note).drop(columns="by_hand")
