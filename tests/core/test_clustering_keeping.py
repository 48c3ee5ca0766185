"""The k of a reference stands where another is hardly better; by cases."""

from __future__ import annotations

import pytest

from pipeline.core.clustering.keeping import as_before
from pipeline.core.clustering.rules import Choice, KFigures
from pipeline.settings import InternalClustering

SETTINGS = InternalClustering()
CHOSEN = Choice(3, "it has the lowest BIC")


def figures(*bics: float, stability: float = 0.9, smallest: int = 20) -> list[KFigures]:
    return [KFigures(k, 0.5, 1.0, 1.0, bic, 1.0, smallest, stability, 0.9) for k, bic in enumerate(bics, start=1)]


@pytest.mark.parametrize(
    ("found", "k_before", "k"),
    [
        (figures(-100, -590, -600), 2, 2),  # 490 of 500
        (figures(-100, -570, -600), 2, 3),  # 470 of 500
        (figures(-100, -300, -600, -595), 4, 4),
        (figures(-100, -590, -600), 3, 3),
        (figures(-100, -590, -600), 0, 3),  # no reference
        (figures(-100, -590, -600), 1, 3),
        (figures(-100, -590, -600), 7, 3),  # not tried
        (figures(-100, -590, -600, stability=0.5), 2, 3),
        (figures(-100, -590, -600, smallest=4), 2, 3),
    ],
)
def test_it_stands_where_it_qualifies_and_gains_nearly_as_much(found: list[KFigures], k_before: int, k: int) -> None:
    choice = as_before(found, CHOSEN, k_before, SETTINGS, 100)
    assert choice.k == k
    assert ("stands, as in the reference" in choice.reason) == (k != 3)


def test_one_cluster_that_is_chosen_now_is_not_overruled_by_one_that_is_worse() -> None:
    assert as_before(figures(-100, -90), Choice(1, "nothing is better"), 2, SETTINGS, 100).k == 1


def test_other_rules_are_left_alone() -> None:
    settings = InternalClustering(rule="silhouette")
    assert as_before(figures(-100, -590, -600), CHOSEN, 2, settings, 100).k == 3
