"""Stability and Jaccard, against brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from pipeline.core.clustering import bootstrap


def some(seed: int, n: int = 40, refits: int = 6, k: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), random.integers(0, k, n - k)])
    again = np.where(random.random((refits, n)) < 0.7, labels, random.integers(0, k, (refits, n)))
    return labels, again, bootstrap.resample(n, refits, random)


def test_a_resample_draws_as_many_stores_as_there_are():
    drawn = bootstrap.resample(30, 25, np.random.default_rng(0))
    assert drawn.shape == (25, 30)
    assert (drawn.sum(axis=1) == 30).all()
    assert 0.55 < (drawn > 0).mean() < 0.72  # 1 - 1/e


def test_stability_is_the_mean_adjusted_rand_index_of_all_pairs(monkeypatch):
    monkeypatch.setattr(bootstrap, "_CHUNK_STORES", 7)
    _, again, _ = some(1)
    expected = np.mean([adjusted_rand_score(a, b) for a, b in combinations(again, 2)])
    assert bootstrap.stability(again, 4) == pytest.approx(expected)


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_stability_is_scikit_learns_though_clusters_are_empty(seed, k):
    again = np.random.default_rng(seed).integers(0, k, (4, 9)) // 2
    expected = np.mean([adjusted_rand_score(a, b) for a, b in combinations(again, 2)])
    assert bootstrap.stability(again, k) == pytest.approx(expected)


def test_refits_that_agree_but_for_their_numbers_are_fully_stable():
    labels, _, _ = some(2)
    again = np.stack([labels, (labels + 1) % 4, (labels + 3) % 4])
    assert bootstrap.stability(again, 4) == pytest.approx(1.0)
    assert bootstrap.stability(np.zeros((5, 40), dtype=int), 1) == 1.0


def test_jaccard_is_hennigs_by_brute_force():
    labels, again, drawn = some(3)
    means = []
    for cluster in range(4):
        found = []
        for refit, times in zip(again, drawn, strict=True):
            seen = set(np.flatnonzero(times))
            own = set(np.flatnonzero(labels == cluster)) & seen
            if own:
                others = [set(np.flatnonzero(refit == other)) & seen for other in range(4)]
                found.append(max(len(own & other) / len(own | other) for other in others))
        means.append(np.mean(found))
    assert bootstrap.jaccard(labels, again, drawn, 4) == pytest.approx(min(means))


def test_jaccard_is_that_of_the_worst_cluster():
    labels = np.repeat([0, 1, 2], [10, 10, 10])
    again = labels.copy()
    again[25:] = 1  # half of the last cluster always goes over to the second
    drawn = np.ones((3, 30))
    assert bootstrap.jaccard(labels, np.stack([again] * 3), drawn, 3) == pytest.approx(0.5)
    assert bootstrap.jaccard(np.zeros(30, int), np.zeros((3, 30), int), drawn, 1) == 1.0


def test_a_refit_that_drew_none_of_a_clusters_stores_says_nothing_of_it():
    labels = np.array([0, 0, 0, 1])
    drawn = np.array([[1.0, 1.0, 1.0, 1.0], [2.0, 1.0, 1.0, 0.0]])
    assert bootstrap.jaccard(labels, np.stack([labels, labels]), drawn, 2) == 1.0
