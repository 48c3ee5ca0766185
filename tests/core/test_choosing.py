"""Which k is taken: by cases."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.clustering.choosing import Chooser
from pipeline.core.clustering.densities import Mixtures
from pipeline.core.clustering.refits import Refits
from pipeline.core.clustering.search import Fit, _of_means, _of_wide_means
from pipeline.settings import ClusteringSettings

NONE = Mixtures(*([np.zeros(1)] * 8))


def a_fit(
    k: int, criterion: float, q: int = 0, *, bic: float | None = None, wide: float | None = None, smallest: int = 20
) -> Fit:
    bic = criterion if bic is None else bic
    return Fit(k, q, NONE, np.ones((100, k)) / k, smallest, bic, bic if wide is None else wide, criterion)


def chooser(*fits: Fit, stability: float = 0.9, unstable: tuple[int, ...] = (), **settings: object) -> Chooser:
    def refit(found: Fit) -> Refits:
        return Refits(NONE, 0.1 if found.k in unstable else stability, 0.9)

    return Chooser(list(fits), refit, ClusteringSettings(**settings), 100)


def test_the_lowest_criterion_of_those_that_qualify_is_taken_and_only_it_is_refitted():
    choosing = chooser(a_fit(1, 0.0), a_fit(2, -100.0), a_fit(3, -150.0), a_fit(4, -300.0, smallest=4))
    choice = choosing.take()
    assert choice.fit.k == 3
    assert set(choosing.refitted) == {3}
    assert (
        "k = 3 is the likeliest of k = 1 to 4 whose clusters have at least 5 stores, by 150 points over one cluster"
        in choice.reason
    )


@pytest.mark.parametrize(
    ("bic", "wide", "k"),
    [(-10.1, -10.1, 2), (-9.9, -9.9, 1), (5.0, -40.1, 2), (5.0, -39.9, 1)],
)
def test_one_cluster_is_left_for_what_is_much_likelier_only(bic, wide, k):
    assert chooser(a_fit(1, 0.0), a_fit(2, -500.0, bic=bic, wide=wide)).take().fit.k == k


def test_an_axis_of_one_cluster_has_to_be_much_likelier_too():
    assert chooser(a_fit(1, 0.0), a_fit(1, -9.0, q=1)).take().fit.q == 0
    assert chooser(a_fit(1, 0.0), a_fit(1, -11.0, q=1), a_fit(1, -15.0, q=2)).take().fit.q == 1


def test_what_resamples_do_not_find_again_is_passed_over_and_said():
    choice = chooser(a_fit(1, 0.0), a_fit(2, -100.0), a_fit(3, -150.0), unstable=(3,)).take()
    assert choice.fit.k == 2
    assert "k = 3 would be likelier, but resamples do not find its clusters again" in choice.reason
    alone = chooser(a_fit(1, 0.0), a_fit(3, -150.0), unstable=(3,)).take()
    assert (alone.fit.k, alone.refits) == (1, None)
    assert "k = 3 would be likelier" in alone.reason


def test_a_barred_k_is_not_taken_and_is_named():
    choosing = chooser(a_fit(1, 0.0), a_fit(1, -50.0, q=1), a_fit(2, -100.0), a_fit(3, -150.0))
    choice = choosing.take(barred={3: "it does not hold"})
    assert (choice.fit.k, choice.passed_over) == (2, 3)
    assert choice.reason.endswith("; k = 3 is not taken: it does not hold")
    nothing = choosing.take(barred={2: "no", 3: "no"})
    assert (nothing.fit.k, nothing.fit.q, nothing.passed_over) == (1, 0, 3)


@pytest.mark.parametrize(("k_before", "k"), [(2, 2), (4, 3), (1, 3), (7, 3), (0, 3)])
def test_the_references_k_stands_where_it_gains_nearly_as_much(k_before, k):
    choice = chooser(a_fit(1, 0.0), a_fit(2, -145.0), a_fit(3, -150.0), a_fit(4, -140.0)).take(k_before)
    assert choice.fit.k == k
    assert ("stands, as in the reference" in choice.reason) == (k == 2)


def test_a_fixed_k_is_taken_as_far_as_it_is_possible():
    fits = (a_fit(1, 0.0), a_fit(2, 50.0, smallest=3), a_fit(3, 90.0, smallest=0))
    found = chooser(*fits, k=3).take()
    assert found.fit.k == 2
    assert found.reason == (
        "k = 3 is set, but the stores can form 2 different clusters at most: k = 2; its smallest cluster has 3 stores, "
        "fewer than the 5 that a chosen k needs"
    )


def test_the_price_of_means_is_the_integral_over_their_prior():
    """Minus 2 log of the integral of exp(-n (m - deviation)^2 / 2) over the prior of m, by small steps, for the kindest prior of those tried."""
    size, deviation = 12.0, 0.7
    grid, step = np.linspace(-60.0, 60.0, 1_200_001, retstep=True)
    likelihood = np.exp(-0.5 * size * np.square(grid - deviation))
    at_nothing = np.exp(-0.5 * size * deviation**2)
    integrals = []
    for spread in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0):
        slab = (likelihood * np.exp(-0.5 * np.square(grid) / spread)).sum() * step / np.sqrt(2.0 * np.pi * spread)
        integrals += [share * slab + (1.0 - share) * at_nothing for share in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)]
    two_clusters, one_is_free = np.full((2, 1), deviation**2), 1
    expected = one_is_free * -2.0 * np.log(max(integrals))
    assert _of_means(two_clusters, np.full((2, 1), size)) == pytest.approx(expected, rel=1e-5)


def test_wide_means_are_charged_more_the_farther_they_lie():
    sizes = np.array([[20.0], [20.0]])
    near, far = np.full((2, 5), 0.1), np.full((2, 5), 10.0)
    assert _of_wide_means(far, sizes) > _of_wide_means(near, sizes) > 0
