"""Mixtures with common factors, store noise, heavy tails and values that are not observed."""

from __future__ import annotations

import numpy as np
import pytest
from plain_em import plain_em
from scipy.stats import multivariate_normal, multivariate_t
from sklearn.decomposition import FactorAnalysis

from pipeline.core.clustering.densities import (
    Mixtures,
    Stores,
    certainty,
    expect,
    factor_posteriors,
    posteriors,
    sums_of,
)
from pipeline.core.clustering.factor_mixture import fit, one_hot, parameters, refine
from pipeline.core.clustering.principal import VARIANCE_FLOOR


def stores(
    n: int = 60, d: int = 5, *, gaps: bool = False, volumes: bool = False, levels: int = 0, seed: int = 0
) -> Stores:
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(n, d))
    counted = (random.random((n, d)) < 0.8).astype(float) if gaps else None
    flags = one_hot(random.integers(0, levels, n), levels) if levels else np.zeros((n, 0))
    return Stores(numbers, counted, flags, random.lognormal(0.0, 1.0, n) if volumes else np.zeros(n))


def a_mixture(k: int, d: int, q: int, levels: int, noise: float, tails: float, seed: int = 1) -> Mixtures:
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.ones(levels), k)[None] if levels else np.zeros((1, k, 0))
    return Mixtures(
        random.dirichlet(np.full(k, 5.0))[None],
        random.normal(size=(1, k, d)),
        random.uniform(0.3, 2.0, (1, d)),
        random.normal(size=(1, d, q)),
        np.array([noise]),
        np.array([tails]),
        chances,
        np.zeros(1),
    )


def by_hand(of: Stores, mixture: Mixtures) -> np.ndarray:
    """Densities (n, k) times proportions, store by store, by scipy."""
    found = np.empty((len(of.numbers), mixture.means.shape[1]))
    for i, x in enumerate(of.numbers):
        seen = np.ones(len(x), dtype=bool) if of.counted is None else of.counted[i] > 0
        loadings = mixture.loadings[0][seen]
        spread = np.diag(mixture.variances[0][seen]) * (1.0 + mixture.noise[0] * of.thinness[i])
        covariance = loadings @ loadings.T + spread
        for c, mean in enumerate(mixture.means[0]):
            density = (
                multivariate_normal(mean[seen], covariance).pdf(x[seen])
                if mixture.tails[0] == 0
                else multivariate_t(mean[seen], covariance, df=1.0 / mixture.tails[0]).pdf(x[seen])
            )
            of_levels = np.prod(mixture.chances[0, c] ** of.levels[i])
            found[i, c] = mixture.proportions[0, c] * density * of_levels
    return found


def test_factors_that_are_long_and_nearly_the_same_leave_finite_densities():
    of, mixture = stores(), a_mixture(2, 5, 2, 0, 0.0, 0.0)
    long = 1e9 * mixture.loadings[:, :, :1]
    alike = mixture._replace(loadings=np.concatenate([long, -long * (1.0 + 1e-14)], axis=2))
    with np.errstate(all="raise", under="ignore"):
        expected = expect(sums_of(of), alike)
    assert np.isfinite(expected.logs).all()
    np.testing.assert_allclose(expected.memberships.sum(axis=1), 1.0)


@pytest.mark.parametrize("q", [0, 1, 2, 3])
@pytest.mark.parametrize("tails", [0.0, 0.2])
@pytest.mark.parametrize(("gaps", "levels"), [(False, 0), (True, 0), (True, 3)])
def test_densities_and_posteriors_are_those_of_scipy(q, tails, gaps, levels):
    of = stores(gaps=gaps, volumes=True, levels=levels)
    mixture = a_mixture(3, 5, q, levels, noise=0.7, tails=tails)
    expected = by_hand(of, mixture)
    np.testing.assert_allclose(expect(sums_of(of), mixture).logs[0], np.log(expected.sum(axis=1)), rtol=1e-9)
    np.testing.assert_allclose(
        posteriors(of, mixture)[0], expected / expected.sum(axis=1, keepdims=True), rtol=1e-7, atol=1e-12
    )


def test_a_number_that_counts_twice_counts_as_two_that_are_alike():
    of = stores(n=30, d=2)
    twice = Stores(of.numbers[:, [0, 1, 1]], None, of.levels, of.thinness)
    weighed = Stores(of.numbers, np.tile([1.0, 2.0], (30, 1)), of.levels, of.thinness)
    mixture = a_mixture(2, 2, 0, 0, 0.0, 0.0)
    doubled = mixture._replace(
        means=mixture.means[:, :, [0, 1, 1]], variances=mixture.variances[:, [0, 1, 1]], loadings=np.zeros((1, 3, 0))
    )
    np.testing.assert_allclose(posteriors(weighed, mixture), posteriors(twice, doubled))


def test_what_is_not_observed_changes_nothing():
    of = stores(gaps=True)
    changed = of._replace(numbers=np.where(of.counted > 0, of.numbers, 99.0))
    start = one_hot(np.arange(60) % 2, 2)[None]
    once, twice = (fit(each, np.ones((1, 60)), start, 1, 20) for each in (of, changed))
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_factors_have_the_mean_and_covariance_of_their_posterior():
    of, mixture = stores(n=8, volumes=True), a_mixture(1, 5, 2, 0, 0.5, 0.0)
    means, covariances = factor_posteriors(of, mixture)
    loadings = mixture.loadings[0]
    for i, x in enumerate(of.numbers):
        precise = loadings.T / (mixture.variances[0] * (1.0 + 0.5 * of.thinness[i]))
        inverse = np.linalg.inv(np.eye(2) + precise @ loadings)
        np.testing.assert_allclose(covariances[0, i], inverse)
        np.testing.assert_allclose(means[0, i], inverse @ precise @ (x - mixture.means[0, 0]))


@pytest.mark.parametrize(("q", "gaps", "levels"), [(0, False, 0), (1, True, 2), (2, True, 0)])
def test_the_likelihood_never_falls_while_noise_and_tails_stand(q, gaps, levels):
    of = stores(n=80, gaps=gaps, volumes=True, levels=levels)
    weights = np.random.default_rng(3).multinomial(80, np.full(80, 1 / 80), size=2).astype(float)
    start = np.stack([one_hot(np.arange(80) % 3, 3)] * 2)
    now = fit(of, weights, start, q, 1, adapts=False, like=a_mixture(3, 5, q, levels, 0.5, 0.1))
    reached = []
    for _ in range(25):
        now = refine(of, weights, now, 2, adapts=False)
        reached.append(now.log_likelihoods)
    assert (np.diff(np.array(reached), axis=0) > -1e-8).all()
    assert (reached[-1] > reached[0] + 1.0).all()


def test_one_cluster_without_factors_has_the_mean_and_variance_of_the_stores():
    of = stores()
    found = fit(of, np.ones((1, 60)), np.ones((1, 60, 1)), 0, 40, adapts=False)
    np.testing.assert_allclose(found.means[0, 0], of.numbers.mean(axis=0))
    np.testing.assert_allclose(found.variances[0], of.numbers.var(axis=0))
    expected = multivariate_normal(of.numbers.mean(axis=0), np.diag(of.numbers.var(axis=0))).logpdf(of.numbers).sum()
    assert found.log_likelihoods[0] == pytest.approx(expected)


def test_without_factors_noise_and_tails_it_is_the_maximum_that_a_plain_em_reaches():
    random = np.random.default_rng(0)
    numbers = random.normal(size=(120, 3)) * [1.0, 0.1, 5.0] + 3.0 * random.integers(0, 2, 120)[:, None]
    labels = np.arange(120) % 3
    memberships, log_likelihood = plain_em(numbers, labels, 3, 1_000)
    of = Stores(numbers, None, np.zeros((120, 0)), np.zeros(120))
    found = fit(of, np.ones((1, 120)), one_hot(labels, 3)[None], 0, 3_000, 1e-12, adapts=False)
    assert found.log_likelihoods[0] == pytest.approx(log_likelihood, abs=0.03)
    np.testing.assert_allclose(posteriors(of, found)[0], memberships, atol=0.02)


def test_one_cluster_with_factors_is_scikit_learns_factor_analysis():
    random = np.random.default_rng(4)
    numbers = random.normal(size=(300, 1)) @ np.array([[2.0, -1.5, 1.0, 0.0, 0.5, 1.0]]) + random.normal(size=(300, 6))
    of = Stores(numbers, None, np.zeros((300, 0)), np.zeros(300))
    found = fit(of, np.ones((1, 300)), np.ones((1, 300, 1)), 1, 2000, tolerance=0.0, adapts=False)
    theirs = FactorAnalysis(1, tol=1e-10, max_iter=5000).fit(numbers)
    assert found.log_likelihoods[0] == pytest.approx(theirs.score(numbers) * 300, rel=1e-6)
    np.testing.assert_allclose(np.abs(found.loadings[0, :, 0]), np.abs(theirs.components_[0]), atol=1e-3)


def test_the_noise_of_small_stores_is_found():
    random = np.random.default_rng(5)
    thinness = random.lognormal(0.0, 1.0, 1000)
    numbers = random.normal(size=(1000, 8)) * np.sqrt(1.0 + 2.0 * thinness)[:, None]
    found = fit(Stores(numbers, None, np.zeros((1000, 0)), thinness), np.ones((1, 1000)), np.ones((1, 1000, 1)), 0, 60)
    assert 1.0 < found.noise[0] < 4.0
    np.testing.assert_allclose(found.variances[0] * (1 + found.noise[0]), 3.0, rtol=0.2)
    assert found.tails[0] == 0.0


def test_heavy_tails_are_found_and_gaussian_ones_are_none():
    random = np.random.default_rng(6)
    gaussian = random.normal(size=(800, 6))
    heavy = gaussian / np.sqrt(random.chisquare(5, 800) / 5)[:, None]
    weights, start, none = np.ones((1, 800)), np.ones((1, 800, 1)), np.zeros((800, 0))
    assert fit(Stores(heavy, None, none, np.zeros(800)), weights, start, 0, 60).tails[0] >= 0.1
    assert fit(Stores(gaussian, None, none, np.zeros(800)), weights, start, 0, 60).tails[0] <= 0.02


def test_a_store_counts_as_often_as_it_was_drawn():
    of = stores(n=40)
    times = np.random.default_rng(7).integers(1, 4, 40)
    repeated = Stores(np.repeat(of.numbers, times, axis=0), None, np.zeros((times.sum(), 0)), np.zeros(times.sum()))
    start = one_hot(np.arange(40) % 2, 2)
    once = fit(of, times[None].astype(float), start[None], 1, 15)
    written_out = fit(repeated, np.ones((1, times.sum())), np.repeat(start, times, axis=0)[None], 1, 15)
    assert once.log_likelihoods[0] == pytest.approx(written_out.log_likelihoods[0])


def test_no_variance_falls_below_its_floor():
    numbers = np.column_stack([np.arange(20) % 2, np.random.default_rng(0).normal(size=20)]).astype(float)
    of = Stores(numbers, None, np.zeros((20, 0)), np.zeros(20))
    found = fit(of, np.ones((1, 20)), one_hot(np.arange(20) % 2, 2)[None], 0, 20)
    assert found.variances[0, 0] == pytest.approx(VARIANCE_FLOOR * 0.25)


def test_certainty_falls_with_thinness():
    of = Stores(np.zeros((3, 1)), None, np.zeros((3, 0)), np.array([0.0, 1.0, 3.0]))
    np.testing.assert_allclose(certainty(of, np.array([0.5])), [[1.0, 1 / 1.5, 1 / 2.5]])


def test_parameters_are_counted_by_hand():
    # 3 means and one variance for each of 4 numbers, 3 x 2 chances, 2 proportions, 2 x 4 loadings less one turn, noise, tails
    assert parameters(3, 4, 2, 2, has_noise=True) == 12 + 4 + 6 + 2 + 7 + 1 + 1
