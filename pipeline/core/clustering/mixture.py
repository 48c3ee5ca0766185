"""Gaussian mixtures with one shared diagonal covariance: EM, and the BIC."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VARIANCE_FLOOR = 1e-3  # of a feature's whole variance: a feature that is constant within clusters must not win alone
_TOLERANCE = 1e-7  # gain of the mean log-likelihood below which EM ends
_MAX_ITERATIONS = 500


def bic(matrix: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> float:
    """BIC = -2 log L + p log n [1]_ of the mixture that EM [2]_ finds from the clusters given; lower is better.

    The mixture has k means, k weights and one diagonal covariance for all its components: p = k d + d + (k - 1), with d
    the features that vary. For k = 1 the maximum is known: the mean and the variances of the data.

    Parameters
    ----------
    matrix : (n, d) the stores fitted
    labels : (n,) their clusters, from 0; each of the k clusters has a store
    k : number of clusters

    Returns
    -------
    The BIC; 0.0 where no feature varies. Variances are held above `VARIANCE_FLOOR` of the feature's whole variance.

    References
    ----------
    .. [1] G. Schwarz, "Estimating the dimension of a model", Ann. Statist. 6(2), 1978; for mixtures C. Fraley,
       A. E. Raftery, "Model-based clustering, discriminant analysis, and density estimation", JASA 97, 2002.
    .. [2] A. P. Dempster, N. M. Laird, D. B. Rubin, "Maximum likelihood from incomplete data via the EM algorithm",
       J. R. Stat. Soc. B 39(1), 1977.
    """
    import numpy as np

    variances = matrix.var(axis=0)
    varying = variances > 0
    if not varying.any():
        return 0.0
    # Each feature is measured in its own standard deviations, which keeps the sums well conditioned; the log-likelihood
    # is put back in the features' units by the log-determinant of that change.
    scaled = (matrix[:, varying] - matrix[:, varying].mean(axis=0)) / np.sqrt(variances[varying])
    n, d = scaled.shape
    memberships = (labels[:, None] == np.arange(k)).astype(np.float64)
    found = fit(scaled[None], np.ones((1, n)), memberships[None])
    log_likelihood = float(found.log_likelihoods[0]) - 0.5 * n * float(np.log(variances[varying]).sum())
    parameters = k * d + d + (k - 1)
    return float(-2.0 * log_likelihood + parameters * np.log(n))


class Mixture(NamedTuple):
    """m fitted mixtures of k components in d features, each with one shared diagonal covariance.

    `means` (m, k, d), `variances` (m, d), `proportions` (m, k), `log_likelihoods` (m,).
    """

    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    proportions: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]


def fit(points: NDArray[np.float64], weights: NDArray[np.float64], memberships: NDArray[np.float64]) -> Mixture:
    """The mixtures that EM finds from the memberships given, all of them side by side.

    Parameters
    ----------
    points : (m, n, d), or (1, n, d) for all alike; every feature of about unit variance, of which `VARIANCE_FLOOR` is
        the least that a component may have
    weights : (m, n) how often each point counts
    memberships : (m, n, k) to start from, 0..1
    """
    import numpy as np

    total = weights.sum(axis=1)
    squares = np.matmul(weights[:, None, :], points**2)[:, 0, :]
    found = [
        np.empty((len(weights), memberships.shape[2], points.shape[2])),
        np.empty((len(weights), points.shape[2])),
        np.empty((len(weights), memberships.shape[2])),
        np.full(len(weights), -np.inf),
    ]
    left = np.arange(len(weights))
    for _ in range(_MAX_ITERATIONS):
        of_left = points if len(points) == 1 else points[left]
        counted = memberships * weights[left, :, None]
        sizes = np.maximum(counted.sum(axis=1), np.finfo(np.float64).tiny)
        means = counted.transpose(0, 2, 1) @ of_left / sizes[:, :, None]
        within = squares[left] - (sizes[:, :, None] * means**2).sum(axis=1)
        variances = np.maximum(within / total[left, None], VARIANCE_FLOOR)
        proportions = sizes / total[left, None]
        memberships, logs = _expect(of_left, means, variances, proportions)
        reached = (weights[left] * logs).sum(axis=1)
        better = reached > found[3][left]
        gain = reached - found[3][left]
        for kept, now in zip(found, (means, variances, proportions, reached), strict=True):
            kept[left[better]] = now[better]
        going = gain >= _TOLERANCE * total[left]
        if memberships.shape[2] == 1 or not going.any():
            break
        left, memberships = left[going], memberships[going]
    return Mixture(*found)


def posteriors(points: NDArray[np.float64], mixture: Mixture) -> NDArray[np.float64]:
    """How likely each of n points (1, n, d) belongs to each component: (m, n, k), rows sum to 1."""
    return _expect(points, mixture.means, mixture.variances, mixture.proportions)[0]


def _expect(
    points: NDArray[np.float64],
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
    proportions: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The posteriors (m, n, k), and the log-density (m, n) of every point under the whole mixture."""
    import numpy as np

    deviations = np.sqrt(variances)[:, None, :]
    near, centres = points / deviations, means / deviations
    squares = (near**2).sum(axis=2)[:, :, None] - 2.0 * near @ centres.transpose(0, 2, 1)
    squares += (centres**2).sum(axis=2)[:, None, :]
    constants = np.log(proportions) - 0.5 * np.log(2.0 * np.pi * variances).sum(axis=1)[:, None]
    logs = -0.5 * squares + constants[:, None, :]
    top = logs.max(axis=2, keepdims=True)
    memberships = np.exp(logs - top)
    totals = memberships.sum(axis=2, keepdims=True)
    return memberships / totals, (top + np.log(totals))[:, :, 0]
