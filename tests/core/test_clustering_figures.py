"""The figures of a clustering, against scikit-learn and by hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn import metrics

from pipeline.core.clustering import figures


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal(size=(90, 4)) + 3 * random.integers(0, 3, 90)[:, None]


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.concatenate([np.arange(4), np.random.default_rng(1).integers(0, 4, 86)])


def test_silhouettes_are_scikit_learns(matrix, labels, monkeypatch):
    two = (labels > 1).astype(int)
    monkeypatch.setattr(figures, "_CHUNK_NUMBERS", 1_000)
    found = figures.silhouettes(matrix, [labels, two])
    np.testing.assert_allclose(found[0], metrics.silhouette_samples(matrix, labels), atol=1e-12)
    np.testing.assert_allclose(found[1], metrics.silhouette_samples(matrix, two), atol=1e-12)


def test_the_silhouette_of_a_store_alone_is_zero():
    found = figures.silhouettes(np.array([[0.0], [1.0], [9.0]]), [np.array([0, 0, 1])])[0]
    np.testing.assert_allclose(found, [(9 - 1) / 9, (8 - 1) / 8, 0.0])


def test_no_labeling_has_no_silhouettes(matrix):
    assert figures.silhouettes(matrix, []) == []


def test_calinski_harabasz_is_scikit_learns(matrix, labels):
    centres = figures.centroids(matrix, labels, 4)
    inertia = np.square(matrix - centres[labels]).sum()
    total = np.square(matrix - matrix.mean(axis=0)).sum()
    assert figures.calinski_harabasz(total, inertia, 90, 4) == pytest.approx(
        metrics.calinski_harabasz_score(matrix, labels)
    )


@pytest.mark.parametrize(("inertia", "n", "k"), [(0.0, 10, 3), (5.0, 3, 3)])
def test_calinski_harabasz_stays_finite_where_no_store_leaves_its_centroid(inertia, n, k):
    assert figures.calinski_harabasz(10.0, inertia, n, k) == sys.float_info.max


def test_davies_bouldin_is_scikit_learns(matrix, labels):
    centres = figures.centroids(matrix, labels, 4)
    assert figures.davies_bouldin(matrix, labels, centres) == pytest.approx(
        metrics.davies_bouldin_score(matrix, labels)
    )


def test_davies_bouldin_passes_over_centroids_that_coincide():
    matrix = np.array([[-1.0], [1.0], [-2.0], [2.0]])
    labels = np.array([0, 0, 1, 1])
    assert figures.davies_bouldin(matrix, labels, figures.centroids(matrix, labels, 2)) == 0.0


def test_distances_are_exactly_zero_at_a_centroid():
    centres = np.array([[0.1, 0.2], [1e8, 3.0]])
    assert figures.distances(centres, centres).diagonal().tolist() == [0.0, 0.0]
    assert figures.distances(np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]]))[0, 0] == 5.0


def test_silhouettes_against_a_sample_are_near_the_exact_ones_even_of_a_small_cluster(monkeypatch):
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1, 2], [2_000, 995, 5])
    matrix = random.normal(size=(3_000, 4)) + 4.0 * np.eye(4)[labels]
    other = random.integers(0, 2, 3_000)
    exact = figures.silhouettes(matrix, [labels, other])
    monkeypatch.setattr("pipeline.core.clustering.sampling.EXACT", 2_999)
    monkeypatch.setattr("pipeline.core.clustering.sampling.SAMPLE", 400)
    estimated = figures.silhouettes(matrix, [labels, other])
    for one, all_pairs, close in zip(estimated, exact, (0.05, 0.1), strict=True):
        assert np.abs(one - all_pairs).max() < close
        assert one.mean() == pytest.approx(all_pairs.mean(), abs=0.01)
    assert not np.array_equal(estimated[0], exact[0])
    again = figures.silhouettes(matrix, [labels])[0]
    np.testing.assert_array_equal(again, estimated[0], "what other clusterings there are changes nothing")
