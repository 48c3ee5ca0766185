"""K-means in batches, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans as SklearnKMeans

from pipeline.core.clustering.kmeans import best_of, kmeans, nearest, of_draws, refit, spread_starts


def blobs(seed: int, n: int = 150, d: int = 6, k: int = 5) -> np.ndarray:
    random = np.random.default_rng(seed)
    points = random.normal(size=(n, d)) + 2.5 * random.normal(size=(k, d))[random.integers(0, k, n)]
    return points - points.mean(axis=0)


@pytest.mark.parametrize("k", [2, 3, 5, 9])
def test_the_fit_from_the_same_start_is_scikit_learns(k):
    points = blobs(1)
    start = spread_starts(points, np.ones((1, len(points))), k, np.random.default_rng(0))
    ours = kmeans(points, np.ones((1, len(points))), start)
    theirs = SklearnKMeans(k, init=start[0], n_init=1, tol=0, max_iter=1000).fit(points)
    assert ours.inertia[0] == pytest.approx(theirs.inertia_, rel=1e-9)
    assert (ours.labels[0] == theirs.labels_).all()
    np.testing.assert_allclose(ours.centroids[0], theirs.cluster_centers_, atol=1e-9)


def test_a_weighted_fit_is_scikit_learns_with_sample_weights():
    points = blobs(2)
    random = np.random.default_rng(3)
    weights = random.multinomial(len(points), np.full(len(points), 1 / len(points)), size=6).astype(float)
    starts = spread_starts(points, weights, 4, random)
    ours = kmeans(points, weights, starts)
    for fit in range(6):
        theirs = SklearnKMeans(4, init=starts[fit], n_init=1, tol=0, max_iter=1000)
        theirs.fit(points, sample_weight=weights[fit])
        assert ours.inertia[fit] == pytest.approx(theirs.inertia_, rel=1e-9)
        assert (ours.labels[fit] == theirs.predict(points)).all()


def test_a_cluster_that_weighs_less_than_one_has_its_own_mean():
    points = np.array([[0.0], [2.0], [50.0]])
    fits = kmeans(points, np.array([[0.25, 0.25, 0.125]]), np.array([[[0.0], [50.0]]]))
    np.testing.assert_allclose(fits.centroids[0], [[1.0], [50.0]])


def test_a_batch_over_several_matrices_is_each_fit_alone():
    stacked = np.stack([blobs(seed) for seed in range(4)])
    weights = np.ones(stacked.shape[:2])
    starts = spread_starts(stacked, weights, 3, np.random.default_rng(0))
    together = kmeans(stacked, weights, starts)
    for fit in range(4):
        alone = kmeans(stacked[fit], weights[:1], starts[fit : fit + 1])
        assert (together.labels[fit] == alone.labels[0]).all()
        assert together.inertia[fit] == pytest.approx(alone.inertia[0], rel=1e-12)


@pytest.mark.parametrize("k", [2, 5, 8])
def test_the_fits_of_draws_are_hardly_worse_than_scikit_learns_ten_starts(k):
    draws = np.stack([blobs(seed, k=7) for seed in range(6)])
    found = of_draws(draws, k, 0)
    ours, theirs = 0.0, 0.0
    for points, labels in zip(draws, found, strict=True):
        ours += sum(np.square(points[labels == c] - points[labels == c].mean(axis=0)).sum() for c in range(k))
        theirs += SklearnKMeans(k, n_init=10, random_state=0).fit(points).inertia_
    assert ours <= theirs * 1.05


def test_no_cluster_of_a_draw_is_empty_though_few_stores_differ():
    points = np.repeat(np.array([[0.0, 0.0], [0.0, 1.0], [5.0, 5.0], [9.0, 0.0]]), [40, 1, 1, 3], axis=0)
    for k in (1, 2, 3, 4):
        assert len(np.unique(of_draws((points - points.mean(axis=0))[None], k, 0))) == k


def test_a_cluster_that_loses_all_its_points_takes_the_farthest_one():
    points = np.array([[0.0], [1.0], [2.0], [50.0]])
    fits = kmeans(points, np.ones((1, 4)), np.array([[[1.0], [1000.0]]]))
    assert fits.labels[0].tolist() == [0, 0, 0, 1]
    assert fits.inertia[0] == pytest.approx(2.0)


def test_the_best_of_neighbouring_fits_has_the_least_inertia():
    points = blobs(4)
    weights = np.ones((6, len(points)))
    fits = kmeans(points, weights, spread_starts(points, weights, 6, np.random.default_rng(1)))
    best = best_of(fits, 3)
    assert best.inertia.tolist() == [fits.inertia[:3].min(), fits.inertia[3:].min()]


def test_nearest_is_the_argmin_of_the_distances():
    points, centres = blobs(5), np.random.default_rng(0).normal(size=(3, 4, 6))
    expected = [np.linalg.norm(points[:, None] - of_fit, axis=2).argmin(axis=1) for of_fit in centres]
    assert (nearest(points, centres) == np.stack(expected)).all()


def test_starts_are_points_that_have_weight():
    points = blobs(6)
    weights = (np.arange(len(points)) < 20).astype(float)[None, :].repeat(5, axis=0)
    starts = spread_starts(points, weights, 5, np.random.default_rng(0))
    allowed = {tuple(point) for point in points[:20]}
    assert all(tuple(start) in allowed for start in starts.reshape(-1, points.shape[1]))
    assert all(len({tuple(start) for start in of_fit}) == 5 for of_fit in starts)


def test_refits_in_parts_are_as_good_as_refits_at_once(monkeypatch):
    random = np.random.default_rng(3)
    points = random.normal(size=(120, 3)) + 4 * random.integers(0, 3, 120)[:, None]
    drawn = random.multinomial(120, np.full(120, 1 / 120), size=20).astype(float)
    whole = refit(points, drawn, points[:4], 2, np.random.default_rng(0))
    monkeypatch.setattr("pipeline.core.clustering.kmeans._REFIT_NUMBERS", 3 * 3 * 120)
    parts = refit(points, drawn, points[:4], 2, np.random.default_rng(0))
    assert [array.shape for array in parts] == [array.shape for array in whole]
    assert parts.inertia.sum() == pytest.approx(whole.inertia.sum(), rel=0.02)
