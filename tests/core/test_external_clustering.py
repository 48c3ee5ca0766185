"""All stores, clustered on the outside data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from benchmarks.quality.surroundings import surroundings
from pipeline import tasks
from pipeline.core.external.clustering import cluster
from pipeline.core.external.preprocessing import preprocess
from pipeline.errors import DataError
from pipeline.schema import TABLES
from pipeline.settings import ExternalClustering, ExternalPreprocessing

QUICK = {"resamples": 10, "null_resamples": 19}


def outside(stores: int = 60) -> pd.DataFrame:
    """Two kinds of stores, by income and density; and a feature that says nothing."""
    random = np.random.default_rng(0)
    kind = np.arange(stores) % 2
    return pd.DataFrame(
        {
            "store_id": [f"s{i:03d}" for i in range(stores)],
            "income": 30_000.0 + 40_000.0 * kind + random.normal(0, 3_000, stores),
            "density": 9.0 - 6.0 * kind + random.normal(0, 0.5, stores),
            "constant": 1.0,
        }
    )


@pytest.mark.parametrize("scaling", ["robust", "standard", "minmax"])
def test_the_planted_kinds_are_found_on_every_scale(scaling):
    found = cluster(external_features=outside(), settings=ExternalClustering(scaling=scaling, **QUICK))
    clusters = found["external_clusters"]
    assert adjusted_rand_score(clusters["store_id"].str[1:].astype(int) % 2, clusters["cluster"]) == 1.0
    assert found["external_verdicts"].loc[0, ["verdict", "k"]].tolist() == ["separated", 2]


def from_raw(features: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The clustering of raw features, with the defaults of preprocessing."""
    prepared = preprocess(
        features=features,
        ignored=pd.DataFrame(columns=["feature", "reason"]),
        labels=pd.DataFrame(columns=["store_id", "label", "value"]),
        settings=ExternalPreprocessing(),
    )
    return cluster(
        external_features=prepared["external_features"],
        external_feature_report=prepared["external_feature_report"],
        settings=ExternalClustering(**QUICK),
    )


@pytest.mark.parametrize(
    ("shape", "groups", "floor"),
    [("skewed", 4, 0.8), ("skewed", 3, 0.9), ("size factor", 3, 0.85), ("mixed", 3, 0.9), ("balls", 7, 0.9)],
)
def test_planted_groups_are_found_in_raw_outside_data(shape, groups, floor):
    planted = surroundings(shape, 1 if groups == 4 else 2, groups)
    found = from_raw(planted.features)["external_clusters"].sort_values("store_id")
    assert adjusted_rand_score(planted.groups, found["cluster"]) >= floor


@pytest.mark.parametrize("shape", ["skewed", "size factor", "mixed", "few telling", "axis"])
def test_stores_without_groups_are_one_cluster_however_skewed_their_surroundings_are(shape):
    found = from_raw(surroundings(shape, 1, 1).features)
    assert found["external_verdicts"].loc[0, "k"] == 1
    assert found["external_verdicts"].loc[0, "verdict"] in ("no structure", "axis")


@pytest.mark.parametrize("shape", ["blocks", "towns", "tails"])
def test_features_that_measure_several_things_again_and_again_make_no_groups(shape):
    found = from_raw(surroundings(shape, 31, 1).features)
    assert found["external_verdicts"].loc[0, ["verdict", "k"]].tolist() == ["axis", 1]
    assert "and" in found["external_verdicts"].loc[0, "reason"]


@pytest.mark.parametrize(("shape", "groups", "floor"), [("own scatter", 3, 0.9), ("blocks", 4, 0.95)])
def test_groups_in_correlated_features_are_found(shape, groups, floor):
    planted = surroundings(shape, 31, groups)
    found = from_raw(planted.features)["external_clusters"].sort_values("store_id")
    assert adjusted_rand_score(planted.groups, found["cluster"]) >= floor


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("shape", ["rare measures", "some rare"])
def test_measures_that_most_stores_lack_make_no_groups(shape, seed):
    verdict = from_raw(surroundings(shape, seed, 1).features)["external_verdicts"].iloc[0]
    assert verdict["k"] == 1
    assert verdict["verdict"] in ("no structure", "axis")


def test_every_table_has_the_columns_and_the_key_of_the_schema():
    found = cluster(external_features=outside(), settings=ExternalClustering(**QUICK))
    assert sorted(found) == sorted(tasks.ExternalClustering.tables)
    for name, frame in found.items():
        assert sorted(frame.columns) == sorted(column.frame_name for column in TABLES[name].columns)
        assert not frame.duplicated(list(TABLES[name].key)).any()


def test_profiles_are_of_the_features_before_scaling():
    found = cluster(external_features=outside(), settings=ExternalClustering(**QUICK))
    income = found["external_profiles"].query("feature == 'income'")
    assert sorted(income["mean"].round(-4)) == [30_000, 70_000]
    assert income["chain_mean"].tolist() == pytest.approx([outside()["income"].mean()] * 2)
    scaled = found["external_scaled_features"].query("feature == 'income'")["value"]
    assert scaled.abs().max() < 3


def test_no_feature_makes_one_cluster_and_no_store_none():
    nothing = cluster(external_features=outside()[["store_id"]], settings=ExternalClustering())
    assert (nothing["external_clusters"]["cluster"] == 1).all()
    assert len(nothing["external_clusters"]) == 60
    nobody = cluster(external_features=outside().iloc[:0], settings=ExternalClustering())
    assert sum(len(frame) for frame in nobody.values()) == 0


def test_a_missing_value_is_an_error_that_names_the_feature():
    table = outside()
    table.loc[3, "density"] = np.nan
    with pytest.raises(DataError, match="'density' is missing or infinite for 1 store, first 's003'"):
        cluster(external_features=table, settings=ExternalClustering())


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_a_kind_of_area_that_says_nothing_of_the_other_features_makes_no_clusters(levels):
    random = np.random.default_rng([levels, 1])
    planted = random.integers(0, 3, 240)
    numbers = 4.0 * np.eye(5)[planted] + random.normal(size=(240, 5))
    area = random.integers(0, levels, 240)
    flags = np.eye(levels)[area][:, 1 if levels == 2 else 0 :]
    columns = [*(f"number {place}" for place in range(5)), *(f"area={level}" for level in range(flags.shape[1]))]
    features = pd.DataFrame(np.column_stack([numbers, flags]), columns=columns)
    features.insert(0, "store_id", [f"s{store:03d}" for store in range(240)])
    found = cluster(external_features=features, settings=ExternalClustering(**QUICK))
    assert list(found["external_verdicts"]["k"]) == [3]
    assert adjusted_rand_score(planted, found["external_clusters"]["cluster"]) > 0.8


def test_weights_decide_what_the_clusters_are_of():
    random = np.random.default_rng(3)
    kinds = {"income": np.arange(120) % 2, "density": np.arange(120) // 60}
    features = pd.DataFrame({"store_id": [f"s{store:03d}" for store in range(120)]})
    for name, kind in kinds.items():
        features[name] = 5.0 * kind + random.normal(size=120)
    for heavy, light in (("income", "density"), ("density", "income")):
        found = cluster(external_features=features, settings=ExternalClustering(k=2, weights={light: 0.01}, **QUICK))
        assert adjusted_rand_score(kinds[heavy], found["external_clusters"]["cluster"]) > 0.9


def test_a_weight_for_what_is_no_feature_is_an_error_and_one_for_what_was_dropped_is_not():
    report = pd.DataFrame({"feature": ["income", "rent"], "action": ["kept", "dropped"]})
    with pytest.raises(
        DataError, match="'incme' is not a feature of the outside data; the features are constant, density, income"
    ):
        cluster(external_features=outside(), settings=ExternalClustering(weights={"incme": 2.0}))
    settings = ExternalClustering(weights={"rent": 2.0}, **QUICK)
    assert len(
        cluster(external_features=outside(), external_feature_report=report, settings=settings)["external_clusters"]
    )
