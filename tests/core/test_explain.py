"""Clusters in words: exemplars, names, rules; against brute force, scikit-learn and cases worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances

from pipeline.core.explain.cluster_names import Side, cluster_names, side
from pipeline.core.explain.clusters import exemplars, summary
from pipeline.core.explain.description_rules import FOLDS, description_rules, folds
from pipeline.core.explain.readings import condition, of_features, of_shares, roundest_between
from pipeline.schema import RARE


def stores(labels: list[int] | np.ndarray) -> pd.DataFrame:
    labels = np.asarray(labels)
    return pd.DataFrame({"store_id": [f"s{i:03d}" for i in range(len(labels))], "cluster": labels})


def matrix(**columns: object) -> pd.DataFrame:
    found = pd.DataFrame(columns)
    return found.set_index(pd.Index([f"s{i:03d}" for i in range(len(found))], name="store_id"))


# ------------------------------------------------------------------------------------------------------ exemplars


def clusters_of(features: pd.DataFrame, labels: np.ndarray, outliers: list[int]) -> pd.DataFrame:
    found = stores(labels)
    found["is_outlier"] = found.index.isin(outliers)
    found["is_held_out"] = False
    inside = features[~found["is_outlier"].to_numpy()].groupby(labels[~found["is_outlier"].to_numpy()]).mean()
    found["distance"] = np.linalg.norm(features.to_numpy() - inside.loc[labels].to_numpy(), axis=1)
    return found.assign(silhouette=0.5, margin=0.25, confidence=0.75)


def test_the_first_exemplar_is_the_medoid_under_squared_distances_by_brute_force() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([1, 2], [12, 9])
    features = matrix(x=random.normal(size=21) + 5 * labels, y=random.normal(size=21))
    outliers = [0, 20]
    found = exemplars(features, clusters_of(features, labels, outliers))
    assert found["rank"].tolist() == [1, 2, 3] * 2
    for cluster in (1, 2):
        inside = [i for i in np.flatnonzero(labels == cluster) if i not in outliers]
        sums = (pairwise_distances(features.to_numpy()[inside]) ** 2).sum(axis=1)
        nearest = [f"s{inside[i]:03d}" for i in np.argsort(sums)[:3]]
        assert found.loc[found["cluster"] == cluster, "store_id"].tolist() == nearest


def test_a_small_cluster_has_as_many_exemplars_as_it_has_stores_and_a_tie_goes_by_values() -> None:
    features = matrix(x=[3.0, 1.0, 9.0])
    found = exemplars(features, clusters_of(features, np.array([1, 1, 2]), []))
    assert found[["cluster", "rank", "store_id"]].to_numpy().tolist() == [
        [1, 1, "s001"],
        [1, 2, "s000"],
        [2, 1, "s002"],
    ]


# ---------------------------------------------------------------------------------------------------------- names


def test_names_say_what_lies_farthest_from_the_average_store() -> None:
    shares = matrix(Organic=[0.6] * 10 + [0.1] * 10, Value=[0.1] * 10 + [0.6] * 10, Basic=[0.3] * 20)
    found = summary(of_shares(shares), clusters_of(shares, np.repeat([1, 2], 10), [3]), "average mix")
    assert found["name"].tolist() == ["high Organic, low Value", "high Value, low Organic"]
    assert found[["stores", "outlier_stores", "silhouette", "margin", "confidence"]].to_numpy().tolist() == [
        [10, 1, 0.5, 0.25, 0.75],
        [10, 0, 0.5, 0.25, 0.75],
    ]


def test_one_cluster_is_the_plain_case() -> None:
    shares = matrix(Organic=[0.2, 0.8], Value=[0.8, 0.2])
    found = summary(of_shares(shares), clusters_of(shares, np.array([1, 1]), []), "average mix")
    assert found["name"].tolist() == ["average mix"]


def test_a_share_that_differs_by_little_is_not_named_however_rarely_it_does() -> None:
    shares = matrix(Organic=[0.50] * 5 + [0.51] * 5, Value=[0.50] * 5 + [0.49] * 5)
    assert set(cluster_names([side(of_shares(shares), pd.Series(1, shares.index), "average mix")], [1]).values()) == {
        "average mix"
    }
    two = side(of_shares(shares), pd.Series([1] * 5 + [2] * 5, shares.index), "average mix")
    assert cluster_names([two], [1, 2]) == {1: "average mix, less Organic", 2: "average mix, more Organic"}


def test_clusters_of_one_name_are_told_apart_within_it_by_what_it_says_already() -> None:
    apart = pd.DataFrame({"Organic": [1.2, 0.8, -0.8, -1.2], "Organic Tea": [0.0] * 4}, index=[1, 2, 3, 4])
    one = Side(apart, apart.abs() > 0, dict.fromkeys(apart, "share"), "average mix")
    assert cluster_names([one], [1, 2, 3, 4]) == {
        1: "higher Organic",
        2: "less high Organic",
        3: "less low Organic",
        4: "lower Organic",
    }


def test_far_out_is_very_high_and_flags_and_rare_need_states_read_well() -> None:
    labels = pd.Series([1] * 2 + [2] * 18, matrix(x=range(20)).index)
    outside = matrix(income=[9.0] * 2 + [1.0] * 18, **{"region=north": [1.0] * 2 + [0.0] * 18})
    assert cluster_names([side(of_features(outside), labels, "average surroundings")], [1, 2]) == {
        1: "very high income, mostly region north",
        2: "average surroundings",
    }
    shares = matrix(**{RARE: [0.9] * 2 + [0.1] * 18})
    assert cluster_names([side(of_shares(shares), labels, "average mix")], [1, 2])[1] == "very high rare need states"


def test_both_sides_stand_side_by_side_and_a_side_that_does_not_know_a_cluster_is_silent() -> None:
    index = matrix(x=range(8)).index
    labels = pd.Series([1, 1, 2, 2, 3, 3, 3, 3], index)
    inside = side(of_shares(matrix(A=[0.9] * 2 + [0.2] * 6, B=[0.1] * 2 + [0.8] * 6)), labels, "average mix")
    outside = side(of_features(matrix(age=[50.0, 50, 20, 20])), labels, "average surroundings")
    found = cluster_names([inside, outside], [1, 2, 3])
    assert found[1] == "very high A, very low B; high age"
    assert found[3].startswith("high B, low A")
    assert ";" not in found[3]
    plain = side(of_features(matrix(age=[30.0, 30, 30, 30])), labels, "average surroundings")
    assert cluster_names([inside, plain], [1])[1] == "very high A, very low B", (
        "a side that has nothing to say is silent"
    )
    assert cluster_names([plain], [1])[1] == "average surroundings"


@given(st.integers(0, 10_000), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_no_two_clusters_have_one_name_and_none_is_without(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    labels = pd.Series(np.concatenate([np.arange(1, k + 1), random.integers(1, k + 1, 20)]))
    shares = pd.DataFrame(random.dirichlet(np.ones(3), len(labels)).round(1), columns=["a", "b", "c"])
    found = cluster_names([side(of_shares(shares), labels, "average mix")], list(range(1, k + 1)))
    assert len(set(found.values())) == k
    assert all(found.values())


# ------------------------------------------------------------------------------------------------------- readings


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_the_roundest_number_parts_the_same_values(low: float, width: float) -> None:
    high = low + width
    found = roundest_between(low, high)
    assert low <= found < high


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.118, 0.131, 0.12), (0.1241, 0.1262, 0.125), (48_211.0, 55_840.0, 50_000.0), (0.0, 0.3, 0.1), (-2.0, 1.0, 0.0)],
)
def test_numbers_are_as_round_as_they_can_be(low: float, high: float, expected: float) -> None:
    assert roundest_between(low, high) == pytest.approx(expected)


def test_conditions_read_as_merchants_write_them() -> None:
    assert condition("Organic", "share", 0.125, None) == "Organic above 12.5 %"
    assert condition("Organic", "share", 0.05, 0.1) == "Organic above 5 % and at most 10 %"
    assert condition("income", "number", None, 52_000.0) == "income at most 52,000"
    assert condition("region=north", "flag", 0.0, None) == "region is north"
    assert condition("region=north", "flag", None, 0.0) == "region is not north"
    assert condition("income missing", "flag", None, 0.0) == "not income missing"


def test_logged_features_are_read_as_what_they_were() -> None:
    found = of_features(matrix(people=np.log1p([10.0, 2000.0]), age=[1.5, 2.5], flag=[0.0, 1.0]), ["people"])
    assert found.values["people"].tolist() == [10.0, 2000.0]
    assert found.kinds == {"people": "number", "age": "number", "flag": "flag"}


# ---------------------------------------------------------------------------------------------------------- rules


def test_rules_say_the_clusters_on_the_shares() -> None:
    random = np.random.default_rng(1)
    organic = np.concatenate([random.uniform(0.20, 0.4, 20), random.uniform(0.0, 0.1, 40)])
    value = np.concatenate([random.uniform(0.0, 0.3, 20), random.uniform(0.0, 0.08, 20), random.uniform(0.2, 0.3, 20)])
    labels = np.repeat([2, 3, 1], 20)
    found = description_rules(of_shares(matrix(Organic=organic, Value=value)), stores(labels), 0)
    assert found[["cluster", "words", "stores", "purity", "coverage"]].to_numpy().tolist() == [
        [1, found["words"][0], 20, 1.0, 1.0],
        [2, "Organic above 20 % of sales", 20, 1.0, 1.0],
        [3, found["words"][2], 20, 1.0, 1.0],
    ]
    assert found["words"][2] == "Organic at most 20 % of sales and Value at most 10 %"
    assert found["fidelity"].eq(1.0).all()
    assert found["largest_share"].tolist() == pytest.approx([1 / 3] * 3)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_words_hold_for_the_stores_that_they_are_said_of(seed: int) -> None:
    """Every rule, read as a person would, means the stores that the table counts; no store is meant twice."""
    random = np.random.default_rng(seed)
    values = matrix(alpha=random.normal(0, 1e4, 60), beta=random.uniform(0, 1e-3, 60), gamma=random.integers(0, 3, 60))
    labels = random.integers(1, 4, 60)
    found = description_rules(of_features(values), stores(labels), 0)
    meant = np.zeros(60, dtype=int)
    for row in found.itertuples():
        inside = np.ones(60, dtype=bool)
        feature = ""
        for part in row.words.split(" and ") if row.words != "every store" else []:
            feature = part.split(" ")[0] if part.split(" ")[0] in values else feature
            bound = float(part.rsplit(" ", 1)[1].replace(",", ""))
            column = values[feature].round(10).to_numpy()
            inside &= column > bound if "above" in part else column <= bound
        assert inside.sum() == row.stores
        assert (labels[inside] == row.cluster).mean() == pytest.approx(row.purity)
        assert (labels[inside] == row.cluster).sum() / (labels == row.cluster).sum() == pytest.approx(row.coverage)
        meant += inside
    assert (meant == 1).all()


def test_one_cluster_is_one_rule_and_no_store_none() -> None:
    values = of_shares(matrix(a=[0.1, 0.9]))
    one = description_rules(values, stores([4, 4]), 0)
    assert one[["rule", "cluster", "words", "stores", "purity", "coverage"]].to_numpy().tolist() == [
        [1, 4, "every store", 2, 1.0, 1.0]
    ]
    assert one["fidelity"].isna().all()
    assert len(description_rules(of_shares(matrix(a=[])), stores([]), 0)) == 0


def test_fidelity_of_clusters_that_the_features_do_not_tell_is_no_better_than_chance() -> None:
    random = np.random.default_rng(2)
    found = description_rules(
        of_features(matrix(a=random.normal(size=300), b=random.normal(size=300))), stores(1 + np.arange(300) % 2), 0
    )
    assert 0.4 < found["fidelity"][0] < 0.6


def test_a_cluster_of_one_store_is_never_right_where_the_store_is_held_out() -> None:
    values = matrix(a=[0.0] * 10 + [1.0])
    found = description_rules(of_features(values.assign(a=values["a"] * 7)), stores([1] * 10 + [2]), 0)
    assert found["words"].tolist() == ["a at most 4", "a above 4"]
    assert found["fidelity"].tolist() == pytest.approx([10 / 11] * 2)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_folds_hold_the_same_part_of_every_cluster(sizes: list[int]) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    fold = folds(labels, np.random.default_rng(0))
    for cluster in [*range(len(sizes)), None]:
        counts = np.bincount(fold if cluster is None else fold[labels == cluster], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1


def test_rules_do_not_depend_on_the_names_or_the_order_of_the_stores() -> None:
    random = np.random.default_rng(3)
    values = matrix(a=random.normal(size=50), b=random.normal(size=50))
    labels = stores(1 + (values["a"] + 0.3 * values["b"] > 0).to_numpy())
    renamed = {name: f"x{i:03d}" for i, name in enumerate(reversed(values.index))}
    again = description_rules(
        of_features(values.rename(index=renamed).sample(frac=1, random_state=1)),
        labels.replace({"store_id": renamed}),
        0,
    )
    pd.testing.assert_frame_equal(again, description_rules(of_features(values), labels, 0), check_exact=True)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e100])
def test_rules_are_found_whatever_the_size_of_the_values(unit: float) -> None:
    features = of_features(matrix(x=np.repeat([1.0, 3.0], 10) * unit))
    found = description_rules(features, stores(np.repeat([1, 2], 10)), random_state=0)
    assert found[["cluster", "stores", "purity", "fidelity"]].to_numpy().tolist() == [[1, 10, 1, 1], [2, 10, 1, 1]]
