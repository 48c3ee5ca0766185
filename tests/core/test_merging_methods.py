"""The methods of merging, what the outside data adds, and the figures beside them, against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import LeaveOneOut

from pipeline.core.merging.comparison import compare
from pipeline.core.merging.contribution import (
    Contribution,
    contribution,
    contribution_rows,
    contribution_table,
    q_values,
)
from pipeline.core.merging.methods import METHODS, Category
from pipeline.core.merging.nesting import held_out_gain, nest
from pipeline.core.merging.permutations import between, p_value, permuted_within
from pipeline.core.merging.stores import CategoryStores
from pipeline.core.statistics.explained import centred, r_squared
from pipeline.settings import Merging

seeds = st.integers(0, 2**32 - 1)


def planted(
    *, seed: int = 0, stores: int = 90, tells: float = 0.0, only: tuple[int, ...] = (1, 2, 3)
) -> CategoryStores:
    """Three internal and two external clusters; in the internal clusters `only`, external ones shift the mix by `tells`."""
    random = np.random.default_rng(seed)
    internal = 1 + np.arange(stores) % 3
    external = 1 + random.integers(0, 2, stores)
    mix = random.normal(0, 1, (stores, 4)) + 6.0 * np.eye(4)[internal]
    mix[:, 0] += tells * (external == 2) * np.isin(internal, only)
    outside = random.normal(0, 1, (stores, 3)) + 8.0 * np.eye(3)[external]
    names = np.array([f"s{number:03d}" for number in range(stores)], dtype=object)
    return CategoryStores("Bread", names, internal, external, mix, outside).in_order_of_values()


# ---------------------------------------------------------------------------------------------- nested


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 4), st.integers(2, 6))
def test_the_held_out_gain_is_that_of_means_fitted_again_without_each_store(seed, k, each):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(k), each)
    rows = random.normal(0, 1, (k * each, 3)) + labels[:, None]
    errors = np.zeros(2)
    for rest, (one,) in LeaveOneOut().split(rows):
        own = rest[labels[rest] == labels[one]]
        errors += [((rows[one] - rows[some].mean(axis=0)) ** 2).sum() for some in (own, rest)]
    assert held_out_gain(centred(rows), labels[None], k)[0] == pytest.approx(1 - errors[0] / errors[1])


def test_an_internal_cluster_is_split_where_the_mix_bears_it_out_and_nowhere_else():
    stores = planted(tells=2.5, only=(2,))
    merged = nest(stores, stores.space(Merging()), 5, 0)
    assert sorted(merged.cells.name) == ["1", "2 x 1", "2 x 2", "3"]
    assert merged.reason == "1 of 3 internal clusters are split by the outside data (2); 3 could be tested"


def test_chance_splits_about_one_internal_cluster_in_twenty_at_most():
    splits = 0
    for seed in range(40):
        stores = planted(seed=seed)
        names = nest(stores, stores.space(Merging()), 5, 0, 99).cells.name
        splits += sum(f"{number}" not in names for number in (1, 2, 3))
    assert splits <= 14  # of 120: the 99.9 % quantile at 5 %


def test_parts_below_the_floor_go_to_a_child_of_their_own_cluster_and_unknown_stores_stay_apart():
    stores = planted(tells=3.0, only=(2,))
    external = stores.external.copy()
    second = np.flatnonzero(stores.internal == 2)
    external[second[:3]] = 3
    external[second[3:5]] = 0
    stores = stores._replace(external=external)
    merged = nest(stores, stores.space(Merging()), 5, 0)
    assert {merged.cells.name[move.source] for move in merged.repair.moves} == {"2 x 3"}
    assert {merged.cells.name[move.target] for move in merged.repair.moves} <= {"2 x 1", "2 x 2"}
    assert {merged.cells.name[cell] for cell in merged.repair.cell[second[3:5]]} == {"2 x none"}


def test_unknown_stores_stay_with_an_internal_cluster_that_is_not_split():
    stores = planted()
    external = stores.external.copy()
    external[:4] = 0
    merged = nest(stores._replace(external=external), stores.space(Merging()), 5, 0)
    assert merged.cells.name == ["1", "2", "3"]
    np.testing.assert_array_equal(merged.repair.cell + 1, stores.internal)


# ---------------------------------------------------------------------------------------------- all three


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_planted_cells(method):
    stores = planted(tells=4.0, stores=120)
    result, table = compare(Category(stores, Merging(method=method, resamples=10, compare_methods=False)))
    truth = stores.internal * 10 + (0 if method == "internal" else stores.external)
    assert adjusted_rand_score(truth, result.merged.repair.cell) > 0.95
    assert table["taken"].tolist() == [True]
    assert table.loc[0, "stability"] > 0.9


def test_the_comparison_has_every_method_and_its_own_figures():
    stores = planted(tells=4.0, stores=120)
    result, table = compare(Category(stores, Merging(resamples=10)))
    assert table["method"].tolist() == sorted(METHODS)
    assert table.set_index("method").loc["cross", ["taken", "agreement", "clusters"]].tolist() == [True, 1.0, 6]
    mine = table.set_index("method").loc["cross"]
    assert mine["r_squared"] == pytest.approx(r_squared(stores.internal_features, result.merged.repair.cell))
    assert mine["reason"].startswith("taken: the outside data earns its place; 120 stores / (3 x 2)")


# ---------------------------------------------------------------------------------------------- what the outside data adds


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 20))
def test_labels_are_permuted_within_their_groups(seed, stores):
    random = np.random.default_rng(seed)
    groups, labels = np.sort(random.integers(0, 3, stores)), random.integers(0, 4, stores)
    (permuted,) = permuted_within(groups, labels, 7, random)
    for one in permuted:
        for group in np.unique(groups):
            assert sorted(one[groups == group]) == sorted(labels[groups == group])


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 20))
def test_between_is_the_sum_of_squares_that_clusters_explain(seed, stores):
    random = np.random.default_rng(seed)
    rows, labels = centred(random.normal(0, 1, (stores, 2))), random.integers(0, 3, (4, stores))
    expected = [r_squared(rows, one) * np.square(rows).sum() for one in labels]
    np.testing.assert_allclose(between(rows, labels, 3), expected, atol=1e-12)


def brute_force(stores: CategoryStores, times: int, seed: int) -> tuple[float, float, float]:
    """The gain, its mean under permutation and its p-value, one permutation and one group at a time."""
    random = np.random.default_rng(seed)

    def gain(external: np.ndarray) -> float:
        return r_squared(stores.internal_features, 100 * stores.internal + external) - r_squared(
            stores.internal_features, stores.internal
        )

    gains = []
    for _ in range(times):
        external = stores.external.copy()
        for group in np.unique(stores.internal):
            external[stores.internal == group] = random.permutation(external[stores.internal == group])
        gains.append(gain(external))
    observed = gain(stores.external)
    return observed, float(np.mean(gains)), (1 + sum(one >= observed for one in gains)) / (1 + times)


@pytest.mark.parametrize("tells", [0.0, 0.7, 3.0])
def test_the_contribution_is_that_of_a_plain_loop_over_permutations(tells):
    stores = planted(tells=tells)
    found = contribution(stores, 0).of_final(stores, stores.internal)
    gain, chance, p = brute_force(stores, 600, 1)
    assert found.gain == pytest.approx(gain)
    assert found.chance == pytest.approx(chance, rel=0.1)
    assert found.p == pytest.approx(p, abs=0.06)
    assert found.final == pytest.approx(found.internal)


def test_stores_that_are_held_out_say_nothing_of_what_the_outside_data_adds():
    stores = planted(tells=0.7)
    strange = stores.internal_features.copy()
    strange[:3] += 50.0
    held_out = np.arange(len(stores.store_id)) < 3
    found = contribution(stores._replace(internal_features=strange, held_out=held_out), 0)
    assert found[:5] + found[6:] == (lambda of: of[:5] + of[6:])(
        contribution(stores.taken(np.flatnonzero(~held_out)), 0)
    )
    assert found.stores == len(stores.store_id) - 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=20))
def test_q_values_are_those_of_scipy(p):
    np.testing.assert_allclose(q_values(np.array(p)), false_discovery_control(p, method="bh"))


def test_categories_without_a_test_do_not_count_among_those_contribution_rows():
    found = q_values(np.array([0.01, np.nan, 0.04, np.nan]))
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04, np.nan])
    assert q_values(np.array([np.nan])).tolist() != [0.0]


def test_a_p_value_is_never_zero_and_counts_what_is_as_large():
    assert p_value(2.0, np.array([1.0, 2.0, 3.0])) == 3 / 4
    assert p_value(9.0, np.zeros(999)) == 1 / 1000


def a_contribution(gain: float, chance: float, p: float, stores: int = 50) -> Contribution:
    return Contribution(f"{gain} {p}", stores, 0.3, 0.3 + gain, 0.3, chance, p)


def test_the_outside_data_earns_its_place_by_significance_and_by_size_beyond_chance():
    table = contribution_table(
        contribution_rows(
            [
                a_contribution(0.08, 0.03, 0.001),
                a_contribution(0.04, 0.03, 0.001),
                a_contribution(0.06, 0.03, 0.2),
                a_contribution(0.03, 0.03, 0.6),
                a_contribution(0.0, np.nan, np.nan),
                a_contribution(0.0, np.nan, np.nan, stores=0),
            ]
        )
    )
    assert table["earns"].tolist() == [True, False, False, False, False, False]
    assert table["reason"].tolist() == [
        "earns its place: external clusters explain 5.0 % more of the mix than chance would, q = 0.002",
        "does not earn its place: external clusters explain 1.0 % more of the mix than chance would, q = 0.002, which is more "
        "than chance but less than 2 %",
        "does not earn its place: external clusters explain 3.0 % more of the mix than chance would, q = 0.267",
        "does not earn its place: external clusters explain no more of the mix than chance would, q = 0.600",
        "not tested: within the internal clusters there is nothing that the external clusters could tell apart",
        "not tested: the outside data knows no store of the category",
    ]


def test_where_external_clusters_tell_nothing_apart_nothing_is_contribution_rows():
    stores = planted()
    for external in (np.ones(90, dtype=int), stores.internal, np.zeros(90, dtype=int)):
        found = contribution(stores._replace(external=external), 0)
        assert np.isnan(found.p)
        assert found.gain == pytest.approx(0.0)
