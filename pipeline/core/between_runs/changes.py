"""What happened to the clusters of a reference: kept, split, merged, vanished; and which clusters are new."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.wording import listed

KEPT, SPLIT, MERGED, NEW, VANISHED = "kept", "split", "merged", "new", "vanished"
MOST = 0.5  # of a cluster's stores: the larger part of them
PART = 0.25  # of a cluster's stores: a smaller part is not mentioned
_SHOWN = 3  # clusters listed in words


def changes(before: pd.Series[int], now: pd.Series[int]) -> pd.DataFrame:
    """What happened to every cluster; equal numbers are the same cluster.

    The transitions are those of MONIC [1]_, over the stores in both results. A cluster of the reference is `split` if at
    least two current clusters each hold `PART` of its stores, and each got more than `MOST` of its own stores from it. A
    current cluster is `merged` if at least two clusters of the reference gave it more than `MOST` of their stores, and each
    makes up `PART` of it. Other clusters are `kept` if their number stayed, else `new` or `vanished`.

    Parameters
    ----------
    before, now : cluster by store (index: store_id)

    Returns
    -------
    One row per number, sorted: cluster, change, stores_before, stores_now, stores_kept, words. Empty if both are empty.

    References
    ----------
    .. [1] M. Spiliopoulou, I. Ntoutsi, Y. Theodoridis, R. Schult, "MONIC: modeling and monitoring cluster transitions",
       KDD 2006.
    """
    old, new = (sorted(int(cluster) for cluster in side.unique()) for side in (before, now))
    common = before.index.intersection(now.index)
    shared = np.zeros((len(old), len(new)), dtype=np.int64)
    rows = [old.index(int(cluster)) for cluster in before.loc[common]]
    columns = [new.index(int(cluster)) for cluster in now.loc[common]]
    np.add.at(shared, (rows, columns), 1)
    parts, sources = _parts(shared)
    transitions = [_row(cluster, old, new, shared, parts, sources) for cluster in sorted({*old, *new})]
    kinds = {
        "cluster": "int64",
        "change": "str",
        "stores_before": "int64",
        "stores_now": "int64",
        "stores_kept": "int64",
    }
    return pd.DataFrame(transitions, columns=[*kinds, "words"]).astype(kinds | {"words": "str"})


def _parts(shared: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which current clusters (columns) are parts of which clusters of the reference (rows), and which of these are sources."""
    of_old = shared / np.maximum(shared.sum(axis=1, keepdims=True), 1)
    of_new = shared / np.maximum(shared.sum(axis=0, keepdims=True), 1)
    parts = (of_old >= PART) & (of_new > MOST)
    parts &= parts.sum(axis=1, keepdims=True) > 1
    sources = (of_old > MOST) & (of_new >= PART)
    sources &= sources.sum(axis=0, keepdims=True) > 1
    return parts, sources


def _row(
    cluster: int,
    old: list[int],
    new: list[int],
    shared: NDArray[np.int64],
    parts: NDArray[np.bool_],
    sources: NDArray[np.bool_],
) -> tuple[int, str, int, int, int, str]:
    row, column = (side.index(cluster) if cluster in side else None for side in (old, new))
    before = 0 if row is None else int(shared[row].sum())
    after = 0 if column is None else int(shared[:, column].sum())
    stayed = 0 if row is None or column is None else int(shared[row, column])
    change, words = _transition(row, column, old, new, shared, parts, sources)
    return cluster, change, before, after, stayed, words


def _transition(
    row: int | None,
    column: int | None,
    old: list[int],
    new: list[int],
    shared: NDArray[np.int64],
    parts: NDArray[np.bool_],
    sources: NDArray[np.bool_],
) -> tuple[str, str]:
    if row is not None and parts[row].any():
        return SPLIT, f"split into {_listed(new, parts[row] * shared[row])}"
    if column is not None and sources[:, column].any():
        return MERGED, f"merged from {_listed(old, sources[:, column] * shared[:, column])}"
    if row is None and column is not None:
        if parts[:, column].any():
            return SPLIT, f"split from {_listed(old, parts[:, column] * shared[:, column])}"
        return NEW, f"its stores come from {_listed(old, shared[:, column])}"
    if column is None and row is not None:
        if sources[row].any():
            return MERGED, f"merged into {_listed(new, sources[row] * shared[row])}"
        return VANISHED, f"its stores went to {_listed(new, shared[row])}"
    return KEPT, _exchange(row or 0, column or 0, old, new, shared)


def _exchange(row: int, column: int, old: list[int], new: list[int], shared: NDArray[np.int64]) -> str:
    """The stores that a kept cluster lost and gained, in words."""
    lost, gained = shared[row].copy(), shared[:, column].copy()
    lost[column] = gained[row] = 0
    texts = [f"lost to {_listed(new, lost)}"] if lost.any() else []
    texts += [f"gained from {_listed(old, gained)}"] if gained.any() else []
    return "; ".join(texts) or "the same stores, of those that both know"


def _listed(clusters: list[int], stores: NDArray[np.int64]) -> str:
    """The clusters by their number of stores, the most first, such as "3 (12 stores), 1 (4)"."""
    order = sorted(
        (position for position in range(len(clusters)) if stores[position]), key=lambda position: -int(stores[position])
    )
    if not order:
        return "none that both results know"
    texts = [
        f"{clusters[position]} ({int(stores[position])}{'' if rank else ' store' if stores[position] == 1 else ' stores'})"
        for rank, position in enumerate(order)
    ]
    return listed(texts, _SHOWN)
