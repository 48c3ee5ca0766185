"""Rules that say the clusters nearly as well as the clustering: a small tree in the clustering's place, in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from pipeline.core.explain.readings import Readings, condition, roundest_between
from pipeline.core.statistics.features import value_order

DEPTH = 3  # what a person can follow: eight rules at most
FOLDS = 5
FEWEST_STORES = 5  # of a leaf; half the smallest cluster, where that is less
_PURPOSE = 12  # what a stream of random numbers is for; the clustering uses 0 to 3, 10 and 11

_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -10, 100  # of two, of a feature that the tree splits as it is

Bounds = tuple[tuple[int, float, bool], ...]  # (feature, threshold, whether above it), from the root down


class Leaf(NamedTuple):
    """A leaf of the tree: what leads to it, the stores in it (n,), and the cluster that it says."""

    path: Bounds
    stores: NDArray[np.bool_]
    cluster: int


def rules(readings: Readings, clusters: pd.DataFrame, random_state: int) -> pd.DataFrame:
    """A surrogate tree's leaves in words [1]_.

    A classification tree [2]_ of depth `DEPTH` learns the clusters from the features as people read them. Leaves side by
    side that say the same cluster are one. Each threshold is the roundest number that parts the same stores. A cluster
    that no leaf says has no rule: with more clusters than the tree can tell apart, the smallest have none.

    Fidelity is the share of the stores whose cluster a tree says that was learned without them, over `FOLDS` parts that
    each hold the same share of every cluster; a cluster of one store is then never right.

    Parameters
    ----------
    readings : of all stores of the clusters
    clusters : store_id and cluster
    random_state : the seed of the folds and of the tree's choice between equally good features

    Returns
    -------
    rule, cluster, words, stores, purity, coverage, fidelity, largest_share, as in pipeline.schema. One rule, "every
    store", where there is one cluster; fidelity is null there. Without stores no rows.

    References
    ----------
    .. [1] M. W. Craven, J. W. Shavlik, "Extracting tree-structured representations of trained networks", NIPS 1995.
    .. [2] L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone, "Classification and regression trees", 1984.
    """
    names = [str(name) for name in readings.values.columns]
    values = readings.values.to_numpy(dtype=np.float64)
    order = value_order(values)
    values = values[order]
    labels = clusters.set_index("store_id")["cluster"].reindex(readings.values.index).to_numpy(dtype=np.int64)[order]
    if not len(labels):
        return _table([], labels, [], np.nan)
    several = len(np.unique(labels)) > 1
    if several and values.shape[1]:
        to_split = _as_split(values)
        leaves = _leaves(_fitted(to_split, labels, random_state), to_split, values, labels)
        fidelity = _fidelity(to_split, labels, random_state)
    else:
        largest = int(np.bincount(labels).argmax())
        leaves = [Leaf((), np.ones(len(labels), dtype=bool), largest)]
        fidelity = float((labels == largest).mean()) if several else np.nan
    leaves = sorted(leaves, key=lambda leaf: (leaf.cluster, -int(leaf.stores.sum())))
    words = [_words(leaf.path, names, readings) for leaf in leaves]
    return _table(leaves, labels, words, fidelity).astype({"words": pd.Series(words, dtype="str").dtype})


def _as_split(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The values as scikit-learn splits them, in single precision.

    A feature that is too large for that is divided by a power of two, and one so small that the differences in it would be
    taken for none is multiplied by one: the order of the stores in it stays.
    """
    _, exponents = np.frexp(np.abs(values).max(axis=0))
    fits = (exponents > _SMALLEST_EXPONENT) & (exponents < _LARGEST_EXPONENT)
    return np.ldexp(values, np.where(fits, 0, -exponents)).astype(np.float32)


def _fitted(values: NDArray[np.float32], labels: NDArray[np.int64], random_state: int) -> DecisionTreeClassifier:
    smallest = int(np.unique(labels, return_counts=True)[1].min())
    fewest = min(FEWEST_STORES, (smallest + 1) // 2)
    tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=fewest, random_state=random_state)
    return tree.fit(values, labels)


def _fidelity(values: NDArray[np.float32], labels: NDArray[np.int64], random_state: int) -> float:
    fold = folds(labels, np.random.default_rng([random_state, _PURPOSE]))
    right = 0
    for held_out in np.unique(fold):
        test = fold == held_out
        if test.all():
            continue
        right += int((_fitted(values[~test], labels[~test], random_state).predict(values[test]) == labels[test]).sum())
    return right / len(labels)


def folds(labels: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """The fold (n,), from 0 to `FOLDS` - 1, of each store: each cluster's stores, shuffled, are dealt out in turn.

    The dealing goes on from cluster to cluster, so that the folds are of one size too, give or take a store.
    """
    found = np.empty(len(labels), dtype=np.int64)
    dealt = 0
    for cluster in np.unique(labels):
        members = np.flatnonzero(labels == cluster)
        found[random.permutation(members)] = (dealt + np.arange(len(members))) % FOLDS
        dealt += len(members)
    return found


def _leaves(
    tree: DecisionTreeClassifier,
    as_split: NDArray[np.float32],
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
) -> list[Leaf]:
    """The tree's leaves, those side by side that say the same as one."""
    grown = tree.tree_

    def below(node: int, path: Bounds, stores: NDArray[np.bool_]) -> list[Leaf]:
        feature = int(grown.feature[node])
        if feature < 0:
            return [Leaf(path, stores, int(np.bincount(labels[stores]).argmax()))]
        left = stores & (as_split[:, feature] <= grown.threshold[node])
        right = stores & ~left
        threshold = roundest_between(float(values[left, feature].max()), float(values[right, feature].min()))
        found = [
            leaf
            for child, part, above in (
                (grown.children_left[node], left, False),
                (grown.children_right[node], right, True),
            )
            for leaf in below(int(child), (*path, (feature, threshold, above)), part)
        ]
        if len({leaf.cluster for leaf in found}) == 1:
            return [Leaf(path, stores, found[0].cluster)]
        return found

    return below(0, (), np.ones(len(values), dtype=bool))


def _words(path: Bounds, names: list[str], readings: Readings) -> str:
    if not path:
        return "every store"
    said: list[str] = []
    for feature in dict.fromkeys(feature for feature, _, _ in path):
        above = [threshold for one, threshold, is_above in path if one == feature and is_above]
        at_most = [threshold for one, threshold, is_above in path if one == feature and not is_above]
        kind = readings.kinds[names[feature]]
        text = condition(names[feature], kind, max(above, default=None), min(at_most, default=None))
        said.append(f"{text} of sales" if kind == "share" and not said else text)
    return " and ".join(said)


def _table(leaves: list[Leaf], labels: NDArray[np.int64], words: list[str], fidelity: float) -> pd.DataFrame:
    sizes = np.bincount(labels) if len(labels) else np.zeros(1, dtype=np.int64)
    stores = np.array([leaf.stores.sum() for leaf in leaves], dtype=np.int64)
    said = np.array([leaf.cluster for leaf in leaves], dtype=np.int64)
    right = np.array([(labels[leaf.stores] == leaf.cluster).sum() for leaf in leaves], dtype=np.float64)
    return pd.DataFrame(
        {
            "rule": np.arange(1, len(leaves) + 1),
            "cluster": said,
            "words": words,
            "stores": stores,
            "purity": right / np.maximum(stores, 1),
            "coverage": right / np.maximum(sizes[said] if len(leaves) else 1, 1),
            "fidelity": np.full(len(leaves), fidelity),
            "largest_share": np.full(len(leaves), sizes.max() / max(len(labels), 1)),
        }
    )
