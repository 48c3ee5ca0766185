"""The k alone is the k that all figures give."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.clustering import bootstrap, only_the_k, rules
from pipeline.core.clustering.centroid_algorithms import KMeans
from pipeline.core.clustering.trial import try_every_k
from pipeline.settings import ClusteringSettings


def planted(seed: int, k: int, spread: float, n: int = 60) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(k, 4))
    return centres[np.arange(n) % k] + spread * random.normal(size=(n, 4))


@pytest.mark.parametrize("min_stability", [0.6, 0.95])
@pytest.mark.parametrize(("k", "spread"), [(1, 1.0), (2, 0.3), (3, 0.2), (4, 0.6), (6, 0.3), (6, 0.8)])
def test_it_is_what_all_figures_give(min_stability: float, k: int, spread: float) -> None:
    matrix = planted(k, k, spread)
    drawn = bootstrap.resample(len(matrix), 20, np.random.default_rng(1))
    settings = ClusteringSettings(
        min_cluster_size=5, resamples=20, min_stability=min_stability, min_jaccard=0.5, k_max=10
    )
    fit = only_the_k.take(matrix, drawn, KMeans(matrix, drawn, 0), settings)
    trials = try_every_k(matrix, drawn, KMeans(matrix, drawn, 0), settings)
    choice = rules.take([trial.figures for trial in trials], settings, len(matrix))
    assert fit.k == choice.k
    np.testing.assert_array_equal(fit.labels, trials[choice.k - 1].labels)
    np.testing.assert_array_equal(fit.refits.assign(matrix), trials[choice.k - 1].refits.assign(matrix))
    of_k = trials[choice.k - 1].figures
    if choice.k > 1:
        facts = (choice.k, of_k.bic, of_k.stability, of_k.jaccard, trials[0].figures.bic, len(matrix))
        begin, end = rules.taken(*facts, "|").split("|")
        for reason in (choice.reason, fit.reason):
            assert reason.startswith(begin)
            assert reason.endswith(end)


def test_the_cases_above_are_of_several_k() -> None:
    found = set()
    for k, spread in [(1, 1.0), (3, 0.2), (4, 0.6), (6, 0.3)]:
        matrix = planted(k, k, spread)
        drawn = bootstrap.resample(len(matrix), 20, np.random.default_rng(1))
        settings = ClusteringSettings(min_cluster_size=5, resamples=20)
        found.add(only_the_k.take(matrix, drawn, KMeans(matrix, drawn, 0), settings).k)
    assert len(found) >= 3


def test_a_k_that_is_set_is_taken() -> None:
    matrix = planted(3, 3, 0.2)
    drawn = bootstrap.resample(len(matrix), 10, np.random.default_rng(1))
    settings = ClusteringSettings(k=2, resamples=10)
    fit = only_the_k.take(matrix, drawn, KMeans(matrix, drawn, 0), settings)
    assert (fit.k, fit.reason) == (2, "k = 2 is set")
    assert set(fit.labels) == {0, 1}


@pytest.mark.parametrize(
    ("matrix", "min_stability", "reason"),
    [
        (np.zeros((30, 2)), 0.6, "k = 1: the stores do not differ"),
        (planted(1, 1, 1.0, n=12), 0.6, "k = 1: with 12 stores fitted, fewer than 20"),
        (planted(1, 1, 1.0), 0.6, "k = 1 has a lower BIC ("),
        (
            planted(4, 4, 0.6),
            1.0,
            "k = 1: of k = 2 to 6 none that has a lower BIC qualifies (stability at least 1.00",
        ),
    ],
    ids=["no store differs", "few stores", "one cluster", "nothing is reproducible"],
)
def test_one_cluster_has_its_reason(matrix: np.ndarray, min_stability: float, reason: str) -> None:
    drawn = bootstrap.resample(len(matrix), 10, np.random.default_rng(1))
    settings = ClusteringSettings(
        min_cluster_size=5, resamples=10, min_stability=min_stability, min_jaccard=0.5, k_max=10
    )
    fit = only_the_k.take(matrix, drawn, KMeans(matrix, drawn, 0), settings)
    assert fit.k == 1
    assert fit.reason.startswith(reason)
    assert not fit.labels.any()
