"""Overrides applied to the final clusters, each with what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.final.placement_rows import said
from pipeline.errors import RawDataError
from pipeline.schema import NO_CATEGORY

_SHOWN = 10
_WHO = "[sources.overrides]"


class _Known(NamedTuple):
    """What the result knows: cluster and whether merging moved it by (store, category), why not by (store, category)."""

    stores: set[str]
    placed: dict[tuple[str, str], tuple[int, bool]]
    excluded: dict[tuple[str, str], str]
    numbers: dict[str, list[int]]


def place(merged: Mapping[str, pd.DataFrame], overrides: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Place the stores that overrides name.

    Their numbers are those of the final clusters, as a reader of the result sees them. An override makes no new cluster,
    and may leave one without stores: that cluster is then gone, and its number stays used. A store that is
    excluded from the category, or sells nothing in it, stays without a cluster: its override is not applied, and the note says why.

    Parameters
    ----------
    merged : store_clusters, merged_clusters and excluded_stores, as in `pipeline.schema`, the clusters numbered
    overrides : as in `pipeline.schema`

    Returns
    -------
    store_clusters with `overridden`; merged_clusters with the stores that it now has; overrides_applied, one row per override.

    Raises
    ------
    RawDataError : a line per override whose store no source has, whose category has no clusters and excludes no store, or
        whose cluster is none of the category's
    """
    known = _known(merged)
    faults = [fault for row in overrides.itertuples(index=False) if (fault := _fault(row, known))]
    if faults:
        raise RawDataError(*faults)
    applied = _applied(overrides, known)
    placed = _placed(merged["store_clusters"], applied)
    counted = {"merged_clusters": _counted(merged["merged_clusters"], placed)} if applied["applied"].any() else {}
    return {"store_clusters": placed, "overrides_applied": applied, **counted}


def _known(merged: Mapping[str, pd.DataFrame]) -> _Known:
    clusters, excluded = merged["store_clusters"], merged["excluded_stores"]
    placed = {
        (str(row.store_id), str(row.category)): (int(row.cluster), bool(row.reassigned))
        for row in clusters.itertuples(index=False)
        if row.category != NO_CATEGORY
    }
    why = {
        (str(row.store_id), str(row.category)): str(row.reason)
        for row in excluded.itertuples(index=False)
        if row.category != NO_CATEGORY
    }
    numbers: dict[str, set[int]] = {category: set() for _, category in why}
    for (_, category), (cluster, _) in placed.items():
        numbers.setdefault(category, set()).add(cluster)
    return _Known(
        {str(store) for table in (clusters, excluded) for store in table["store_id"]},
        placed,
        why,
        {category: sorted(found) for category, found in numbers.items()},
    )


def _fault(row: object, known: _Known) -> str:
    """What is wrong with an override, given the result; empty where nothing is."""
    store, category, cluster = str(row.store_id), str(row.category), int(row.cluster)  # type: ignore[attr-defined]
    where = f"{_WHO}: {said(store, category)}"
    if category not in known.numbers:
        return f"{where}: the category is unknown: there are {_listed(known.numbers)}; correct the row, or remove it"
    if store not in known.stores:
        return f"{where}: the store is unknown: neither the sales nor the outside data have it; correct the row, or remove it"
    if (store, category) in known.placed and cluster not in known.numbers[category]:
        numbers = _listed(known.numbers[category])
        return (
            f"{where}: cluster {cluster} is none of the category's: there are {numbers}; correct the row, or remove it"
        )
    return ""


def _listed(names: Mapping[str, object] | list[int]) -> str:
    every = sorted(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(str(name) for name in every[:_SHOWN]) + more if every else "none"


def _applied(overrides: pd.DataFrame, known: _Known) -> pd.DataFrame:
    was = [known.placed.get((store, category)) for store, category in _pairs(overrides)]
    notes = [
        _note(before, int(cluster), known.excluded.get(pair))
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


def _placed(clusters: pd.DataFrame, applied: pd.DataFrame) -> pd.DataFrame:
    """The clusters with the overrides; what merging moved and an override placed elsewhere is no longer `reassigned`."""
    wanted = {
        pair: int(cluster)
        for pair, cluster, is_applied in zip(_pairs(applied), applied["to_cluster"], applied["applied"], strict=True)
        if is_applied
    }
    was = clusters["cluster"].to_numpy(dtype=np.int64)
    pairs = _pairs(clusters)
    now = np.array([wanted.get(pair, int(cluster)) for pair, cluster in zip(pairs, was, strict=True)], dtype=np.int64)
    return clusters.assign(
        cluster=now,
        reassigned=clusters["reassigned"].to_numpy(dtype=bool) & (now == was),
        overridden=np.array([pair in wanted for pair in pairs], dtype=bool),
    )


def _counted(clusters: pd.DataFrame, placed: pd.DataFrame) -> pd.DataFrame:
    """The final clusters that have stores left, with how many; those that an override changed say so in their note."""
    counts = placed.groupby(["category", "cluster"], as_index=False).agg(
        stores=("store_id", "size"), reassigned_stores=("reassigned", "sum"), by_hand=("overridden", "sum")
    )
    told = clusters.drop(columns=["stores", "reassigned_stores"]).merge(counts, on=["category", "cluster"])
    note = told["note"].where(
        told["by_hand"] == 0, told["note"] + "; stores placed by overrides: " + told["by_hand"].astype(str)
    )
    return told.assign(note=note).drop(columns="by_hand")
