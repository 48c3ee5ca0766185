"""Mixtures with one shared diagonal covariance: EM, and the BIC. Features of two values have chances in place of means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering.points import Points, Scale

VARIANCE_FLOOR = 1e-3  # of a feature's whole variance: a feature that is constant within clusters must not win alone
_TOLERANCE = 1e-7  # gain of the mean log-likelihood below which EM ends
_MAX_ITERATIONS = 500


def bic(matrix: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> float:
    """BIC = -2 log L + p log n [1]_ of the mixture that EM [2]_ finds from the given clusters; lower is better.

    The mixture has k means, k weights and one diagonal covariance for all its components: p = k d + d + (k - 1), with d
    the features that vary. For k = 1 the maximum is the mean and the variances of the data.

    A feature of two values has a chance per component in place of a mean, so that it counts only if it goes with
    others: a Gaussian has no variance within each of the two values, and would split every cluster by them. The
    flags of one categorical feature (`points.Scale`) are its levels, independent of the numbers within a component [3]_;
    p then counts k chances for each level but one.

    Parameters
    ----------
    matrix : (n, d) the fitted stores
    labels : (n,) their clusters, from 0; each of the k clusters has a store
    k : number of clusters

    Returns
    -------
    The BIC; 0.0 if no feature varies. Variances are at least `VARIANCE_FLOOR` times the feature's whole variance.

    References
    ----------
    .. [1] G. Schwarz, "Estimating the dimension of a model", Ann. Statist. 6(2), 1978; for mixtures C. Fraley,
       A. E. Raftery, "Model-based clustering, discriminant analysis, and density estimation", JASA 97, 2002.
    .. [2] A. P. Dempster, N. M. Laird, D. B. Rubin, "Maximum likelihood from incomplete data via the EM algorithm",
       J. R. Stat. Soc. B 39(1), 1977.
    .. [3] L. Hunt, M. Jorgensen, "Mixture model clustering using the MULTIMIX program", Aust. N. Z. J. Stat. 41(2), 1999.
    """
    scale = Scale(matrix)
    numbers, chances = scale.features()
    if not numbers + chances:
        return 0.0
    # Each feature is measured in its own standard deviations, which keeps the sums well conditioned; the log-likelihood
    # is put back in the features' units by the log-determinant of that change.
    memberships = (labels[:, None] == np.arange(k)).astype(np.float64)
    n = len(matrix)
    fitted = fit(scale.of(matrix), np.ones((1, n)), memberships[None])
    log_likelihood = float(fitted.log_likelihoods[0]) - n * scale.log_determinant()
    parameters = k * numbers + numbers + k * chances + (k - 1)
    return float(-2.0 * log_likelihood + parameters * np.log(n))


class Mixture(NamedTuple):
    """m fitted mixtures of k components in d numbers and l levels, each with one shared diagonal covariance.

    `means` (m, k, d), `variances` (m, d), `chances` (m, k, l) of each level, `proportions` (m, k), `log_likelihoods` (m,).
    """

    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    chances: NDArray[np.float64]
    proportions: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]


def fit(points: Points, weights: NDArray[np.float64], memberships: NDArray[np.float64]) -> Mixture:
    """The mixtures that EM finds from the given memberships, all at once.

    If no point of a component has a level, its chance would be 0, and stay 0. So each component gets one more point,
    which has each level as often as all points.

    Parameters
    ----------
    points : m sets, or one set for all; the numbers have about unit variance, and a component's variance is at least
        `VARIANCE_FLOOR`
    weights : (m, n) how often each point counts
    memberships : (m, n, k) to start from, 0..1
    """
    total = weights.sum(axis=1)
    squares = np.matmul(weights[:, None, :], points.numbers**2)[:, 0, :]
    usual = np.matmul(weights[:, None, :], points.levels) / total[:, None, None]
    m, k = len(weights), memberships.shape[2]
    best = [
        np.empty((m, k, points.numbers.shape[2])),
        np.empty((m, points.numbers.shape[2])),
        np.empty((m, k, points.levels.shape[2])),
        np.empty((m, k)),
        np.full(m, -np.inf),
    ]
    left = np.arange(m)
    for _ in range(_MAX_ITERATIONS):
        counted = memberships * weights[:, :, None]
        sizes = np.maximum(counted.sum(axis=1), np.finfo(np.float64).tiny)
        means = counted.transpose(0, 2, 1) @ points.numbers / sizes[:, :, None]
        within = squares - (sizes[:, :, None] * means**2).sum(axis=1)
        variances = np.maximum(within / total[:, None], VARIANCE_FLOOR)
        chances = (counted.transpose(0, 2, 1) @ points.levels + usual) / (sizes[:, :, None] + 1.0)
        proportions = sizes / total[:, None]
        memberships, logs = _expect(points, means, variances, chances, proportions)
        reached = (weights * logs).sum(axis=1) - 0.5 * (squares / variances).sum(axis=1)
        gain = reached - best[-1][left]
        better, going = gain > 0, gain >= _TOLERANCE * total
        for of_best, now in zip(best, (means, variances, chances, proportions, reached), strict=True):
            of_best[left[better]] = now[better]
        if k == 1 or not going.any():
            break
        if not going.all():
            left, memberships, weights, squares = left[going], memberships[going], weights[going], squares[going]
            total, usual = total[going], usual[going]
            points = points if len(points.numbers) == 1 else Points(*(of_all[going] for of_all in points))
    return Mixture(*best)


def _expect(
    points: Points,
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
    chances: NDArray[np.float64],
    proportions: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The posteriors (m, n, k), and the log-density of every point (m, n) without the squares of its numbers.

    The squares are -(x / deviation) ** 2 / 2, summed over the numbers: equal in all components, because the variances are shared.
    """
    scaled = means / variances[:, None, :]
    constants = np.log(proportions) - 0.5 * (
        np.log(2.0 * np.pi * variances).sum(axis=1)[:, None] + (scaled * means).sum(axis=2)
    )
    logs = points.numbers @ scaled.transpose(0, 2, 1) + constants[:, None, :]
    if points.levels.shape[2]:
        possible = np.maximum(chances, np.finfo(np.float64).tiny)  # a level that a resample has not drawn
        logs += points.levels @ np.log(possible).transpose(0, 2, 1)
    top = logs.max(axis=2, keepdims=True)
    memberships = np.exp(logs - top)
    totals = memberships.sum(axis=2, keepdims=True)
    return memberships / totals, (top + np.log(totals))[:, :, 0]
