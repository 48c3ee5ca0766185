"""The shared entry: every store gets a cluster, whatever the features are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples, silhouette_score

from pipeline.core.between_runs.alignment import Reference
from pipeline.core.clustering.stores import Clustering, cluster_stores
from pipeline.errors import DataError
from pipeline.schema import TABLES
from pipeline.settings import ClusteringSettings

QUICK = {"resamples": 10, "null_resamples": 19}


def planted(seed: int = 0, n: int = 90, k: int = 3, d: int = 5) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    of = np.minimum(random.integers(0, k + 1, n), k - 1)  # the last cluster is twice as large
    values = random.normal(size=(n, d)) + 6.0 * np.eye(max(k, d))[of, :d]
    return pd.DataFrame(values, index=[f"s{i:03d}" for i in range(n)], columns=[f"f{j}" for j in range(d)])


def cluster(features: pd.DataFrame, **changes: object) -> Clustering:
    return cluster_stores(features, ClusteringSettings(**(QUICK | changes)))


@pytest.fixture(scope="module")
def found() -> Clustering:
    return cluster(planted())


def test_planted_clusters_are_found_and_separated(found):
    assert found.verdict.loc[0, ["verdict", "k"]].tolist() == ["separated", 3]
    assert found.k_selection.loc[found.k_selection["chosen"], "k"].tolist() == [3]


def test_the_frames_have_the_columns_of_the_schema(found):
    for frame, table in [(found.clusters, "clusters"), (found.k_selection, "k_selection"), (found.verdict, "verdicts")]:
        said_later = {"axis"}  # in words, which readings give
        assert sorted(frame.columns) == sorted(
            {column.name for column in TABLES[f"external_{table}"].columns} - said_later
        )
    empty = cluster(planted().iloc[:0])
    assert (empty.clusters.dtypes == found.clusters.dtypes).all()
    assert (empty.k_selection.dtypes == found.k_selection.dtypes).all()


def test_clusters_are_numbered_by_size_from_one(found):
    sizes = found.clusters["cluster"].value_counts()
    assert sizes.index.min() == 1
    assert sizes.sort_index().is_monotonic_decreasing


def test_clusters_of_one_size_are_numbered_by_the_first_feature():
    features = pd.DataFrame({"a": np.repeat([5.0, -5.0, 0.0], 20), "b": np.tile(np.linspace(0, 1, 20), 3)})
    features.index = [f"{i:02d}" for i in range(60)]
    clusters = cluster(features, k=3).clusters.set_index("store_id")["cluster"]
    assert [clusters["00"], clusters["20"], clusters["40"]] == [3, 1, 2]


def test_distance_next_cluster_and_margin_are_those_to_the_centroids(found):
    features, clusters = planted(), found.clusters.set_index("store_id")
    fitted = features[~clusters["is_outlier"].to_numpy()]
    centroids = fitted.groupby(clusters.loc[fitted.index, "cluster"]).mean()
    for store in features.index[:20]:
        distances = np.sqrt(((centroids - features.loc[store]) ** 2).sum(axis=1))
        row = clusters.loc[store]
        others = distances.drop(row["cluster"])
        assert row["distance"] == pytest.approx(distances[row["cluster"]])
        assert row["next_cluster"] == others.idxmin()
        assert row["margin"] == pytest.approx((others.min() - row["distance"]) / others.min())


def test_silhouettes_are_of_the_result_and_of_the_fit(found):
    features, labels = planted(), found.clusters["cluster"].to_numpy()
    np.testing.assert_allclose(found.clusters["silhouette"], silhouette_samples(features, labels), atol=1e-9)
    fitted = ~found.clusters["is_outlier"].to_numpy()
    chosen = found.k_selection.set_index("k").loc[3]
    assert chosen["silhouette"] == pytest.approx(silhouette_score(features[fitted], labels[fitted]))
    assert chosen["smallest_cluster"] == found.clusters["cluster"][fitted].value_counts().min()


def test_renaming_and_reordering_stores_and_features_changes_nothing(found):
    features = planted()
    random = np.random.default_rng(9)
    names = dict(zip(features.index, random.permutation([f"x{i}" for i in range(90)]), strict=True))
    shuffled = features.iloc[random.permutation(90), ::-1]
    again = cluster(shuffled.rename(index=names))
    pd.testing.assert_frame_equal(again.k_selection, found.k_selection, check_exact=True)
    pd.testing.assert_frame_equal(again.verdict, found.verdict)
    back = {new: old for old, new in names.items()}
    renamed = again.clusters.assign(store_id=again.clusters["store_id"].map(back)).sort_values("store_id")
    pd.testing.assert_frame_equal(
        renamed.reset_index(drop=True).astype({"store_id": "str"}), found.clusters, check_exact=True
    )


def test_the_random_state_decides_and_nothing_else():
    features = planted(3, k=5)
    once, twice = (cluster(features, random_state=7) for _ in range(2))
    pd.testing.assert_frame_equal(once.clusters, twice.clusters, check_exact=True)
    other = cluster(features, random_state=8)
    assert (once.k_selection["stability"] != other.k_selection["stability"]).any()


def test_an_outlier_store_is_left_out_of_the_fit_and_never_out_of_the_result():
    features = planted(1)
    features.loc["s000"] = 60.0
    with_outlier, without = cluster(features), cluster(features.drop("s000"))
    row = with_outlier.clusters.set_index("store_id").loc["s000"]
    assert row["is_outlier"]
    assert row["distance"] > 50
    assert 0 <= row["confidence"] <= 1
    np.testing.assert_allclose(  # the same fit, measured on all stores' mean
        with_outlier.k_selection["inertia"], without.k_selection["inertia"], rtol=1e-6
    )
    assert not cluster(features, outliers="none").clusters["is_outlier"].any()


def test_a_store_that_is_told_to_be_left_out_is_marked_as_an_outlier():
    found = cluster_stores(planted(), ClusteringSettings(**QUICK), left_out=["s005", "s006"])
    marked = found.clusters.set_index("store_id")["is_outlier"]
    assert marked[["s005", "s006"]].all()
    assert len(marked) == 90
    everyone = cluster_stores(planted(), ClusteringSettings(**QUICK), left_out=list(planted().index))
    assert len(everyone.clusters) == 90


def test_noise_is_one_cluster_without_a_confidence():
    features = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 6)), index=[f"{i:03d}" for i in range(120)])
    found = cluster(features.rename(columns=str))
    assert found.verdict.loc[0, ["verdict", "k"]].tolist() == ["no structure", 1]
    assert found.clusters[["next_cluster", "margin", "silhouette", "confidence"]].isna().all(axis=None)
    first = found.k_selection.iloc[0]
    assert first[["stability", "jaccard", "smallest_cluster"]].tolist() == [
        1.0,
        1.0,
        120 - found.clusters["is_outlier"].sum(),
    ]
    assert first[["silhouette", "calinski_harabasz", "davies_bouldin"]].isna().all()


@pytest.mark.parametrize("k", [1, 2, 8, 12])
def test_a_fixed_k_is_taken(k):
    found = cluster(planted(n=60), k=k, k_max=6)
    assert found.clusters["cluster"].nunique() == k
    assert found.k_selection["k"].tolist() == list(range(1, max(6, k) + 1))
    assert found.verdict.loc[0, "k"] == k
    assert found.clusters["margin"].dropna().between(-1, 1).all()


def test_no_store_gives_empty_tables_and_a_verdict():
    found = cluster(planted().iloc[:0])
    assert (len(found.clusters), len(found.k_selection)) == (0, 0)
    assert found.verdict.loc[0, ["verdict", "k"]].tolist() == ["no structure", 0]


def test_the_p_values_of_both_null_tests_stand_beside_the_verdict(found):
    best = 1 / (1 + QUICK["null_resamples"])
    assert found.verdict.loc[0, ["p_gaussian", "p_flat"]].tolist() == pytest.approx([best, best])


def test_the_second_null_is_not_asked_where_the_first_is_not_beaten():
    noise = pd.DataFrame(np.random.default_rng(5).normal(size=(90, 3)), index=[f"s{i:02d}" for i in range(90)])
    verdict = cluster(noise, k=2).verdict.loc[0]
    assert verdict["p_gaussian"] > 0.05
    assert np.isnan(verdict["p_flat"])


def test_one_cluster_has_no_p_values():
    assert cluster(planted(), k=1).verdict[["p_gaussian", "p_flat"]].isna().all(axis=None)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_an_error_that_names_the_feature(bad):
    features = planted()
    features.loc["s004", "f2"] = bad
    with pytest.raises(DataError, match=r"'f2' is missing or infinite for 1 store, first 's004'"):
        cluster(features)


@pytest.mark.parametrize(("apart", "k"), [(1e-9, None), (1e-9, 5), (1e-12, 5)])
def test_stores_that_differ_by_little_more_than_rounding_are_clustered_as_far_as_they_can_be_told_apart(apart, k):
    group = np.arange(60) % 3
    values = np.eye(3)[group] + apart * np.random.default_rng(0).normal(size=(60, 3))
    found = cluster(pd.DataFrame(values, index=[f"s{i:02d}" for i in range(60)], columns=["x", "y", "z"]), k=k)
    assert len(found.clusters) == 60
    assert found.verdict.loc[0, "k"] >= 3
    assert (pd.Series(group).groupby(found.clusters["cluster"]).nunique() == 1).all()


def test_differences_too_small_to_be_squared_are_none():
    found = cluster(planted() * 1e-200)
    assert found.verdict.loc[0, ["verdict", "k"]].tolist() == ["no structure", 1]
    assert (found.clusters["cluster"] == 1).all()


@given(
    n=st.integers(1, 26),
    d=st.integers(0, 3),
    levels=st.integers(1, 4),
    k=st.sampled_from([None, 1, 2, 5, 40]),
    smallest=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_degenerate_features_never_lose_a_store(n, d, levels, k, smallest, seed):
    values = np.random.default_rng(seed).integers(0, levels, size=(n, d)).astype(float) * 1e3
    features = pd.DataFrame(values, index=[f"s{i}" for i in range(n)], columns=[f"f{j}" for j in range(d)])
    found = cluster(features, k=k, min_cluster_size=smallest)
    clusters = found.clusters
    assert sorted(clusters["store_id"]) == sorted(features.index)
    assert sorted(clusters["cluster"].unique()) == list(range(1, found.verdict.loc[0, "k"] + 1))
    assert np.isfinite(clusters["distance"]).all()
    assert (
        clusters["confidence"].between(0, 1).all()
        if clusters["cluster"].nunique() > 1
        else clusters["confidence"].isna().all()
    )
    assert np.isfinite(found.k_selection[["bic", "criterion"]]).all(axis=None)
    assert found.k_selection["chosen"].sum() == 1
    assert np.isfinite(found.k_selection.loc[found.k_selection["chosen"], ["inertia", "stability", "jaccard"]]).all(
        axis=None
    )
    alike = features.assign(cluster=clusters.set_index("store_id")["cluster"]).groupby(
        list(features.columns) or (lambda _: 0)
    )
    assert (alike["cluster"].nunique() == 1).all()


def test_a_verdict_says_where_silhouettes_are_estimated(found, monkeypatch):
    assert "estimated" not in found.verdict.loc[0, "reason"]
    monkeypatch.setattr("pipeline.core.clustering.sampling.EXACT", 80)
    monkeypatch.setattr("pipeline.core.clustering.sampling.SAMPLE", 60)
    monkeypatch.setattr("pipeline.core.clustering.figures._FEWEST_COMPARED", 5)
    estimated = cluster(planted())
    assert estimated.verdict.loc[0, "reason"].endswith(
        "silhouettes are estimated: each store is compared with a sample of 60 of 90"
    )
    assert estimated.clusters["cluster"].tolist() == found.clusters["cluster"].tolist()
    assert not np.array_equal(estimated.clusters["silhouette"], found.clusters["silhouette"])


@pytest.mark.parametrize(("clusters", "fixed"), [(12, None), (8, 2), (3, 2), (3, None), (1, None), (90, None)])
def test_a_reference_of_any_number_of_clusters_is_a_start_or_nothing(clusters, fixed):
    """Some stores are new, some clusters have no store any more, and there may be more clusters than could be tried."""
    features = planted()
    before = pd.Series(np.arange(len(features)) % clusters + 1, index=features.index)
    before = pd.concat([before.iloc[10:], pd.Series([clusters + 5], index=["closed"])])
    made = cluster_stores(features, ClusteringSettings(k=fixed, **QUICK), reference=Reference(before, clusters + 5))
    assert made.verdict.loc[0, "k"] == (fixed or 3)
    assert set(made.clusters["store_id"]) == set(features.index)
