"""How much work a clustering does: operations are counted, so that no machine's speed decides."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans as SklearnKMeans

from pipeline.core.clustering import densities, factor_mixture, figures, principal, sampling, search
from pipeline.core.clustering import kmeans as kmeans_module
from pipeline.core.clustering.choosing import Chooser
from pipeline.core.clustering.densities import Stores, sums_of
from pipeline.core.clustering.factor_mixture import fit, one_hot, refine
from pipeline.core.clustering.k_figures import k_figures
from pipeline.core.clustering.kmeans import kmeans, spread_starts
from pipeline.settings import ClusteringSettings


def planted(n: int, d: int = 6, k: int = 4, apart: float = 2.0) -> np.ndarray:
    random = np.random.default_rng(n)
    points = random.normal(size=(n, d)) + apart * random.normal(size=(k, d))[np.arange(n) % k]
    return (points - points.mean(axis=0)) / points.std(axis=0)


def of_numbers(numbers: np.ndarray, counted: np.ndarray | None = None) -> Stores:
    return Stores(numbers, counted, np.zeros((len(numbers), 0)), np.zeros(len(numbers)))


@pytest.mark.parametrize("q", [0, 1, 2, 3])
@pytest.mark.parametrize("is_noisy", [False, True])
def test_fits_without_a_matrix_of_factors_per_store_are_those_with_one(q: int, is_noisy: bool) -> None:
    numbers, random = planted(80), np.random.default_rng(0)
    start = one_hot(np.arange(80) % 4, 4)[None]
    weights = random.integers(0, 3, (1, 80)).astype(float)
    alike = of_numbers(numbers)._replace(thinness=random.lognormal(0.0, 1.0, 80) * is_noisy)
    own = alike._replace(counted=np.ones_like(numbers))
    for one, other in zip(fit(alike, weights, start, q, 12), fit(own, weights, start, q, 12), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


def test_distances_that_neither_noise_nor_weights_changed_are_not_computed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    distances_of = densities.distances_of
    monkeypatch.setattr(densities, "distances_of", lambda *given: calls.append(1) or distances_of(*given))
    stores, start = of_numbers(planted(60)), one_hot(np.arange(60) % 4, 4)[None]
    fit(stores, np.ones((1, 60)), start, 1, 20, -1.0)
    assert len(calls) == 20
    calls.clear()
    fit(stores._replace(thinness=np.linspace(0.5, 2.0, 60)), np.ones((1, 60)), start, 1, 20, -1.0)
    assert len(calls) == 20 + 20 // 4  # noise is tried at every fourth iteration


@pytest.mark.parametrize(("d", "tolerance"), [(40, 1e-9), (160, 2e-3)])
def test_axes_that_stand_out_are_found_among_few_and_many_numbers_and_nothing_is_drawn(
    d: int, tolerance: float
) -> None:
    random = np.random.default_rng(d)
    common = random.normal(size=(300, 2)) @ (random.normal(size=(2, d)) * [[1.5], [1.0]])
    numbers = random.normal(size=(300, d)) + common
    covariance = np.cov(numbers.T)
    sizes, axes = principal.axes(covariance, 2)
    expected, exact = np.linalg.eigh(covariance)
    np.testing.assert_allclose(sizes, expected[-2:], rtol=tolerance)
    np.testing.assert_allclose(np.abs(exact[:, -2:].T @ axes), np.eye(2), atol=tolerance)
    np.testing.assert_array_equal(principal.axes(covariance, 2)[1], axes)


def test_a_fit_that_is_finished_no_longer_iterates_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    stores, weights = of_numbers(planted(60, apart=0.5)), np.ones((1, 60))
    slow = fit(stores, weights, one_hot(np.random.default_rng(0).integers(0, 4, 60), 4)[None], 0, 1, adapts=False)
    finished = refine(stores, weights, slow, 2_000, 1e-12, adapts=False)
    both = type(slow)(*(np.concatenate(pair) for pair in zip(slow, finished, strict=True)))
    sizes: list[int] = []
    expected = factor_mixture.expect

    def counted(sums: object, now: object) -> object:
        sizes.append(len(now.noise))  # type: ignore[attr-defined]
        return expected(sums, now)  # type: ignore[arg-type]

    alone = refine(stores, weights, slow, 200, 1e-9, adapts=False)
    monkeypatch.setattr(factor_mixture, "expect", counted)
    together = refine(stores, np.ones((2, 60)), both, 200, 1e-9, adapts=False)
    assert sizes[0] == 2
    assert sizes[-1] == 1
    np.testing.assert_allclose(together.means[0], alone.means[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(together.means[1], finished.means[0], atol=1e-4)


def test_most_iterations_of_a_search_are_made_with_few_stores_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[int, int]] = []
    short = search.fit

    def counted(stores: Stores, weights: np.ndarray, *others: object, **named: object) -> object:
        started.append((len(stores.numbers), len(weights)))
        return short(stores, weights, *others, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(search, "fit", counted)
    for n in (600, 4_000):
        started.clear()
        fits = search.search(of_numbers(planted(n, d=3)), 0, 4, 4, round(0.03 * n), 0)
        assert max(fit.k for fit in fits) == 4
        assert max(stores for stores, batch in started if batch > 1) <= 1 + 20 / 0.03


def test_starts_are_found_on_all_stores_of_a_small_chain_and_on_a_cluster_of_the_smallest_size_in_a_large_one() -> None:
    assert sampling.for_starts(500, 15, 9) is None
    rows = sampling.for_starts(100_000, 100, 9)
    assert rows is not None
    assert len(rows) == 20_000  # 20 of a cluster of 100
    assert sampling.for_starts(1_000, 30, 180) is None  # clusters with many features need many stores
    assert (np.diff(rows) > 0).all()


def test_the_clusters_of_many_stores_are_those_that_were_planted() -> None:
    n, k = 3_000, 5
    numbers = planted(n, k=k, apart=3.0)
    fits = search.search(of_numbers(numbers), 0, 8, 1, 90, 0)
    best = min(fits, key=lambda each: each.criterion)
    assert best.k == k
    shared = np.zeros((k, k))
    np.add.at(shared, (np.arange(n) % k, best.labels), 1)
    assert shared.max(axis=1).sum() >= 0.99 * n


def test_k_means_of_many_points_is_hardly_worse_than_scikit_learns_to_the_end() -> None:
    points = planted(4_000, apart=0.5)
    everyone = np.ones((1, 4_000))
    start = spread_starts(points, everyone, 6, np.random.default_rng(0))
    ours = kmeans(points, everyone, start)
    theirs = SklearnKMeans(6, init=start[0], n_init=1, tol=0, max_iter=1_000).fit(points)
    assert ours.inertia[0] <= 1.001 * theirs.inertia_


def test_distances_between_stores_are_computed_once_for_all_numbers_of_clusters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = planted(200)
    fits = search.search(of_numbers(numbers), 0, 6, 6, 6, 0)
    chooser = Chooser(fits, lambda _: pytest.fail("nothing is refitted"), ClusteringSettings(), 200)
    calls: list[int] = []
    distances = figures.cdist

    def counted(points: np.ndarray, others: np.ndarray) -> np.ndarray:
        calls.append(len(points))
        return distances(points, others)

    monkeypatch.setattr(figures, "cdist", counted)
    assert [each.k for each in k_figures(numbers, chooser, 6)] == [1, 2, 3, 4, 5, 6]
    assert sum(calls) == 200


def test_starts_that_have_lost_end_early_and_the_likeliest_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    stores, random = of_numbers(planted(120)), np.random.default_rng(0)
    starts = one_hot(np.stack([np.arange(120) % 4, *random.integers(0, 4, (11, 120))]), 4)
    sizes: list[int] = []
    expected = factor_mixture.expect

    def counted(sums: object, now: object) -> object:
        sizes.append(len(now.noise))  # type: ignore[attr-defined]
        return expected(sums, now)  # type: ignore[arg-type]

    monkeypatch.setattr(factor_mixture, "expect", counted)
    work, likeliest = [], []
    for rivals in (1, 12):
        sizes.clear()
        mixtures = fit(stores, np.ones((12, 120)), starts, 1, 20, adapts=False, rivals=rivals)
        work.append(sum(sizes))
        likeliest.append(mixtures.taken(np.array([mixtures.log_likelihoods.argmax()])))
    assert work[1] < 0.7 * work[0]
    for one, other in zip(*likeliest, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_each_group_of_rivals_has_the_likeliest_fit_that_it_has_alone() -> None:
    stores, random = of_numbers(planted(90, apart=1.0)), np.random.default_rng(1)
    starts = one_hot(random.integers(0, 3, (8, 90)), 3)
    weights = np.repeat(random.integers(0, 3, (4, 90)).astype(float), 2, axis=0)
    whole, raced = (fit(stores, weights, starts, 1, 8, adapts=False, rivals=rivals) for rivals in (1, 2))
    best = [each.log_likelihoods.reshape(4, 2).max(axis=1) for each in (whole, raced)]
    np.testing.assert_allclose(best[1], best[0], rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_covariance_of_residuals_from_products_is_that_of_the_residuals(weighted: bool) -> None:
    numbers, random = planted(70, d=5), np.random.default_rng(2)
    weights = random.random((3, 70)) if weighted else np.ones((3, 70))
    members = random.dirichlet(np.ones(4), (3, 70)).swapaxes(1, 2)
    counted = members * weights[:, None]
    means = counted @ numbers / counted.sum(axis=2)[:, :, None]
    sums = sums_of(of_numbers(numbers))
    for fit_number, covariance in enumerate(principal.covariances(sums, weights, members, means)):
        residuals = numbers - members[fit_number].T @ means[fit_number]
        whole = (residuals * weights[fit_number][:, None]).T @ residuals / weights[fit_number].sum()
        np.testing.assert_allclose(covariance, whole, atol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_k_means_of_a_large_matrix_sums_what_changed_and_finds_the_same(
    monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    points, random = planted(600, d=8, k=5, apart=0.7), np.random.default_rng(3)
    weights = random.random((4, 600))
    weights[:, ::7] = 0.0
    starts = spread_starts(points, weights, 5, random)
    given = points if shared else np.repeat(points[None], 4, axis=0)
    whole = kmeans(given, weights, starts)
    monkeypatch.setattr(kmeans_module, "_LARGE", 1)
    changed = kmeans(given, weights, starts)
    np.testing.assert_array_equal(changed.labels, whole.labels)
    np.testing.assert_allclose(changed.centroids, whole.centroids, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(changed.inertia, whole.inertia, rtol=1e-10)


def test_a_fit_far_below_the_least_log_likelihood_ends_early_and_others_are_as_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stores, weights = of_numbers(planted(80, apart=0.5)), np.ones((1, 80))
    start = fit(stores, weights, one_hot(np.random.default_rng(0).integers(0, 4, 80), 4)[None], 1, 1, adapts=False)
    calls: list[int] = []
    expected = factor_mixture.expect
    monkeypatch.setattr(factor_mixture, "expect", lambda *given: calls.append(1) or expected(*given))
    reached = refine(stores, weights, start, 60, 1e-9)
    whole = len(calls)
    again = refine(stores, weights, start, 60, 1e-9, least=float(reached.log_likelihoods[0]) - 1e-6)
    assert len(calls) == 2 * whole
    np.testing.assert_array_equal(again.means, reached.means)
    calls.clear()
    refine(stores, weights, start, 60, 1e-9, least=float(reached.log_likelihoods[0]) + 10_000.0)
    assert len(calls) < whole / 3
