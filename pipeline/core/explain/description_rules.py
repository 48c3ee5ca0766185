"""Rules in words that approximate the clusters: the leaves of a small surrogate tree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from pipeline.core.explain.readings import Readings, condition, roundest_between
from pipeline.core.statistics.features import value_order

DEPTH = 3  # at most eight rules, which people can follow
FOLDS = 5
FEWEST_STORES = 5  # in a leaf; or half the smallest cluster, if that is less
_PURPOSE = 12  # a stream of random numbers; the clustering uses 0 to 3, 10 and 11

_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -10, 100  # powers of two; a feature between them is not rescaled for the tree

Bounds = tuple[tuple[int, float, bool], ...]  # (feature, threshold, whether above it), from the root down


class Leaf(NamedTuple):
    """A leaf of the tree: the path to it, the stores in it (n,), and its cluster."""

    path: Bounds
    stores: NDArray[np.bool_]
    cluster: int


def description_rules(readings: Readings, clusters: pd.DataFrame, random_state: int) -> pd.DataFrame:
    """The leaves of a surrogate tree in words [1]_.

    A classification tree [2]_ of depth `DEPTH` learns the clusters from the features in units for people. Neighbouring leaves
    with the same cluster become one. Each threshold is the roundest number that separates the same stores. A cluster
    without a leaf has no rule: if there are more clusters than the tree can separate, the smallest have none.

    Fidelity is the cross-validated share of stores whose cluster the tree predicts, over `FOLDS` stratified parts; a
    cluster of one store is never predicted.

    Parameters
    ----------
    readings : the features of all stores of the clusters
    clusters : store_id and cluster
    random_state : the seed of the folds and of the tree's choice between equally good features

    Returns
    -------
    rule, cluster, words, stores, purity, coverage, fidelity, largest_share, as in pipeline.schema. One rule, "every
    store", with a null fidelity, if there is one cluster. Empty without stores.

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
    """The values in single precision, as scikit-learn splits them.

    A feature that is too large for single precision, or so small that scikit-learn would ignore its differences, is scaled
    by a power of two; the order of its values stays.
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
    """The fold (n,), from 0 to `FOLDS` - 1, of each store: the shuffled stores of each cluster are
    assigned in turn.

    The turn continues from cluster to cluster, so the sizes of the folds differ by at most one store.
    """
    fold = np.empty(len(labels), dtype=np.int64)
    dealt = 0
    for cluster in np.unique(labels):
        members = np.flatnonzero(labels == cluster)
        fold[random.permutation(members)] = (dealt + np.arange(len(members))) % FOLDS
        dealt += len(members)
    return fold


def _leaves(
    tree: DecisionTreeClassifier,
    as_split: NDArray[np.float32],
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
) -> list[Leaf]:
    """The leaves of the tree; neighbouring leaves with the same cluster are joined."""
    grown = tree.tree_

    def below(node: int, path: Bounds, stores: NDArray[np.bool_]) -> list[Leaf]:
        feature = int(grown.feature[node])
        if feature < 0:
            return [Leaf(path, stores, int(np.bincount(labels[stores]).argmax()))]
        left = stores & (as_split[:, feature] <= grown.threshold[node])
        right = stores & ~left
        threshold = roundest_between(float(values[left, feature].max()), float(values[right, feature].min()))
        leaves = [
            leaf
            for child, part, above in (
                (grown.children_left[node], left, False),
                (grown.children_right[node], right, True),
            )
            for leaf in below(int(child), (*path, (feature, threshold, above)), part)
        ]
        if len({leaf.cluster for leaf in leaves}) == 1:
            return [Leaf(path, stores, leaves[0].cluster)]
        return leaves

    return below(0, (), np.ones(len(values), dtype=bool))


def _words(path: Bounds, names: list[str], readings: Readings) -> str:
    if not path:
        return "every store"
    conditions: list[str] = []
    for feature in dict.fromkeys(feature for feature, _, _ in path):
        above = [threshold for used, threshold, is_above in path if used == feature and is_above]
        at_most = [threshold for used, threshold, is_above in path if used == feature and not is_above]
        kind = readings.kinds[names[feature]]
        text = condition(names[feature], kind, max(above, default=None), min(at_most, default=None))
        conditions.append(f"{text} of sales" if kind == "share" and not conditions else text)
    return " and ".join(conditions)


def _table(leaves: list[Leaf], labels: NDArray[np.int64], words: list[str], fidelity: float) -> pd.DataFrame:
    sizes = np.bincount(labels) if len(labels) else np.zeros(1, dtype=np.int64)
    stores = np.array([leaf.stores.sum() for leaf in leaves], dtype=np.int64)
    predicted = np.array([leaf.cluster for leaf in leaves], dtype=np.int64)
    right = np.array([(labels[leaf.stores] == leaf.cluster).sum() for leaf in leaves], dtype=np.float64)
    return pd.DataFrame(
        {
            "rule": np.arange(1, len(leaves) + 1),
            "cluster": predicted,
            "words": words,
            "stores": stores,
            "purity": right / np.maximum(stores, 1),
            "coverage": right / np.maximum(sizes[predicted] if len(leaves) else 1, 1),
            "fidelity": np.full(len(leaves), fidelity),
            "largest_share": np.full(len(leaves), sizes.max() / max(len(labels), 1)),
        }
    )
