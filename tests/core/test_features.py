"""From sales and outside data to feature matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
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


def test_where_all_need_states_are_small_only_the_rarest_tenth_of_the_sales_is_one_feature():
    names = [f"n{j:03d}" for j in range(120)]
    found = features.mix(wide([[2] * 30 + [10] * 90], *names), 0.01)
    assert list(found.shares.columns) == [RARE, *names[30:]], (
        "90 of 10 are alike: all of them would be more than a tenth"
    )
    assert found.shares[RARE].iloc[0] == pytest.approx(60 / 960)


def test_rare_need_states_have_at_most_ten_times_the_share_that_makes_them_rare():
    sales = wide([[4, 5, 6, 85]], "a", "b", "c", "d")
    assert list(features.mix(sales, 0.07).shares.columns) == [RARE, "d"]
    many = wide([[1] * 5 + [3] * 10 + [65]], *[f"n{j:02d}" for j in range(16)])
    assert list(features.mix(many, 0.03).shares.columns) == [RARE, *[f"n{j:02d}" for j in range(5, 16)]]
    assert list(features.mix(many, 0.04).shares.columns) == [RARE, "n15"], "35 of 100 are at most ten times .04"


def test_need_states_that_were_put_together_before_do_not_count_among_the_rare_ones():
    sales = wide([[40, 5, 5, 50]], RARE, "a", "b", "c")
    found = features.mix(sales, 0.06)
    assert list(found.shares.columns) == [RARE, "c"]
    assert found.shares[RARE].iloc[0] == 0.5


@given(cents=st.lists(st.integers(1, 60), min_size=1, max_size=40), share=st.floats(0, 0.3), seed=st.integers(0, 99))
def test_which_need_states_are_rare_does_not_depend_on_their_names(cents, share, seed):
    names = [f"n{j:02d}" for j in range(len(cents))]
    rare = features.rare_of(pd.Series(cents, index=names), share)
    order = np.random.default_rng(seed).permutation(len(cents))
    shuffled = features.rare_of(pd.Series(np.array(cents)[order], index=names), share)
    assert shuffled.to_numpy()[np.argsort(order)].tolist() == rare.tolist()
    together = np.array(cents)[rare.to_numpy()].sum()
    assert together <= features.MOST_RARE * share * sum(cents) * (1 + 1e-12)
    assert max(np.array(cents)[rare.to_numpy()], default=0) <= min(np.array(cents)[~rare.to_numpy()], default=np.inf)


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
        DataError, match=r"the feature 'c' is too large for 1 store, first 's7'.*between -1e\+100 and 1e\+100"
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


def test_a_weight_counts_that_often_in_squared_distances_and_0_leaves_the_feature_out():
    found = features.weighted(outside(), features.weights_of(outside().columns, {"a": 3.0, "c": 0.0, "unknown": 5.0}))
    apart = [pdist(outside()[[name]]) ** 2 for name in "abc"]
    assert pdist(found) ** 2 == pytest.approx(3.0 * apart[0] + apart[1])
    assert features.weighted(outside(), features.weights_of(outside().columns, {})).equals(outside())


def test_a_weight_of_a_categorical_feature_is_that_of_its_levels_unless_a_level_has_its_own():
    levels = pd.DataFrame(np.eye(3), columns=["area=a", "area=b", "income"])
    found = features.weighted(levels, features.weights_of(levels.columns, {"area": 4.0, "area=b": 9.0}))
    assert np.diag(found).tolist() == [2.0, 3.0, 1.0]


def mostly_alike() -> pd.DataFrame:
    """Ten stores: most have no pumps and no flag, half have no desks, and all differ in area; the tenth alone has an odd number of pumps."""
    stores = [f"s{number}" for number in range(10)]
    return pd.DataFrame(
        {
            "area": np.arange(10.0),
            "desks": [0.0] * 5 + [1.0, 2.0, 3.0, 4.0, 5.0],
            "flag": [0.0] * 8 + [1.0, 1.0],
            "pumps": [0.0] * 7 + [4.0, 8.0, 3.0],
        },
        index=pd.Index(stores, name="store_id"),
    )


def test_a_number_that_most_stores_share_counts_a_fifth_and_a_flag_or_another_number_as_before():
    weights = features.outside_weights(mostly_alike(), {})
    assert weights.to_dict() == {"area": 1.0, "desks": 1.0, "flag": 1.0, "pumps": 0.2}


def test_a_weight_that_is_given_stands_and_held_out_stores_do_not_count():
    assert features.outside_weights(mostly_alike(), {"pumps": 3.0, "area": 0.0}).tolist() == [0.0, 1.0, 1.0, 3.0]
    without_two = features.outside_weights(mostly_alike(), {}, held_out=["s7", "s8"])
    assert without_two["pumps"] == 1.0  # zeros and one other value: a flag
    without_a_zero = features.outside_weights(mostly_alike(), {}, held_out=["s9"])
    assert without_a_zero["desks"] == 0.2  # five of nine are the same


@pytest.mark.parametrize("rows", [[0, 1, 2, 3, 4, 5], [5, 2, 0], [3], []])
def test_a_long_table_becomes_a_sorted_matrix_whatever_its_rows_are_and_their_order(rows):
    pairs = [("s2", "b"), ("s1", "a"), ("s10", "b"), ("s2", "a"), ("s1", "c"), ("s10", "a")]
    table = pd.DataFrame(
        {
            "store_id": pd.Series([pairs[row][0] for row in rows], dtype="str"),
            "feature": pd.Series([pairs[row][1] for row in rows], dtype="str"),
            "value": pd.Series([row / 8 for row in rows], dtype="float64"),
        }
    )
    by_pandas = table.pivot(index="store_id", columns="feature", values="value").sort_index(axis=1)
    pd.testing.assert_frame_equal(features.wide_table(table, "feature", "value", np.nan), by_pandas)
    pd.testing.assert_frame_equal(features.wide_table(table, "feature", "value", 0.0), by_pandas.fillna(0.0))
