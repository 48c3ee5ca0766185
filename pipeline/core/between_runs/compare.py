"""Compare two results: how far they agree per category, and which stores moved."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

MIN_JACCARD = 0.3  # clusters that overlap less do not match
OVERRIDDEN = "overridden"  # the column of store_clusters, which older results do not have
_SAME_LABEL = 1e-9  # in a tie, prefers the matching that keeps labels; one store in 10 000 counts more
_AGREEMENT = {
    "category": "str",
    "stores": "int64",
    "only_before": "int64",
    "only_after": "int64",
    "k_before": "int64",
    "k_after": "int64",
    "adjusted_rand": "float64",
    "moved": "int64",
    "moved_share": "float64",
}
_MOVES = {"store_id": "str", "category": "str", "before": "int64", "after": "int64", "expected": "Int64"}


def compare(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Compare two results, per category.

    A store in both results has moved if its new cluster is not the match of its old cluster (`matched`), also if the old
    cluster has no match. Stores in only one result are counted, but have not moved.

    Parameters
    ----------
    before, after : store_id, category (texts) and cluster (integer), one row per store and category; other
        columns are ignored. `(none)` is a category like the others

    Returns
    -------
    agreement : one row per category of either result, sorted: category, stores (in both), only_before, only_after
        (stores), k_before, k_after (clusters, over all stores of the result), adjusted_rand (-1..1, chance is 0; NaN
        without a common store), moved (stores), moved_share (0..1 of `stores`; NaN without a common store)
    moves : one row per store that moved, sorted by category and store: store_id, category, before, after (clusters),
        expected (the match of `before`; null if it has none)

    Both are empty if both inputs are empty.

    Sources
    -------
    Adjusted Rand index: Hubert & Arabie (1985), Comparing partitions, Journal of Classification 2, 193-218.
    """
    categories = sorted({*before["category"], *after["category"]})
    old_by, new_by = _clusters_by_category(before), _clusters_by_category(after)
    nothing: pd.Series[int] = pd.Series([], index=pd.Index([], dtype="object"), dtype="int64")
    agreement, moves = [], []
    for category in categories:
        old, new = old_by.get(category, nothing), new_by.get(category, nothing)
        common = sorted(set(old.index) & set(new.index))
        moved = _moved(category, old.loc[common], new.loc[common])
        agreement.append(_row(category, old, new, common, len(moved)))
        if len(moved):
            moves.append(moved)
    agreement_table = pd.DataFrame(agreement, columns=list(_AGREEMENT)).astype(_AGREEMENT)
    listed = pd.concat(moves, ignore_index=True) if moves else pd.DataFrame(columns=list(_MOVES))
    return {"agreement": agreement_table, "moves": listed.astype(_MOVES)}


def by_hand(*results: pd.DataFrame) -> set[tuple[str, str]]:
    """The stores and categories that an override places in one of the results; an older result may not say so."""
    placed = (result[result[OVERRIDDEN].astype(bool)] for result in results if OVERRIDDEN in result)
    return {pair for rows in placed for pair in zip(rows["store_id"], rows["category"], strict=True)}


def matched(before: pd.Series[int], after: pd.Series[int]) -> dict[int, int]:
    """The pairs of matching clusters of two results.

    Clusters are paired one to one so that the sum of the Jaccard indices of the pairs, |both| / |either| in stores, is
    largest (Hungarian method); only pairs with at least `MIN_JACCARD` count. Of equally good matchings, the one that keeps
    the most labels is taken.

    Parameters
    ----------
    before, after : cluster by store (index: store_id), of the same stores

    Returns
    -------
    The cluster after, by the cluster before; clusters without a match are left out. Empty without stores.

    Sources
    -------
    Kuhn (1955), The Hungarian method for the assignment problem, Naval Research Logistics Quarterly 2, 83-97.
    Jaccard (1912), The distribution of the flora in the alpine zone, New Phytologist 11, 37-50.
    """
    if before.empty:
        return {}
    shared = pd.crosstab(before, after.reindex(before.index))
    rows, columns = shared.index.to_numpy(), shared.columns.to_numpy()
    both = shared.to_numpy(dtype="float64")
    jaccard = both / (both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both)
    counted = np.where(jaccard >= MIN_JACCARD, jaccard + _SAME_LABEL * (rows[:, None] == columns[None, :]), 0.0)
    pairs = zip(*linear_sum_assignment(counted, maximize=True), strict=True)
    return {int(rows[row]): int(columns[column]) for row, column in pairs if counted[row, column] > 0.0}


def _clusters_by_category(placed: pd.DataFrame) -> dict[str, pd.Series[int]]:
    by_store = placed.set_index("store_id")
    return {str(category): rows["cluster"] for category, rows in by_store.groupby("category", sort=True)}


def _moved(category: str, before: pd.Series[int], after: pd.Series[int]) -> pd.DataFrame:
    """The stores that moved, among the stores in both results."""
    match = matched(before, after)
    expected = pd.array([match.get(int(cluster), pd.NA) for cluster in before], dtype="Int64")
    table = pd.DataFrame(
        {
            "store_id": before.index,
            "category": category,
            "before": before.to_numpy(),
            "after": after.to_numpy(),
            "expected": expected,
        }
    )
    stays = (table["expected"] == table["after"]).fillna(False).astype(bool)
    return table[~stays].reset_index(drop=True)


def _row(category: str, old: pd.Series[int], new: pd.Series[int], common: list[str], moved: int) -> dict[str, object]:
    return {
        "category": category,
        "stores": len(common),
        "only_before": len(old) - len(common),
        "only_after": len(new) - len(common),
        "k_before": old.nunique(),
        "k_after": new.nunique(),
        "adjusted_rand": _adjusted_rand(old.loc[common], new.loc[common]),
        "moved": moved,
        "moved_share": moved / len(common) if common else float("nan"),
    }


def _adjusted_rand(before: pd.Series[int], after: pd.Series[int]) -> float:
    if before.empty:
        return float("nan")
    with warnings.catch_warnings():
        # scikit-learn warns about many small clusters, which look like a regression target
        warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
        return float(adjusted_rand_score(before.to_numpy(), after.to_numpy()))
