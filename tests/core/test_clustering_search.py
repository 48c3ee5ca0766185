"""The search over numbers of clusters and factors: what its criterion charges, and what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from pipeline.core.clustering import search as search_module
from pipeline.core.clustering.densities import Mixtures, Stores
from pipeline.core.clustering.factor_mixture import fit, one_hot
from pipeline.core.clustering.points import Scale
from pipeline.core.clustering.search import Fit, _continued, _has_same_clusters, _judged, begun_from, polished, search

N = 120


def of_numbers(numbers: np.ndarray, thinness: np.ndarray | None = None) -> Stores:
    n = len(numbers)
    return Stores(numbers, None, np.zeros((n, 0)), np.zeros(n) if thinness is None else thinness)


def of_matrix(matrix: np.ndarray) -> tuple[Stores, int]:
    """Stores of numbers and flags, and how many flags there are."""
    scale = Scale(matrix)
    points = scale.of(matrix)
    return Stores(points.numbers[0], None, points.levels[0], np.zeros(len(matrix))), scale.groups()


def best(fits: list[Fit]) -> Fit:
    return min(fits, key=lambda each: each.criterion)


def planted(k: int = 3, apart: float = 4.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    clusters = np.arange(N) % k
    return random.normal(size=(N, 6)) + apart * np.eye(6)[clusters], clusters


def test_the_lowest_criterion_is_that_of_the_planted_clusters() -> None:
    numbers, clusters = planted()
    found = best(search(of_numbers(numbers), 0, 8, 1, 5, 0))
    assert (found.k, found.q) == (3, 0)
    assert adjusted_rand_score(clusters, found.labels) == 1.0


def test_it_ends_some_k_after_the_best_and_reaches_the_k_that_is_asked_for() -> None:
    numbers, _ = planted()
    tried = {each.k for each in search(of_numbers(numbers), 0, 25, 1, 5, 0)}
    assert tried == set(range(1, max(tried) + 1))
    assert max(tried) < 10
    assert max(each.k for each in search(of_numbers(numbers), 0, 25, 12, 5, 0)) >= 12


@pytest.mark.parametrize("noise", [0.05, 1.0, 20.0])
def test_the_criterion_does_not_depend_on_how_variance_and_noise_are_divided(noise: float) -> None:
    """Of stores that are equally thin, variance 1 without noise and 1 / (1 + noise) with it are one and the same mixture."""
    numbers, clusters = planted(apart=6.0)
    stores = of_numbers(numbers, np.ones(N))
    plain = fit(stores, np.ones((1, N)), one_hot(clusters, 3)[None], 0, 60, adapts=False)
    plain = plain._replace(noise=np.zeros(1), variances=plain.variances * (1.0 + plain.noise[:, None]))
    divided = plain._replace(noise=np.array([noise]), variances=plain.variances / (1.0 + noise))
    one, other = (_judged(stores, 0, mixture, 0) for mixture in (plain, divided))
    assert other.bic == pytest.approx(one.bic)
    assert other.wide == pytest.approx(one.wide, abs=0.01)
    assert other.criterion == pytest.approx(one.criterion, abs=0.01)


def test_stores_that_are_equally_thin_have_no_noise() -> None:
    numbers, clusters = planted()
    found = fit(of_numbers(numbers, np.ones(N)), np.ones((1, N)), one_hot(clusters, 3)[None], 0, 60)
    assert found.noise.tolist() == [0.0]


def test_a_start_from_clusters_is_kept_beside_the_others() -> None:
    """Two stores far out make a likelier fit of three clusters; from the clusters of before, the third one is still there."""
    numbers, clusters = planted(apart=5.0)
    numbers[:2] += 40.0
    stores = of_numbers(numbers)
    fits = search(stores, 0, 3, 3, 5, 0)
    again = begun_from(stores, 0, fits, one_hot(clusters, 3))
    assert len(again) == len(fits) + len([each for each in fits if each.k == 1])
    assert [(each.k, each.q) for each in again] == sorted((each.k, each.q) for each in again)
    whole = [each for each in again if each.k == 3 and each.smallest >= 5]
    assert max(adjusted_rand_score(clusters[2:], each.labels[2:]) for each in whole) > 0.95


def test_a_polished_fit_is_no_less_likely() -> None:
    numbers, _ = planted(apart=2.0)
    stores = of_numbers(numbers)
    start = next(each for each in search(stores, 0, 3, 3, 5, 0) if each.k == 3)
    assert polished(stores, 0, start).mixture.log_likelihoods[0] >= start.mixture.log_likelihoods[0] - 1e-6


def test_clusters_are_not_split_by_flags_that_say_nothing_of_the_numbers() -> None:
    numbers, clusters = planted(k=2, apart=5.0)
    area = np.eye(3)[np.random.default_rng(2).integers(0, 3, N)]
    stores, groups = of_matrix(np.column_stack([numbers, area]))
    found = best(search(stores, groups, 6, 1, 5, 0))
    assert found.k == 2
    assert adjusted_rand_score(clusters, found.labels) == 1.0


def test_flags_that_go_together_are_clusters() -> None:
    clusters = np.random.default_rng(4).integers(0, 2, N)
    flips = np.random.default_rng(5).random((N, 8)) < 0.1
    stores, groups = of_matrix(np.where(flips, 1 - clusters[:, None], clusters[:, None]).astype(float))
    fits = search(stores, groups, 4, 1, 5, 0)
    two = best([each for each in fits if each.k == 2])
    assert two.bic < min(each.bic for each in fits if each.k == 1) - 100
    assert adjusted_rand_score(clusters, two.labels) > 0.9


def along_an_axis(seed: int = 0) -> Stores:
    """Stores in three clusters, and along one axis within each."""
    numbers, _ = planted(seed=seed)
    random = np.random.default_rng(seed + 100)
    return of_numbers(numbers + random.normal(size=(N, 1)) * np.linspace(1.0, 2.0, 6))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_numbers_of_factors_that_lose_end_early_and_the_best_fit_is_as_if_none_did(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    stores = along_an_axis(seed)
    highest: list[float] = []

    def counted(of: Stores, groups: int, begun: Mixtures, limit: float = np.inf) -> Fit:
        highest.append(limit)
        return _continued(of, groups, begun, limit)

    monkeypatch.setattr(search_module, "_continued", counted)
    early = search(stores, 0, 6, 1, 5, 0)
    assert np.isfinite(highest).sum() > len(highest) / 2
    monkeypatch.setattr(search_module, "_continued", lambda of, groups, begun, _=np.inf: _continued(of, groups, begun))
    whole = search(stores, 0, 6, 1, 5, 0)
    assert (best(early).k, best(early).q) == (best(whole).k, best(whole).q) == (3, 1)
    assert best(early).criterion == pytest.approx(best(whole).criterion, abs=0.1)


def test_sweeping_back_ends_far_above_the_best_k_but_not_before_the_k_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers, _ = planted(k=6)
    merged: list[int] = []
    from_more = search_module.from_more

    def counted(few: Stores, more: Mixtures) -> np.ndarray:
        merged.append(more.means.shape[1] - 1)
        return from_more(few, more)

    monkeypatch.setattr(search_module, "from_more", counted)
    assert best(search(of_numbers(numbers), 0, 9, 1, 5, 0)).k == 6
    assert merged == [8, 7, 6, 5]
    merged.clear()
    search(of_numbers(numbers), 0, 9, 3, 5, 0)
    assert merged == [8, 7, 6, 5, 4, 3]


def test_fits_have_the_same_clusters_whatever_their_order_and_others_have_not() -> None:
    numbers, clusters = planted()
    stores = of_numbers(numbers)
    one, renumbered, other = (
        fit(stores, np.ones((1, N)), one_hot(labels, 3)[None], 0, 5, adapts=False)
        for labels in (clusters, 2 - clusters, np.arange(N) // 40)
    )
    assert _has_same_clusters(stores, one, renumbered)
    assert not _has_same_clusters(stores, one, other)
