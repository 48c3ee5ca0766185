"""The mixture with one shared diagonal covariance: against a plain EM, repeated rows, and planted stores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from plain_em import plain_em
from sklearn.metrics import adjusted_rand_score

from pipeline.core.clustering.algorithms import algorithm
from pipeline.core.clustering.centroid_algorithms import KMeans
from pipeline.core.clustering.gmm import GaussianMixture
from pipeline.core.clustering.stores import cluster_stores
from pipeline.settings import ClusteringSettings

STEPS = 400


def stores(seed: int = 0, n: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Three clusters told apart by two quiet features, beside one that scatters widely and says nothing."""
    random = np.random.default_rng(seed)
    planted = random.integers(0, 3, n)
    quiet = np.array([[0.0, 0.0], [0.6, 0.0], [0.0, 0.6]])[planted] + random.normal(0, 0.12, (n, 2))
    return np.column_stack([quiet, random.normal(0, 0.5, n)]), planted


def drawn(n: int, resamples: int = 2) -> np.ndarray:
    return np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)


def test_memberships_are_those_of_a_plain_em_from_where_k_means_ends():
    matrix, _ = stores()
    times = drawn(len(matrix))
    expected = plain_em(matrix, KMeans(matrix, times, 0).labels(3), 3, STEPS)[0]
    fitted = GaussianMixture(matrix, times, 0)
    np.testing.assert_allclose(fitted.memberships(matrix, 3), expected, atol=2e-3)
    assert fitted.labels(3).tolist() == expected.argmax(axis=1).tolist()
    assert fitted.place(matrix[:7], 3).tolist() == expected[:7].argmax(axis=1).tolist()


def test_a_refit_is_the_fit_of_the_rows_repeated_as_often_as_they_were_drawn():
    matrix, _ = stores()
    times = drawn(len(matrix))
    assigned = GaussianMixture(matrix, times, 0).refits(3).assign(matrix)
    started = KMeans(matrix, times, 0).refits(3).assign(matrix)
    scale = matrix.std(axis=0)
    for found, start, count in zip(assigned, started, times, strict=True):
        repeated = np.repeat(np.arange(len(matrix)), count.astype(int))
        r = plain_em(matrix[repeated] / scale, start[repeated], 3, STEPS)[0]
        means = (r.T @ matrix[repeated]) / r.sum(axis=0)[:, None]
        seen, where = np.unique(repeated, return_index=True)
        assert (found[seen] == r.argmax(axis=1)[where]).mean() > 0.99
        assert len(means) == 3


def test_features_count_by_their_scatter_within_clusters_so_that_a_noisy_one_misleads_less_than_in_k_means():
    better = 0
    for seed in range(5):
        matrix, planted = stores(seed)
        times = drawn(len(matrix))
        of_mixture = adjusted_rand_score(planted, GaussianMixture(matrix, times, 0).labels(3))
        of_k_means = adjusted_rand_score(planted, KMeans(matrix, times, 0).labels(3))
        better += of_mixture > of_k_means
        assert of_mixture > 0.85
    assert better >= 4


def test_the_result_has_the_likelihood_of_each_store_in_each_cluster_by_the_published_number():
    matrix, planted = stores()
    features = pd.DataFrame(matrix, index=[f"s{i:03d}" for i in range(len(matrix))], columns=["a", "b", "c"])
    found = cluster_stores(features, ClusteringSettings(algorithm="gmm", k=3, resamples=10, null_resamples=19))
    wide = found.memberships.pivot_table(index="store_id", columns="cluster", values="probability")
    assert wide.shape == (150, 3)
    np.testing.assert_allclose(wide.sum(axis=1), 1.0)
    clusters = found.clusters.set_index("store_id")["cluster"]
    assert wide.idxmax(axis=1).tolist() == clusters.loc[wide.index].tolist()
    assert adjusted_rand_score(planted, clusters.loc[features.index]) > 0.85


def test_without_a_mixture_there_are_no_memberships():
    matrix, _ = stores()
    features = pd.DataFrame(matrix, index=[f"s{i:03d}" for i in range(len(matrix))])
    found = cluster_stores(features, ClusteringSettings(k=3, resamples=10, null_resamples=19))
    assert found.memberships.columns.tolist() == ["store_id", "cluster", "probability"]
    assert len(found.memberships) == 0


@pytest.mark.parametrize("matrix", [np.ones((12, 2)), np.repeat([[0.0, 1.0], [5.0, 1.0]], 6, axis=0), np.empty((3, 0))])
def test_stores_that_do_not_differ_or_take_two_values_only_are_clustered_too(matrix):
    fits = algorithm("gmm", matrix, drawn(len(matrix)), 0)
    assert fits.labels(1).tolist() == [0] * len(matrix)
    if matrix.shape[1] and len(np.unique(matrix, axis=0)) == 2:
        assert len(set(fits.labels(2)[:6])) == len(set(fits.labels(2)[6:])) == 1
        assert fits.labels(2)[0] != fits.labels(2)[6]
