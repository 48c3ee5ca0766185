"""Refits of a mixture on resamples: they find clusters that exist again, and do not repeat a partition that is one of many."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from pipeline.core.clustering import bootstrap, refits
from pipeline.core.clustering.densities import Stores
from pipeline.core.clustering.search import Fit, search

N = 120


def stores(apart: float, k: int = 3, seed: int = 0) -> tuple[Stores, np.ndarray]:
    random = np.random.default_rng(seed)
    clusters = np.arange(N) % k
    numbers = random.normal(size=(N, 5)) + apart * np.eye(5)[clusters]
    return Stores(numbers, None, np.zeros((N, 0)), np.zeros(N)), clusters


def fits_of(of: Stores, k: int) -> tuple[Fit, Fit]:
    """The fits of one and of k clusters, without factors."""
    fits = search(of, 0, k, k, 5, 0)
    return next(fit for fit in fits if (fit.k, fit.q) == (1, 0)), next(fit for fit in fits if (fit.k, fit.q) == (k, 0))


def drawn(resamples: int = 15) -> np.ndarray:
    return bootstrap.resample(N, resamples, np.random.default_rng(1))


def test_clusters_far_apart_are_found_again_in_every_resample() -> None:
    of, clusters = stores(6.0)
    one, three = fits_of(of, 3)
    again = refits.refit(of, three, one, drawn(), 0)
    assert again.stability > 0.99
    assert again.jaccard > 0.98
    for labels in refits.assign(of, again.mixtures):
        assert adjusted_rand_score(clusters, labels) > 0.99


def test_cuts_through_one_cluster_are_not_found_again() -> None:
    of, _ = stores(0.0)
    one, three = fits_of(of, 3)
    again = refits.refit(of, three, one, drawn(), 0)
    assert again.stability < 0.5
    assert again.jaccard < 0.6


def test_a_start_from_the_fit_on_all_stores_does_not_hide_a_better_partition() -> None:
    """The fit of all stores is made a poor one: the resamples must leave it."""
    of, clusters = stores(6.0)
    one, three = fits_of(of, 3)
    poor = three._replace(memberships=np.roll(three.memberships, 1, axis=0)[np.random.default_rng(2).permutation(N)])
    again = refits.refit(of, poor, one, drawn(), 0)
    assert np.mean([adjusted_rand_score(clusters, labels) for labels in refits.assign(of, again.mixtures)]) > 0.95


def test_each_resample_has_its_own_mixture_and_the_same_seed_gives_the_same() -> None:
    of, _ = stores(2.0)
    one, three = fits_of(of, 3)
    first, second = (refits.refit(of, three, one, drawn(6), 0) for _ in range(2))
    assert first.mixtures.means.shape == (6, 3, 5)
    assert len(np.unique(first.mixtures.means[:, 0, 0].round(9))) == 6
    np.testing.assert_array_equal(first.mixtures.means, second.mixtures.means)


def test_in_parts_the_refits_are_as_good_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of, _ = stores(4.0)
    one, three = fits_of(of, 3)
    whole = refits.refit(of, three, one, drawn(), 0)
    monkeypatch.setattr(refits, "_NUMBERS", 4 * N * 3 * 3)
    parts = refits.refit(of, three, one, drawn(), 0)
    assert parts.mixtures.means.shape == whole.mixtures.means.shape
    assert parts.mixtures.log_likelihoods.mean() == pytest.approx(whole.mixtures.log_likelihoods.mean(), rel=1e-3)
    assert parts.stability == pytest.approx(whole.stability, abs=0.05)


def test_memberships_are_means_over_refits_whatever_the_order_of_their_clusters() -> None:
    of, clusters = stores(6.0)
    one, three = fits_of(of, 3)
    again = refits.refit(of, three, one, drawn(6), 0)
    turned = again.mixtures._replace(
        means=again.mixtures.means[:, ::-1],
        proportions=again.mixtures.proportions[:, ::-1],
        chances=again.mixtures.chances[:, ::-1],
    )
    likely, of_turned = (refits.memberships(of, mixtures, three.memberships) for mixtures in (again.mixtures, turned))
    np.testing.assert_allclose(likely, of_turned)
    np.testing.assert_allclose(likely.sum(axis=1), 1.0)
    assert adjusted_rand_score(clusters, likely.argmax(axis=1)) > 0.99


def test_a_store_between_two_clusters_is_uncertain() -> None:
    of, clusters = stores(6.0)
    of.numbers[0] = (of.numbers[clusters == 0].mean(axis=0) + of.numbers[clusters == 1].mean(axis=0)) / 2
    one, three = fits_of(of, 3)
    again = refits.refit(of, three, one, drawn(), 0)
    likely = refits.memberships(of, again.mixtures, three.memberships).max(axis=1)
    assert likely[0] < 0.9
    assert np.median(likely[1:]) > 0.98
