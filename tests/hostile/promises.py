"""Tables through every stage of `core`, and what is promised of the result: P1, P2, P3, and what the schema says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hostile.random_tables import Tables

from pipeline.core.chain.agreement import compare_with_categories
from pipeline.core.chain.clustering import cluster_chain
from pipeline.core.external import clustering as external_clustering
from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.final.all_at_once import merge_and_finish
from pipeline.core.internal import clustering as internal_clustering
from pipeline.core.internal import preprocessing as internal_preprocessing
from pipeline.schema import TABLES
from pipeline.settings import ClusteringSettings
from pipeline.settings.per_category import for_category
from pipeline.storage.rows import to_arrow

RANGES = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0)}
NEARLY = 1e-9


def through_core(tables: Tables, reference: dict[str, pd.DataFrame] | None = None) -> dict[str, pd.DataFrame]:
    """What the stages of core make of it, by table; excluded_stores of each side beside that of the merging.

    `reference`: a result whose clusters' numbers are kept.
    """
    chosen, held_out = tables.settings, tables.held_out
    inside = internal_preprocessing.preprocess(
        sales=tables.sales,
        unchosen_stores=pd.DataFrame({"store_id": pd.Series([], dtype=object)}),
        settings=chosen["preprocessing"],
        closed=tables.closed,
    )
    outside = external_preprocessing.preprocess(
        features=tables.features,
        ignored=pd.DataFrame(columns=["feature", "reason"], dtype=object),
        labels=pd.DataFrame(columns=["store_id", "label", "value"], dtype=object),
        settings=chosen["outside"],
        closed=tables.closed,
    )
    of = reference or {}
    each = [
        internal_clustering.cluster_category(
            sales_by_need_state=rows,
            settings=for_category(chosen["internal"], str(name)),
            reference_clusters=of.get("internal_clusters"),
            reference_verdicts=of.get("internal_verdicts"),
            held_out=held_out,
        )
        for name, rows in inside["sales_by_need_state"].groupby("category", sort=True)
    ]
    if not each:
        nothing = inside["sales_by_need_state"].iloc[:0]
        each = [internal_clustering.cluster_category(sales_by_need_state=nothing, settings=chosen["internal"])]
    internal = {name: pd.concat([one[name] for one in each], ignore_index=True) for name in each[0]}
    external = external_clustering.cluster(
        external_features=outside["external_features"],
        external_feature_report=outside["external_feature_report"],
        settings=chosen["external"],
        reference_clusters=of.get("external_clusters"),
        reference_verdicts=of.get("external_verdicts"),
        held_out=held_out,
    )
    merged = merge_and_finish(
        internal_clusters=internal["internal_clusters"],
        internal_features=internal["internal_features"],
        internal_excluded=inside["excluded_stores"],
        external_clusters=external["external_clusters"],
        external_features=outside["external_features"],
        external_feature_report=outside["external_feature_report"],
        external_scaled_features=external["external_scaled_features"],
        external_excluded=outside["excluded_stores"],
        overrides=overrides(tables),
        settings=chosen["merging"],
        reference_clusters=of.get("store_clusters"),
        reference_numbers=of.get("cluster_numbers"),
    )
    of_chain = {"sales_by_need_state": inside["sales_by_need_state"], "settings": chosen["chain"], "held_out": held_out}
    overall = cluster_chain(**of_chain)
    agreement = compare_with_categories(
        **of_chain, chain_clusters=overall["chain_clusters"], internal_clusters=internal["internal_clusters"]
    )
    return inside | outside | internal | external | overall | agreement | merged


def overrides(tables: Tables) -> pd.DataFrame:
    """The overrides as their stage publishes them."""
    frame = pd.DataFrame(tables.overrides, columns=["store_id", "category", "cluster"]).assign(reason="so it is")
    return frame.astype({"store_id": object, "category": object, "cluster": "int64", "reason": object})


def check(tables: Tables, made: dict[str, pd.DataFrame]) -> None:
    """Every promise."""
    check_schema(made)
    check_sales_are_conserved(tables.sales, made)
    check_shares(made)
    check_no_store_is_lost(tables, made)
    check_stores_that_are_named(tables, made)
    for side in ("internal", "external", "chain"):
        check_k(side, tables.settings[side], made)
    check_final_clusters(made)


def check_schema(made: dict[str, pd.DataFrame]) -> None:
    """Columns, types, keys, nulls, ranges: what the schema says, of every table."""
    for name, frame in made.items():
        table = TABLES[name]
        arrow = to_arrow(frame.assign(file="") if name == "categories" else frame, table)
        for column in table.columns:
            if column.unit in RANGES:
                low, high = RANGES[column.unit]
                values = frame[column.name].to_numpy(dtype="float64", na_value=np.nan)
                outside = values[(values < low - NEARLY) | (values > high + NEARLY)]
                assert outside.size == 0, f"{name}.{column.name}: {outside[:3]} is not within {column.unit}"
            if column.type == "text" and not column.nullable and column.name != "note":
                assert "" not in arrow.column(column.name).unique().to_pylist() or name == "categories", column.name


def check_sales_are_conserved(sales: pd.DataFrame, made: dict[str, pd.DataFrame]) -> None:
    """P1: per category, to the cent; of every store and need state that is not dropped, exactly what came in."""
    coverage = made["need_state_coverage"].set_index("category")
    published = made["sales_by_need_state"]
    of_category = published.groupby("category")["sales_cents"].sum()
    for category, cents in sales.groupby("category")["sales_cents"].sum().items():
        assert cents == coverage.loc[category, "sales_cents"]
        assert cents == of_category.get(category, 0) + coverage.loc[category, "dropped_sales_cents"]
    key = ["store_id", "category", "need_state"]
    came_in = sales.set_index(key)["sales_cents"]
    assert (
        came_in.loc[pd.MultiIndex.from_frame(published[key])].to_numpy() == published["sales_cents"].to_numpy()
    ).all()


def check_shares(made: dict[str, pd.DataFrame]) -> None:
    """Shares that make up a whole sum to 1."""
    kept = made["sales_by_need_state"].query("not is_excluded")
    assert_one(kept.groupby(["store_id", "category"])["share"].sum())
    for side, key in (("internal", ["store_id", "category"]), ("external", ["store_id"])):
        assert_one(made[f"{side}_memberships"].groupby(key)["probability"].sum())
    features = made["internal_features"]
    assert_one(features.groupby(["store_id", "category"])["share"].sum())
    for name, key in (("internal_profiles", ["category", "cluster"]), ("chain_profiles", ["cluster", "category"])):
        profiles = made[name]
        assert_one(profiles[profiles["stores"] > 0].groupby(key)["mean_share"].sum())


def assert_one(sums: pd.Series[float]) -> None:
    assert ((sums - 1).abs() < NEARLY).all(), sums[(sums - 1).abs() >= NEARLY]


def check_no_store_is_lost(tables: Tables, made: dict[str, pd.DataFrame]) -> None:
    """P3: every store of every source is placed or excluded; in a category of the sales not both."""
    clusters, excluded = made["store_clusters"], made["excluded_stores"]
    placed, out = pairs(clusters), pairs(excluded)
    assert pairs(tables.sales) <= placed | out
    assert not placed & pairs(excluded[excluded["source"] == "internal_sales"])
    assert set(tables.features["store_id"]) <= {store for store, _ in placed | out}
    assert {store for store, _ in placed | out} <= set(tables.features["store_id"]) | set(tables.sales["store_id"])
    inside = made["internal_clusters"]
    assert pairs(inside) == {pair for pair in placed if pair[1] != "(none)"}
    assert set(made["external_clusters"]["store_id"]) == set(made["external_features"]["store_id"])
    assert set(made["chain_clusters"]["store_id"]) == set(inside["store_id"])
    known = set(made["external_clusters"]["store_id"])
    assert (clusters["external_cluster"].notna() == clusters["store_id"].isin(known)).all()


def pairs(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(frame["store_id"], frame["category"], strict=True))


def check_stores_that_are_named(tables: Tables, made: dict[str, pd.DataFrame]) -> None:
    """Closed stores are nowhere; held-out ones say so, and are no outliers; an override that is applied holds."""
    for side in ("internal", "external", "chain"):
        clusters = made[f"{side}_clusters"]
        assert not clusters["store_id"].isin(tables.closed).any()
        assert (clusters["is_held_out"] == clusters["store_id"].isin(tables.held_out)).all()
        assert not (clusters["is_held_out"] & clusters["is_outlier"]).any()
    applied = made["overrides_applied"].query("applied")
    of_store = made["store_clusters"].set_index(["store_id", "category"])
    assert len(made["overrides_applied"]) == len(tables.overrides)
    assert of_store["overridden"].sum() == len(applied)
    for row in applied.itertuples():
        assert of_store.loc[(row.store_id, row.category), "cluster"] == row.to_cluster


def check_k(side: str, settings: ClusteringSettings, made: dict[str, pd.DataFrame]) -> None:
    """P2: clusters are 1..k, k is the one chosen of those tried, and one that a rule chose is what the rule asks for."""
    verdicts, tried, clusters = (made[f"{side}_{name}"] for name in ("verdicts", "k_selection", "clusters"))
    for row in verdicts.to_dict("records"):
        category = row.get("category")
        own = settings if category is None else for_category(settings, category)
        figures, stores = (
            frame if category is None else frame[frame["category"] == category] for frame in (tried, clusters)
        )
        assert list(figures["k"]) == list(range(1, len(figures) + 1))
        assert set(stores["cluster"]) == set(range(1, row["k"] + 1))
        assert row["highest_number"] == row["k"]
        assert stores["cluster"].value_counts().sort_index().is_monotonic_decreasing
        assert (row["verdict"] in ("no structure", "axis")) == (row["k"] <= 1)
        assert row["verdict"] != "axis" or row["axes"] >= 1
        if row["k"] == 0:
            assert not len(stores)
            continue
        taken = figures[figures["chosen"]]
        cut = own.axis_tiers is not None and row["verdict"] == "tiers" and list(taken["k"]) == [1]
        assert cut or list(taken["k"]) == [row["k"]]
        assert not cut or (row["axes"] >= 1 and row["k"] <= own.axis_tiers)
        justified(own, figures, taken.iloc[0], stores)


def justified(settings: ClusteringSettings, figures: pd.DataFrame, taken: pd.Series[Any], stores: pd.DataFrame) -> None:
    """A k that nobody fixed has large enough clusters, and those that its rule asks for."""
    fitted = int((~stores["is_outlier"] & ~stores["is_held_out"]).sum()) or len(stores)
    smallest = max(settings.min_cluster_size, int(np.ceil(round(settings.min_cluster_share * fitted, 9))))
    if settings.k is not None:
        assert taken["k"] <= settings.k
        return
    if taken["k"] == 1:
        return
    assert taken["smallest_cluster"] >= smallest
    assert taken["k"] <= settings.k_max
    assert taken["stability"] >= settings.min_stability
    assert taken["jaccard"] >= settings.min_jaccard


def check_final_clusters(made: dict[str, pd.DataFrame]) -> None:
    """Each final cluster is described once, with as many stores as it has; what moved is where its last move went."""
    clusters, described = made["store_clusters"], made["merged_clusters"]
    sizes = clusters.groupby(["category", "cluster"]).size()
    told = described.set_index(["category", "cluster"])["stores"]
    assert told.sort_index().to_dict() == sizes.sort_index().to_dict()
    assert not described.duplicated(["category", "name"]).any()
    numbers = made["cluster_numbers"].set_index("category")["highest_number"]
    assert (clusters["cluster"] >= 1).all()
    assert (clusters["cluster"] <= clusters["category"].map(numbers)).all()
    moved = set(zip(made["reassignments"]["store_id"], made["reassignments"]["category"], strict=True))
    assert pairs(clusters[clusters["reassigned"]]) <= moved
