"""The population stability index: by hand, against SciPy's entropies, and by chance alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy, wilcoxon

from pipeline.core.between_runs.drift import bin_edges, drift, psi, signed_rank


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


def stores(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        values, index=[f"s{n}" for n in range(len(values))], columns=[f"f{n}" for n in range(values.shape[1])]
    )


def test_shares_that_rise_by_a_tenth_in_every_store_are_seen_and_chance_is_not() -> None:
    random = np.random.default_rng(5)
    seen, false = [], []
    for _ in range(100):
        mixes = random.dirichlet(random.uniform(3, 30, 8), random.integers(40, 200))
        before, now = (mixes * np.exp(random.normal(0, 0.1, mixes.shape)) for _ in range(2))
        false.append((drift(stores(before), stores(now))["change"] != "stable").any())
        risen = now * np.where(np.arange(8) == 0, 1.1, 1.0)
        seen.append(drift(stores(before), stores(risen)).set_index("feature").loc["f0", "change"] != "stable")
    assert np.mean(seen) >= 0.95
    assert np.mean(false) <= 0.1


def test_a_shift_is_measured_on_the_stores_that_are_in_both_and_a_small_one_is_no_news() -> None:
    random = np.random.default_rng(6)
    before = stores(random.uniform(1.0, 2.0, (100, 2)))
    now = before * np.array([1.08, 1.02])
    result = drift(before, now.drop(index="s0")).set_index("feature")
    assert result["change"].to_dict() == {"f0": "shifted", "f1": "stable"}
    assert result.loc["f0", "shift"] == pytest.approx(0.08 * before["f0"][1:].mean())
    assert (result["p_shift"] < 1e-10).all()
    apart = drift(before, now.set_axis([f"t{n}" for n in range(100)]))
    assert apart[["shift", "p_shift"]].isna().all(axis=None)
    assert drift(before, before)["p_shift"].eq(1.0).all()


@pytest.mark.parametrize("ties", [False, True])
def test_the_signed_rank_test_is_that_of_scipy(ties: bool) -> None:
    differences = np.random.default_rng(7).normal(0.2, 1.0, 80)
    differences = np.round(differences, 1) if ties else differences
    expected = wilcoxon(differences, correction=False, method="asymptotic").pvalue
    assert signed_rank(differences) == pytest.approx(expected, rel=1e-9)
