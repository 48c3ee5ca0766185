"""BIC of a Gaussian mixture with one shared diagonal covariance."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    log_likelihood = _fit(scaled, labels, k) - 0.5 * n * float(np.log(variances[varying]).sum())
    parameters = k * d + d + (k - 1)
    return float(-2.0 * log_likelihood + parameters * np.log(n))


def _fit(scaled: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> float:
    """The log-likelihood that EM reaches from the clusters given."""
    import numpy as np

    n = len(scaled)
    memberships = (labels[:, None] == np.arange(k)).astype(np.float64)
    squares = np.square(scaled).sum(axis=0)
    reached = -np.inf
    for _ in range(_MAX_ITERATIONS):
        sizes = np.maximum(memberships.sum(axis=0), np.finfo(np.float64).tiny)
        means = (memberships.T @ scaled) / sizes[:, None]
        variances = np.maximum((squares - (sizes[:, None] * means**2).sum(axis=0)) / n, VARIANCE_FLOOR)
        logs = _log_densities(scaled, means, variances) + np.log(sizes / n)
        top = logs.max(axis=1, keepdims=True)
        memberships = np.exp(logs - top)
        totals = memberships.sum(axis=1, keepdims=True)
        memberships /= totals
        log_likelihood = float((top + np.log(totals)).sum())
        if k == 1 or log_likelihood - reached < _TOLERANCE * n:
            break
        reached = log_likelihood
    return max(log_likelihood, reached)


def _log_densities(
    scaled: NDArray[np.float64], means: NDArray[np.float64], variances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log-density (n, k) of every store under every component."""
    import numpy as np

    deviations = np.sqrt(variances)
    points, centres = scaled / deviations, means / deviations
    squares = (points**2).sum(axis=1)[:, None] - 2.0 * points @ centres.T + (centres**2).sum(axis=1)
    logs: NDArray[np.float64] = -0.5 * (squares + np.log(2.0 * np.pi * variances).sum())
    return logs
