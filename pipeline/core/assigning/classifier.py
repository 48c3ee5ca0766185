"""Predict a category's clusters from the stores' surroundings, if cross-validation shows that this works."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

FOLDS = 5
BEYOND = 1.645  # standard errors above the largest cluster's share: by chance once in twenty times
_SEED = 0  # of the folds
_MAX_ITERATIONS = 1000


class Classifier(NamedTuple):
    """The classifier: its accuracy (NaN if not tried), the majority (NaN without stores), whether it is used, and why.

    If it is used, `clusters` (c,) are the clusters that it predicts, with `intercepts` (c,) and `coefficients` (c, d); else
    they are empty.
    """

    accuracy: float
    majority: float
    used: bool
    reason: str
    clusters: NDArray[np.int64]
    intercepts: NDArray[np.float64]
    coefficients: NDArray[np.float64]


def classifier(values: NDArray[np.float64], clusters: NDArray[np.int64], k: int) -> Classifier:
    """Multinomial logistic regression of the clusters on the outside data [1]_, if it beats predicting the largest cluster.

    Its accuracy is the mean, over `FOLDS` stratified folds (fewer if the smallest cluster has fewer stores), of the share of
    left-out stores whose cluster it predicts. It is used if the accuracy exceeds the largest cluster's share by more than
    `BEYOND` standard errors of the accuracy, sqrt(a (1 - a) / n). Features are divided by their standard deviations; the L2
    penalty is C = 1. The order of the rows must not depend on names, because the folds depend on it.

    Parameters
    ----------
    values : (n, d) the scaled outside data of the stores that have it
    clusters : (n,) their clusters on the sales mix
    k : the number of clusters of the category, also those without such a store

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani, J. Friedman, "The elements of statistical learning", 2009, 4.4 and 7.10.
    """
    numbers, counts = np.unique(clusters, return_counts=True)
    n = len(clusters)
    majority = float(counts.max() / n) if n else math.nan
    unfit = _unfit(k, numbers, counts, values.shape[1])
    if unfit:
        return _unused(math.nan, majority, unfit)
    accuracy = _accuracy(values, clusters, min(FOLDS, int(counts.min())))
    chance = BEYOND * math.sqrt(accuracy * (1.0 - accuracy) / n)
    finding = f"surroundings say the cluster of {accuracy:.0%} of the stores, the largest cluster has {majority:.0%}"
    if accuracy - majority <= chance:
        return _unused(accuracy, majority, f"{finding}: not better by more than chance, {chance:.1%}")
    intercepts, coefficients = _coefficients(values, clusters)
    return Classifier(accuracy, majority, True, finding, numbers, intercepts, coefficients)


def _unfit(k: int, numbers: NDArray[np.int64], counts: NDArray[np.int64], features: int) -> str:
    if k == 1:
        return "there is one cluster"
    if not len(numbers):
        return "the outside data knows no store of the category"
    if not features:
        return "the outside data has no feature"
    if len(numbers) == 1:
        return "all stores that the outside data knows are in one cluster"
    if counts.min() < 2:
        return f"the outside data knows one store of cluster {numbers[counts.argmin()]}"
    return ""


def _unused(accuracy: float, majority: float, reason: str) -> Classifier:
    return Classifier(accuracy, majority, False, reason, np.empty(0, dtype=np.int64), np.empty(0), np.empty((0, 0)))


def _accuracy(values: NDArray[np.float64], clusters: NDArray[np.int64], folds: int) -> float:
    parts = StratifiedKFold(folds, shuffle=True, random_state=_SEED).split(values, clusters)
    right = []
    for learned, left_out in parts:
        numbers = np.unique(clusters[learned])
        intercepts, coefficients = _coefficients(values[learned], clusters[learned])
        scores = values[left_out] @ coefficients.T + intercepts
        right.append((numbers[scores.argmax(axis=1)] == clusters[left_out]).mean())
    return float(np.mean(right))


def _coefficients(
    values: NDArray[np.float64], clusters: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intercepts (c,) and coefficients (c, d) of the scores, for unscaled values; clusters in order of number."""
    mean = values.mean(axis=0)
    widths = np.where(values.max(axis=0) > values.min(axis=0), values.std(axis=0), 1.0)
    fitted = LogisticRegression(max_iter=_MAX_ITERATIONS).fit((values - mean) / widths, clusters)
    coefficients, intercepts = fitted.coef_ / widths, fitted.intercept_
    if len(coefficients) == 1:  # with two clusters, scikit-learn scores only the second
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([[0.0], intercepts])
    return intercepts - coefficients @ mean, coefficients
