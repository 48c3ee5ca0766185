"""From sales and outside data to feature matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import gmean
from skbio.stats import composition
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from pipeline.core.statistics import features
from pipeline.errors import DataError
from pipeline.schema import RARE, UNMAPPED


def sales(*rows: tuple[str, str, int, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["store_id", "need_state", "sales_cents", "is_excluded"])


def wide(values: list[list[int]], *need_states: str) -> pd.DataFrame:
    return pd.DataFrame(values, index=[f"s{i}" for i in range(len(values))], columns=list(need_states))


def outside(seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(random.lognormal(size=(41, 3)), columns=["a", "b", "c"], index=[f"s{i}" for i in range(41)])


def test_positive_sales_clip_returns_and_leave_excluded_stores_out():
    table = sales(("2", "B", 500, False), ("1", "A", -30, False), ("1", "B", 70, False), ("3", "C", 9, True))
    found = features.positive_sales(table)
    assert found.to_dict("index") == {"1": {"A": 0, "B": 70}, "2": {"A": 0, "B": 500}}
    assert (found.dtypes == "int64").all()


def test_positive_sales_of_no_rows_are_an_empty_table():
    assert features.positive_sales(sales()).shape == (0, 0)


def test_rare_need_states_become_one_feature_and_unmapped_sales_none():
    found = features.mix(wide([[5, 500, 3, 492, 900], [5, 900, 3, 92, 0]], "a", "b", "c", "d", UNMAPPED), 0.01)
    assert list(found.shares.columns) == [RARE, "b", "d"]
    np.testing.assert_allclose(found.shares, [[0.008, 0.5, 0.492], [0.008, 0.9, 0.092]])
    assert found.unknown == []


def test_a_need_state_at_the_threshold_is_not_rare():
    found = features.mix(wide([[1, 99]], "a", "b"), 0.01)
    assert list(found.shares.columns) == ["a", "b"]


def test_a_need_state_that_nobody_bought_is_no_feature():
    assert list(features.mix(wide([[0, 99]], "a", "b"), 0.0).shares.columns) == ["b"]


def test_a_store_that_sold_nothing_mapped_gets_the_chains_mix():
    found = features.mix(wide([[30, 10, 0], [10, 50, 7], [0, 0, 8]], "a", "b", UNMAPPED), 0.01)
    assert found.unknown == ["s2"]
    np.testing.assert_allclose(found.shares, [[0.75, 0.25], [1 / 6, 5 / 6], [0.4, 0.6]])


def test_without_a_mapped_need_state_there_is_no_feature():
    found = features.mix(wide([[8], [9]], UNMAPPED), 0.01)
    assert found.shares.shape == (2, 0)
    assert found.unknown == []


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=4, max_size=4), min_size=1, max_size=8), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_shares_of_every_store_sum_to_one(values, threshold):
    shares = features.mix(wide(values, "a", "b", "c", UNMAPPED), threshold).shares
    if shares.shape[1]:
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        assert (shares >= 0).all(axis=None)


def test_hellinger_distances_follow_from_square_roots():
    shares = features.mix(wide([[1, 3], [2, 2]], "a", "b"), 0.0).shares
    found = features.transform(shares, "hellinger")
    np.testing.assert_allclose(found, np.sqrt([[0.25, 0.75], [0.5, 0.5]]))
    affinity = np.sqrt(0.25 * 0.5) + np.sqrt(0.75 * 0.5)
    assert np.linalg.norm(found.iloc[0] - found.iloc[1]) == pytest.approx(np.sqrt(2 * (1 - affinity)))


def test_zscore_and_none_are_what_they_say():
    shares = outside().assign(constant=0.1)
    pd.testing.assert_frame_equal(features.transform(shares, "none"), shares)
    found = features.transform(shares, "zscore")
    np.testing.assert_allclose(found[["a", "b", "c"]], StandardScaler().fit_transform(shares[["a", "b", "c"]]))
    assert (found["constant"] == 0.0).all()


@pytest.mark.parametrize(
    ("name", "theirs"), [("robust", RobustScaler()), ("standard", StandardScaler()), ("minmax", MinMaxScaler())]
)
def test_the_scalers_are_scikit_learns(name, theirs):
    np.testing.assert_allclose(features.scale(outside(), name), theirs.fit_transform(outside()))


@pytest.mark.parametrize("name", ["robust", "standard", "minmax"])
def test_a_constant_feature_is_scaled_to_zero_and_an_empty_table_stays_empty(name):
    assert (features.scale(outside().assign(d=0.1), name)["d"] == 0.0).all()
    assert features.scale(outside().iloc[:0], name).shape == (0, 3)
    assert features.scale(outside().iloc[:, :0], name).shape == (41, 0)


def test_a_rare_level_counts_as_much_as_a_common_one():
    rare = outside().assign(rare=np.eye(41)[:, 0], common=np.arange(41) % 2)
    found = features.scale(rare, "robust")
    assert np.ptp(found["rare"]) == np.ptp(found["common"]) == 1.0


@pytest.mark.parametrize("name", ["robust", "standard", "minmax"])
def test_scaling_does_not_depend_on_the_order_of_the_stores(name):
    shuffled = outside().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        features.scale(shuffled, name).sort_index(), features.scale(outside(), name).sort_index(), check_exact=True
    )


def test_a_missing_value_is_an_error_that_names_feature_and_store():
    table = outside()
    features.check_finite(table)
    table.loc["s7", "b"] = np.nan
    table.loc["s9", "b"] = np.inf
    with pytest.raises(DataError, match="the feature 'b' is missing or infinite for 2 stores, first 's7'"):
        features.check_finite(table)


@pytest.mark.parametrize("value", [1.8e100, -1.7e308])
def test_a_value_whose_square_would_overflow_is_an_error_too(value):
    table = outside()
    table.loc["s7", "c"] = value
    with pytest.raises(
        DataError, match=r"the feature 'c' is too large for 1 stores, first 's7'.*between -1e\+100 and 1e\+100"
    ):
        features.check_finite(table)


def test_the_long_table_has_a_row_for_each_store_and_feature():
    found = features.long_table(pd.DataFrame({"y": [1.0, 2.0], "x": [3.0, 4.0]}, index=["b", "a"]))
    assert found.to_numpy().tolist() == [["a", "x", 4.0], ["a", "y", 2.0], ["b", "x", 3.0], ["b", "y", 1.0]]
    assert len(features.long_table(outside().iloc[:, :0])) == 0


def test_rows_are_ordered_by_value_and_rows_alike_keep_their_order():
    values = np.array([[2.0, 1.0], [1.0, 9.0], [2.0, 0.0], [1.0, 9.0]])
    assert features.value_order(values).tolist() == [1, 3, 2, 0]
    assert features.value_order(np.empty((3, 0))).tolist() == [0, 1, 2]


def compositions(zeros: bool) -> pd.DataFrame:
    random = np.random.default_rng(3)
    values = random.dirichlet([4.0, 2.0, 1.0, 0.5], 9)
    if zeros:
        values[0, 3] = values[1, 2] = values[1, 3] = 0.0
    return pd.DataFrame(values / values.sum(axis=1, keepdims=True), columns=list("abcd"))


def test_distances_after_chi_square_are_chi_square_distances_of_the_shares():
    shares = compositions(zeros=True)
    found = features.transform(shares, "chi_square").to_numpy()
    values, mass = shares.to_numpy(), shares.to_numpy().sum(axis=0) / shares.to_numpy().sum()
    for i in range(len(values)):
        for j in range(i):
            expected = np.sqrt(sum((values[i, c] - values[j, c]) ** 2 / mass[c] for c in range(4)))
            assert np.linalg.norm(found[i] - found[j]) == pytest.approx(expected)


def test_clr_is_the_log_over_the_geometric_mean_and_its_distances_know_ratios_only():
    shares = compositions(zeros=False)
    found = features.transform(shares, "clr")
    np.testing.assert_allclose(found, np.log(shares.div(gmean(shares, axis=1), axis=0)))
    np.testing.assert_allclose(found, composition.clr(shares.to_numpy()))
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-12)
    perturbed = shares * [1.0, 5.0, 0.2, 3.0]  # another unit for each part: Aitchison distances stay
    again = features.transform(perturbed.div(perturbed.sum(axis=1), axis=0), "clr")
    np.testing.assert_allclose(pdist(again), pdist(found))


def test_zeros_are_replaced_before_the_logarithm_and_keep_the_ratios_of_the_others():
    shares = compositions(zeros=True)
    found = features.transform(shares, "clr")
    np.testing.assert_allclose(found, composition.clr(composition.multi_replace(shares.to_numpy())), rtol=1e-9)
    assert found.loc[1, "a"] - found.loc[1, "b"] == pytest.approx(np.log(shares.loc[1, "a"] / shares.loc[1, "b"]))


@pytest.mark.parametrize("name", ["hellinger", "zscore", "none", "chi_square", "clr"])
def test_a_transform_of_no_store_or_no_need_state_is_empty(name):
    for empty in (pd.DataFrame(np.empty((0, 2)), columns=["a", "b"]), pd.DataFrame(index=["s1", "s2"])):
        assert features.transform(empty, name).shape == empty.shape


@pytest.mark.parametrize("name", ["hellinger", "zscore", "none", "chi_square", "clr"])
def test_the_order_of_the_stores_changes_no_bit_of_a_transform(name):
    shares = compositions(zeros=True)
    turned = shares.iloc[::-1]
    assert features.transform(turned, name).iloc[::-1].equals(features.transform(shares, name))


def test_a_weight_counts_that_often_in_squared_distances_and_0_leaves_the_feature_out():
    found = features.weighted(outside(), {"a": 3.0, "c": 0.0, "unknown": 5.0})
    apart = [pdist(outside()[[name]]) ** 2 for name in "abc"]
    assert pdist(found) ** 2 == pytest.approx(3.0 * apart[0] + apart[1])
    assert features.weighted(outside(), {}).equals(outside())


def test_a_weight_of_a_categorical_feature_is_that_of_its_levels_unless_a_level_has_its_own():
    levels = pd.DataFrame(np.eye(3), columns=["area=a", "area=b", "income"])
    found = features.weighted(levels, {"area": 4.0, "area=b": 9.0})
    assert np.diag(found).tolist() == [2.0, 3.0, 1.0]
