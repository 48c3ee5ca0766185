"""The isolation forest, and what counts as a clear outlier."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.ensemble import IsolationForest

from pipeline.core.clustering import outliers


def gaussian(seed: int, n: int = 200, d: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def find(matrix: np.ndarray, smallest: int = 6) -> np.ndarray:
    return outliers.find(matrix, smallest, np.random.default_rng(0))


def test_scores_agree_with_scikit_learns_forest():
    matrix = gaussian(0, n=300, d=4) * [1, 1, 1, 3]
    ours = outliers.isolation(matrix, np.random.default_rng(0))
    theirs = -IsolationForest(n_estimators=300, random_state=0).fit(matrix).score_samples(matrix)
    assert spearmanr(ours, theirs).statistic > 0.97
    assert np.abs(ours - theirs).mean() < 0.02


def test_the_mean_path_of_an_unfinished_branch_is_that_of_a_binary_search_tree():
    def recursive(m: int) -> float:
        return 0.0 if m <= 1 else 2 * sum(1 / i for i in range(1, m)) - 2 * (m - 1) / m

    found = outliers._unfinished(np.array([0, 1, 2, 50, 256]))
    np.testing.assert_allclose(found, [recursive(m) for m in (0, 1, 2, 50, 256)], rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_clean_stores_are_hardly_ever_outliers(seed):
    random = np.random.default_rng(seed)
    clusters = gaussian(seed) + 6 * random.normal(size=(4, 8))[random.integers(0, 4, 200)]
    assert find(gaussian(seed)).sum() <= 1
    assert find(clusters).sum() <= 1


def test_stores_that_lie_far_out_each_on_their_own_are_outliers():
    matrix = gaussian(1)
    matrix[:6] *= 8
    assert find(matrix)[:6].all()
    assert find(matrix)[6:].sum() <= 1


def test_a_small_compact_group_is_a_cluster_and_no_outliers():
    matrix = gaussian(2)
    matrix[:12] = 0.5 * matrix[:12] + 8.0
    assert not find(matrix, smallest=10).any()
    matrix[4:12] = 0.0
    assert find(matrix, smallest=10)[:4].all()


def test_no_more_than_a_tenth_of_the_stores_are_left_out():
    matrix = gaussian(3)
    matrix[:30] *= 12
    assert find(matrix).sum() == 20


def test_few_stores_stores_alike_or_no_features_have_no_outliers():
    few = gaussian(4, n=outliers.FEWEST_STORES - 1)
    few[0] += 100
    assert not find(few).any()
    alike = np.zeros((50, 3))
    alike[0] = 9.0
    assert not find(alike).any()
    assert find(np.empty((50, 0))).tolist() == [False] * 50


def test_with_many_stores_a_sample_tells_the_same_outliers(monkeypatch):
    random = np.random.default_rng(4)
    matrix = random.normal(size=(3_000, 4))
    matrix[:20] = 25.0 * random.normal(size=(20, 4))
    exact = outliers.find(matrix, 90, np.random.default_rng(0))
    monkeypatch.setattr("pipeline.core.clustering.sampling.EXACT", 2_999)
    monkeypatch.setattr("pipeline.core.clustering.sampling.SAMPLE", 600)
    monkeypatch.setattr(outliers, "_CHUNK_NUMBERS", 30_000)
    sampled = outliers.find(matrix, 90, np.random.default_rng(0))
    assert sampled[:20].sum() == exact[:20].sum() >= 18
    assert sampled[20:].mean() < 0.01
    nearest = outliers._reach(matrix, 1)
    assert nearest.min() > 0, "a store is not its own neighbour"
