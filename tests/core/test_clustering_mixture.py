"""BIC of the mixture, against scikit-learn, SciPy and the closed form."""

from __future__ import annotations

import numpy as np
import pytest
from plain_em import plain_em
from scipy.stats import norm

from pipeline.core.clustering.mixture import bic
from pipeline.core.clustering.points import Scale


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


@pytest.fixture(scope="module")
def area() -> np.ndarray:
    """Flags of a feature with three levels that says nothing of the numbers."""
    return np.eye(3)[np.random.default_rng(2).integers(0, 3, 120)]


def test_one_cluster_of_numbers_and_flags_has_the_closed_form(matrix, area):
    flag = np.random.default_rng(3).integers(0, 2, 120)
    log_likelihood = norm.logpdf(matrix, matrix.mean(axis=0), matrix.std(axis=0)).sum()
    for counts in (area.sum(axis=0), np.bincount(flag)):
        log_likelihood += (counts * np.log(counts / 120)).sum()
    found = bic(np.column_stack([matrix, area, flag]), np.zeros(120, int), 1)
    assert found == pytest.approx(-2 * log_likelihood + (6 + 2 + 1) * np.log(120))


def test_chances_within_clusters_that_are_far_apart_have_the_closed_form(matrix, area):
    labels = np.arange(120) % 2
    apart = matrix + 100.0 * labels[:, None] * matrix.std(axis=0)
    numbers = bic(apart, labels, 2)
    usual = area.mean(axis=0)
    expected = 0.0
    for cluster in (0, 1):
        counts = area[labels == cluster].sum(axis=0)
        expected += (counts * np.log((counts + usual) / (60 + 1))).sum()
    assert bic(np.column_stack([apart, area]), labels, 2) - numbers == pytest.approx(-2 * expected + 4 * np.log(120))


def test_flags_of_one_feature_are_its_levels_whichever_of_them_has_no_column(matrix, area):
    labels = (matrix[:, 1] > 1.5).astype(int)
    whole = bic(np.column_stack([matrix, area]), labels, 2)
    for level in range(3):
        assert bic(np.column_stack([matrix, np.delete(area, level, axis=1)]), labels, 2) == pytest.approx(whole)


def test_the_two_values_of_a_flag_do_not_matter(matrix, area):
    labels = (matrix[:, 1] > 1.5).astype(int)
    whole = bic(np.column_stack([matrix, area]), labels, 2)
    assert bic(np.column_stack([matrix, area * 7.0 - 0.5]), labels, 2) == pytest.approx(whole)


def test_clusters_are_not_split_by_flags_that_say_nothing_of_the_numbers(matrix, area):
    planted = (matrix[:, 1] > 1.5).astype(int)
    by_area = planted * 3 + area.argmax(axis=1)
    both = np.column_stack([matrix, area])
    assert bic(both, planted, 2) < bic(both, by_area, 6) - 50
    assert bic(both, planted, 2) < bic(both, np.zeros(120, int), 1) - 50


def test_flags_that_go_together_are_clusters():
    planted = np.random.default_rng(4).integers(0, 2, 120)
    flips = np.random.default_rng(5).random((120, 6)) < 0.1
    flags = np.where(flips, 1 - planted[:, None], planted[:, None]).astype(float)
    assert bic(flags, planted, 2) < bic(flags, np.zeros(120, int), 1) - 100


def test_a_feature_that_is_constant_but_for_rounding_says_nothing_of_other_points():
    fitted = np.column_stack([np.full(56, 0.1), np.linspace(0.0, 1.0, 56)])
    assert fitted.std(axis=0)[0] > 0, "rounding leaves something"
    numbers = Scale(fitted).of(np.array([[1.0, 0.5]])).numbers
    assert numbers.tolist() == [[[pytest.approx(0.0)]]]
