"""The population stability index: by hand, against SciPy's entropies, and by chance alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy

from pipeline.core.between_runs.drift import bin_edges, drift, psi


def test_the_index_is_the_sum_of_both_relative_entropies() -> None:
    random = np.random.default_rng(0)
    before, now = random.normal(size=400), random.normal(0.4, 1.2, 300)
    counts = [
        np.bincount(pd.cut(side, [-np.inf, *bin_edges(before), np.inf], labels=False), minlength=10) + 0.5
        for side in (before, now)
    ]
    p, q = (count / count.sum() for count in counts)
    assert len(p) == 10
    assert psi(before, now)[0] == pytest.approx(entropy(p, q) + entropy(q, p))


def test_a_case_worked_by_hand() -> None:
    # two bins at the median 2: before 2 and 2, now 1 and 3; with half a store added, p = 1/2, q = 1.5/5 and 3.5/5
    index, _ = psi(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 3.0, 9.0]))
    assert index == pytest.approx(-0.2 * np.log(0.6) + 0.2 * np.log(1.4))


def test_a_rising_transformation_of_both_changes_nothing() -> None:
    random = np.random.default_rng(1)
    before, now = random.random(200), random.random(150) ** 2
    assert psi(before, now) == psi(np.sqrt(before), np.sqrt(now))


def test_equal_values_are_one_bin_and_a_constant_is_seen_to_move_either_way() -> None:
    assert len(bin_edges(np.repeat([0.0, 1.0], [300, 100]))) == 1
    constant = np.full(100, 5.0)
    assert psi(constant, constant)[0] == 0.0
    assert psi(constant, np.full(100, 4.0))[0] > 1
    assert psi(constant, np.full(100, 6.0))[0] > 1


def test_few_stores_are_few_bins() -> None:
    assert len(bin_edges(np.arange(10.0))) == 1
    assert len(bin_edges(np.arange(100.0))) == 4
    assert len(bin_edges(np.arange(5000.0))) == 9


def test_chance_alone_exceeds_what_is_said_once_in_twenty() -> None:
    random = np.random.default_rng(2)
    beyond = []
    for _ in range(400):
        index, chance = psi(random.normal(size=300), random.normal(size=300))
        beyond.append(index > chance)
    assert 0.02 < np.mean(beyond) < 0.09


def test_what_is_said_of_a_feature() -> None:
    random = np.random.default_rng(3)
    old = random.normal(size=400)
    before = pd.DataFrame({"same": old, "some": old, "much": old, "gone": old})
    now = pd.DataFrame({"same": old[::-1], "some": old + 0.4, "much": old + 2.0, "new": old})
    found = drift(before, now).set_index("feature")
    assert found["change"].to_dict() == {
        "gone": "gone",
        "much": "moved much",
        "new": "new",
        "same": "stable",
        "some": "moved",
    }
    assert found.loc[["gone", "new"], ["psi", "psi_by_chance"]].isna().all(axis=None)
    assert found.loc["much", "mean_now"] == pytest.approx(old.mean() + 2.0)
    assert np.isnan(found.loc["gone", "mean_now"])
    assert len(drift(before.iloc[:0, :0], now.iloc[:0, :0])) == 0


def test_a_large_index_of_few_stores_is_not_called_a_move() -> None:
    random = np.random.default_rng(4)
    found = [
        drift(pd.DataFrame({"f": random.normal(size=30)}), pd.DataFrame({"f": random.normal(size=30)}))
        for _ in range(60)
    ]
    assert np.mean([frame["psi"][0] >= 0.1 for frame in found]) > 0.1
    assert np.mean([frame["change"][0] != "stable" for frame in found]) < 0.08
