"""What is said of every k that was tried: the mark is on the lowest criterion of those that may be taken, or it is said why not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from core.test_choosing import a_fit, chooser

from pipeline.core.clustering import outcomes
from pipeline.core.clustering.k_figures import k_figures
from pipeline.core.clustering.stores import cluster_stores
from pipeline.settings import ClusteringSettings


def outcome_of(choosing, barred=None, k_before: int = 0) -> dict[int, str]:
    barred = barred or {}
    choice = choosing.take(k_before, barred)
    return {k: outcomes.outcome(choosing, choice, k, barred) for k in sorted({fit.k for fit in choosing._fits})}


def test_every_k_that_is_not_taken_has_its_reason() -> None:
    choosing = chooser(
        a_fit(1, 0.0), a_fit(2, -400.0, bic=-5.0, wide=-5.0), a_fit(3, -150.0), a_fit(4, -100.0), a_fit(5, -300.0, smallest=4),
        a_fit(6, -320.0), a_fit(7, -310.0), a_fit(8, -330.0, smallest=0), unstable=(6,),
    )  # fmt: skip
    assert outcome_of(choosing, {7: "it does not hold"}) == {
        1: "a larger k is much likelier",
        2: "not much likelier than one cluster",
        3: "taken",
        4: "a higher criterion",
        5: "too small a cluster",
        6: "not found again in resamples",
        7: "does not hold on other weeks",
        8: "a cluster without a store",
    }
    assert (
        "the criterion of k = 2 is lower, but it is not much likelier than one cluster"
        in choosing.take(0, {7: "x"}).reason
    )


def test_the_k_of_the_reference_and_one_that_is_set_are_reasons_too() -> None:
    fits = (a_fit(1, 0.0), a_fit(2, -145.0), a_fit(3, -150.0))
    assert outcome_of(chooser(*fits), k_before=2)[3] == "the k of the reference stands"
    assert outcome_of(chooser(*fits, k=2)) == {1: "another k is set", 2: "taken", 3: "another k is set"}
    assert outcome_of(chooser(*fits[:1])) == {1: "taken"}


def test_the_figures_of_a_k_are_those_of_the_fit_by_which_it_was_judged() -> None:
    """The fit of k = 2 with the lowest criterion has a cluster too small; the one that may be taken has another criterion."""
    labels = np.array([0] * 50 + [1] * 50)
    large = a_fit(2, -100.0, q=1)._replace(memberships=np.eye(2)[labels])
    choosing = chooser(a_fit(1, 0.0), a_fit(2, -120.0, smallest=2), large)
    assert choosing.take().fit.criterion == -100.0
    figures = k_figures(np.random.default_rng(0).normal(size=(100, 2)), choosing, 2)[1]
    assert (figures.criterion, figures.smallest_cluster, figures.axes) == (-100.0, 20, 1)
    assert figures.likelier == pytest.approx(10.0), "100 points of BIC, where 10 are needed"


@pytest.mark.parametrize("seed", range(4))
def test_in_what_is_published_the_one_taken_is_the_lowest_of_those_in_the_running(seed: int) -> None:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(3, 4)) * 3
    values = centres[random.integers(0, 3, 120)] + random.normal(size=(120, 4))
    features = pd.DataFrame(values, index=[f"s{i:03d}" for i in range(120)], columns=list("abcd"))
    table = cluster_stores(features, ClusteringSettings(resamples=10, null_resamples=19, k_max=6)).k_selection
    running = table[table["outcome"].isin(["taken", "a higher criterion"])]
    taken = table[table["outcome"] == "taken"]
    assert table.loc[table["chosen"], "k"].tolist() == taken["k"].tolist()
    assert running["criterion"].min() == taken["criterion"].iloc[0]
    assert (table.loc[table["outcome"] == "a higher criterion", "likelier"] > 1).all()
