"""The starts of a mixture's fits: the clusters they hold, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from pipeline.core.clustering.densities import Mixtures, Stores
from pipeline.core.clustering.factor_mixture import fit, one_hot
from pipeline.core.clustering.starts import (
    from_fewer,
    from_more,
    from_plain_kmeans,
    from_whitened_kmeans,
    without_factors,
)


def planted(k: int = 3, n: int = 90, d: int = 4, *, axis: float = 0.0, gaps: float = 0.0) -> tuple[Stores, np.ndarray]:
    """Stores of k clusters far apart; with `axis`, they also differ along an axis in the last three numbers."""
    random = np.random.default_rng(0)
    clusters = np.arange(n) % k
    numbers = random.normal(size=(n, d)) + 8.0 * np.eye(max(k, d))[clusters, :d]
    numbers[:, -3:] += axis * random.normal(size=(n, 1))
    counted = (random.random((n, d)) >= gaps).astype(float) if gaps else None
    return Stores(numbers, counted, np.zeros((n, 0)), np.zeros(n)), clusters


def mixture(stores: Stores, clusters: np.ndarray, q: int = 0, iterations: int = 50) -> Mixtures:
    n, k = len(clusters), int(clusters.max()) + 1
    return fit(stores, np.ones((1, n)), one_hot(clusters, k)[None], q, iterations)


def one_cluster(stores: Stores, q: int = 0) -> Mixtures:
    return mixture(stores, np.zeros(len(stores.numbers), dtype=np.int64), q)


def is_partition(starts: np.ndarray) -> bool:
    return bool(np.allclose(starts.sum(axis=2), 1.0) and (starts >= 0).all())


@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_kmeans_starts_put_every_store_in_one_cluster_and_the_first_has_those_planted(gaps: float) -> None:
    stores, clusters = planted(gaps=gaps)
    starts = from_whitened_kmeans(stores, one_cluster(stores), 3, 10, np.random.default_rng(0))
    plain = from_plain_kmeans(planted()[0], 3, 10, np.random.default_rng(0))
    for each in (starts, plain):
        assert each.shape == (2, 90, 3)
        assert set(np.unique(each)) == {0.0, 1.0}
        assert is_partition(each)
    assert adjusted_rand_score(clusters, plain[0].argmax(axis=1)) == 1.0
    if not gaps:
        assert adjusted_rand_score(clusters, starts[0].argmax(axis=1)) == 1.0


def test_an_axis_of_all_stores_starts_no_cluster_once_it_is_a_factor() -> None:
    """The axis is much longer than the clusters lie apart: k-means alone cuts it, with the factor out it does not."""
    stores, clusters = planted(k=2, d=6, axis=30.0)
    random = np.random.default_rng(0)
    plain = from_plain_kmeans(stores, 2, 10, random)[0].argmax(axis=1)
    apart = from_whitened_kmeans(stores, one_cluster(stores, 1), 2, 10, random)[0].argmax(axis=1)
    assert adjusted_rand_score(clusters, plain) < 0.2
    assert adjusted_rand_score(clusters, apart) > 0.9


def test_without_factors_the_numbers_are_orthogonal_to_the_loadings_in_deviations() -> None:
    stores, _ = planted(axis=10.0)
    one = one_cluster(stores, 1)
    points = without_factors(stores, one)
    np.testing.assert_allclose(points @ (one.loadings[0] / np.sqrt(one.variances[0])[:, None]), 0.0, atol=1e-9)


def test_from_one_cluster_less_a_start_has_the_planted_clusters() -> None:
    stores, clusters = planted()
    fewer = mixture(stores, np.minimum(clusters, 1))  # the second and third are one
    starts = from_fewer(stores, fewer, 5)
    assert starts.shape[1:] == (90, 3)
    assert is_partition(starts)
    assert max(adjusted_rand_score(clusters, start.argmax(axis=1)) for start in starts) == 1.0


def test_a_few_stores_far_from_all_others_are_a_start() -> None:
    stores, clusters = planted(k=2)
    far = np.flatnonzero(clusters == 0)[:5]
    stores.numbers[far] += 60.0
    starts = from_fewer(stores, mixture(stores, clusters, iterations=1), 5)
    assert any(set(np.flatnonzero(start[:, 2] > 0.5)) == set(far) for start in starts)


def test_from_one_cluster_more_the_nearest_two_are_joined_first() -> None:
    stores, clusters = planted()
    more = clusters.copy()
    more[np.flatnonzero(clusters == 2)[::2]] = 3  # a cut through the third
    starts = from_more(stores, mixture(stores, more))
    assert starts.shape[1:] == (90, 3)
    assert is_partition(starts)
    assert adjusted_rand_score(clusters, starts[0].argmax(axis=1)) == 1.0


def test_a_start_of_two_clusters_from_three_tries_every_pair() -> None:
    stores, clusters = planted()
    starts = from_more(stores, mixture(stores, clusters))
    joined = {frozenset(np.flatnonzero([start[clusters == c, -1].mean() > 0.5 for c in range(3)])) for start in starts}
    assert len(starts) == 3
    assert len(joined) >= 2
