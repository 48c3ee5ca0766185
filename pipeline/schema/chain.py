"""The tables of the clustering over all categories."""

from __future__ import annotations

from dataclasses import replace

from pipeline.schema.clustering import MEAN_SHARE_INDEX, clusters_table, k_selection_table, verdicts_table
from pipeline.schema.fields import (
    CATEGORY,
    CLUSTER,
    ETA_SQUARED,
    MEAN_SHARE,
    NEED_STATE,
    R_SQUARED_INTERNAL,
    STORE,
    STORES,
)
from pipeline.schema.kinds import Column, Table

_CLUSTERS = clusters_table((STORE,), "chain_clusters", "Stores clustered on their sales mix in all categories together")

TABLES = (
    replace(
        _CLUSTERS,
        columns=(
            *_CLUSTERS.columns,
            Column("categories", "integer", "Categories in which the store has a sales mix"),
            Column("coverage", "float", "Share of the chain's sales that these categories make up", unit="0..1"),
        ),
    ),
    k_selection_table((), "chain_k_selection", "Every figure behind the choice of k over all categories"),
    verdicts_table((), "chain_verdicts", "What kind of structure was found over all categories"),
    Table(
        "chain_profiles",
        "one row per chain cluster, category and need state",
        ("cluster", "category", "need_state"),
        (
            CLUSTER.of_side("chain"),
            CATEGORY,
            NEED_STATE,
            STORES.described("Stores of the cluster in the category"),
            MEAN_SHARE,
            MEAN_SHARE_INDEX,
            ETA_SQUARED.described(
                "Share of the share's variance over the category's stores that lies between the chain clusters, the same for all clusters; null if the share does not vary"
            ),
        ),
        "What each chain cluster sells more and less of, in every category",
    ),
    Table(
        "chain_agreement",
        "one row per category",
        ("category",),
        (
            CATEGORY,
            STORES.described("Stores with both a chain cluster and a cluster in the category"),
            Column("internal_clusters", "integer", "The category's own clusters"),
            Column(
                "agreement",
                "float",
                "Adjusted Rand index between chain clusters and the category's own; null if both have one cluster",
                nullable=True,
                unit="-1..1",
            ),
            R_SQUARED_INTERNAL,
            Column("r_squared_chain", "float", "Share of it that the chain clusters explain", unit="0..1"),
        ),
        "How far the chain clusters agree with the own clusters of each category",
    ),
)
