"""BIC of the mixture, against scikit-learn, SciPy and the closed form."""

from __future__ import annotations

import numpy as np
import pytest
from plain_em import plain_em
from scipy.stats import norm

from pipeline.core.clustering.mixture import bic


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal(size=(120, 3)) * [1.0, 0.1, 5.0] + 3.0 * random.integers(0, 2, 120)[:, None]


def test_one_cluster_has_the_closed_form(matrix):
    log_likelihood = norm.logpdf(matrix, matrix.mean(axis=0), matrix.std(axis=0)).sum()
    assert bic(matrix, np.zeros(120, int), 1) == pytest.approx(-2 * log_likelihood + 6 * np.log(120))


def test_the_mixture_is_a_maximum_that_a_plain_em_reaches(matrix):
    k, n, d = 3, 120, 3
    labels = np.arange(n) % k
    _, log_likelihood = plain_em(matrix, labels, k, 1_000)
    expected = -2 * log_likelihood + (k * d + d + k - 1) * np.log(n)
    assert bic(matrix, labels, k) == pytest.approx(expected, abs=0.05)


def test_the_unit_of_a_feature_adds_the_same_to_every_k(matrix):
    labels = (matrix[:, 1] > 1.5).astype(int)
    changed = matrix * [1.0, 1_000.0, 1.0]
    shift = 2 * 120 * np.log(1_000.0)
    assert bic(changed, np.zeros(120, int), 1) - bic(matrix, np.zeros(120, int), 1) == pytest.approx(shift)
    assert bic(changed, labels, 2) - bic(matrix, labels, 2) == pytest.approx(shift)


def test_planted_clusters_lower_the_bic_and_noise_does_not(matrix):
    planted = (matrix[:, 1] > 1.5).astype(int)
    assert bic(matrix, planted, 2) < bic(matrix, np.zeros(120, int), 1) - 100
    noise = np.random.default_rng(1).normal(size=(120, 8))
    assert bic(noise, (noise[:, 0] > 0).astype(int), 2) > bic(noise, np.zeros(120, int), 1)


def test_a_constant_feature_changes_nothing(matrix):
    labels = (matrix[:, 1] > 1.5).astype(int)
    assert bic(np.column_stack([matrix, np.full(120, 7.0)]), labels, 2) == bic(matrix, labels, 2)


def test_stores_that_do_not_differ_have_a_finite_bic():
    assert bic(np.ones((5, 2)), np.zeros(5, int), 1) == 0.0
    assert bic(np.empty((5, 0)), np.zeros(5, int), 1) == 0.0
    two = np.repeat([[0.0], [1.0]], 4, axis=0)
    assert np.isfinite(bic(two, np.repeat([0, 1], 4), 2))
