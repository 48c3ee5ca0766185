"""Profiles, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway

from pipeline.core.explain.profiles import eta_squared, feature_profiles, need_state_profiles
from pipeline.schema import TABLES

SALES = pd.DataFrame(
    {"A": [100, 0, 300], "B": [100, 50, 100], "UNMAPPED": [0, 50, 0], "Z": [0, 0, 0]}, index=["s1", "s2", "s3"]
)
CLUSTERS = pd.DataFrame({"store_id": ["s3", "s1", "s2"], "cluster": [1, 1, 2]})


def test_mean_shares_and_indexes_are_those_of_the_stores_of_a_cluster():
    found = need_state_profiles(SALES, CLUSTERS).set_index(["cluster", "need_state"])
    assert found.loc[(1, "A"), "mean_share"] == pytest.approx((0.5 + 0.75) / 2)
    assert found.loc[(1, "A"), "share_index"] == pytest.approx(100 * 0.625 / (400 / 700))
    assert found.loc[(2, "A"), "mean_share"] == 0.0
    assert found.loc[(2, "UNMAPPED"), "share_index"] == pytest.approx(100 * 0.5 / (50 / 700))
    assert np.isnan(found.loc[(1, "Z"), "share_index"])
    assert found.loc[1, "stores"].tolist() == [2, 2, 2, 2]


def test_the_mean_shares_of_a_cluster_sum_to_one():
    found = need_state_profiles(SALES, CLUSTERS).groupby("cluster")["mean_share"].sum()
    np.testing.assert_allclose(found, 1.0)


def test_feature_means_stand_beside_the_chains():
    features = pd.DataFrame({"y": [1.0, 2.0, 6.0], "x": [0.0, 1.0, 0.0]}, index=["s1", "s2", "s3"])
    found = feature_profiles(features, CLUSTERS)
    assert found.drop(columns="eta_squared").to_numpy().tolist() == [
        [1, "x", 2, 0.0, 1 / 3],
        [1, "y", 2, 3.5, 3.0],
        [2, "x", 1, 1.0, 1 / 3],
        [2, "y", 1, 2.0, 3.0],
    ]
    # x: all between; y: ((2 x 0.5^2) + 1^2) / (2^2 + 1^2 + 3^2)
    assert found["eta_squared"].tolist() == pytest.approx([1.0, 1.5 / 14, 1.0, 1.5 / 14])


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_eta_squared_is_what_analysis_of_variance_has_between_the_groups(seed, k):
    random = np.random.default_rng(seed)
    cluster = np.concatenate([np.arange(k), random.integers(0, k, 20)])
    values = pd.DataFrame({"a": random.normal(size=len(cluster)) + cluster, "flat": 7.0})
    found = eta_squared(values, pd.Series(cluster))
    assert np.isnan(found["flat"])
    if k == 1:
        assert found["a"] == 0.0
    else:  # F = (eta2 / (k - 1)) / ((1 - eta2) / (n - k))
        f = f_oneway(*(values["a"][cluster == one] for one in range(k))).statistic
        assert found["a"] == pytest.approx(f * (k - 1) / (f * (k - 1) + len(cluster) - k))


def test_profiles_of_no_store_are_empty_tables_of_the_same_columns():
    nobody = CLUSTERS.iloc[:0]
    need_states = need_state_profiles(SALES.iloc[:0, :0], nobody)
    features = feature_profiles(pd.DataFrame(index=pd.Index([], name="store_id")), nobody)
    assert len(need_states) == len(features) == 0
    assert ["category", *need_states.columns] == [column.name for column in TABLES["internal_profiles"].columns]
    assert list(features.columns) == [column.name for column in TABLES["external_profiles"].columns]
