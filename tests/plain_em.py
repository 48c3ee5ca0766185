"""A textbook's EM for a Gaussian mixture with one shared diagonal covariance: slow, and nothing of ours."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm


def plain_em(matrix: np.ndarray, labels: np.ndarray, k: int, steps: int) -> tuple[np.ndarray, float]:
    """The memberships (n, k) that so many steps from these clusters end with, and the log-likelihood before the last."""
    n = len(matrix)
    r = np.eye(k)[labels]
    for _ in range(steps):
        weights = r.mean(axis=0)
        means = (r.T @ matrix) / r.sum(axis=0)[:, None]
        variances = sum((r[:, c, None] * (matrix - means[c]) ** 2).sum(axis=0) for c in range(k)) / n
        logs = np.stack([norm.logpdf(matrix, means[c], np.sqrt(variances)).sum(axis=1) for c in range(k)], axis=1)
        logs += np.log(weights)
        r = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    return r, float(logsumexp(logs, axis=1).sum())
