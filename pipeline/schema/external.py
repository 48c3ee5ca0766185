"""The tables of the external side: features of the surroundings, and clusters on them."""

from __future__ import annotations

from pipeline.schema.clustering import (
    axes_table,
    clusters_table,
    k_selection_table,
    memberships_table,
    mixture_table,
    verdicts_table,
)
from pipeline.schema.explanation import exemplars_table, rules_table, summary_table
from pipeline.schema.fields import (
    CHAIN_MEAN,
    CLUSTER,
    ETA_SQUARED,
    FEATURE,
    FILL_VALUE,
    MEAN,
    OTHER_LEVEL,
    RAW_COLUMN,
    REASON,
    STORE,
    STORES,
)
from pipeline.schema.kinds import Column, Table

TABLES = (
    Table(
        "external_features",
        "one row per store",
        ("store_id",),
        (STORE,),
        "The features of the outside data as used: imputed, transformed, not yet scaled",
        more=Column(
            "feature",
            "float",
            "A feature of the outside data; its logarithm (log1p) where external_feature_report says transformed",
        ),
    ),
    Table(
        "external_feature_report",
        "one row per feature offered",
        ("feature",),
        (
            FEATURE.described("The feature, or the level of a categorical one as name=level"),
            Column("action", "text", "kept, transformed or dropped"),
            REASON,
            Column("imputed_share", "float", "Share of the stores whose value was imputed", unit="0..1"),
            RAW_COLUMN,
            Column("level", "text", "The text that is 1; null if the feature is not a remaining level", nullable=True),
            OTHER_LEVEL.described("With two levels, the text that is 0; else null"),
            FILL_VALUE.described(
                "The value that replaces a missing value, before any log1p; null if the feature was not kept"
            ),
        ),
        "What was done with every column of the outside data",
    ),
    Table(
        "store_labels",
        "one row per store and label",
        ("store_id", "label"),
        (
            STORE,
            Column("label", "text", "The label's column name"),
            Column("value", "text", "Its value", nullable=True),
        ),
        "Names and regions of stores; carried, never clustered on",
    ),
    clusters_table((STORE,), "external_clusters", "Stores clustered on the outside data"),
    k_selection_table((), "external_k_selection", "Every figure behind the choice of k for the outside data"),
    memberships_table(
        (STORE,),
        "external_memberships",
        "How likely each store is in each cluster of the outside data; empty where there is one, or where clusters are tiers of an axis",
    ),
    mixture_table((), "external_mixture", "The mixture behind the clusters of the outside data"),
    verdicts_table((), "external_verdicts", "What kind of structure was found in the outside data"),
    axes_table(
        (),
        "external_axes",
        "What the first axis is about that stores lie on within their clusters on the outside data",
        "How much it changes per standard deviation of the position, in its own units",
    ),
    Table(
        "external_profiles",
        "one row per cluster and feature",
        ("cluster", "feature"),
        (
            CLUSTER.of_side("external"),
            FEATURE,
            STORES,
            MEAN,
            CHAIN_MEAN,
            ETA_SQUARED,
        ),
        "What each external cluster has more and less of",
    ),
    Table(
        "external_scaled_features",
        "one row per store and feature",
        ("store_id", "feature"),
        (
            STORE,
            FEATURE,
            Column("value", "float", "The feature, scaled, as it was clustered on"),
        ),
        "The feature matrix of the external clustering",
    ),
    exemplars_table(
        (),
        "external_exemplars",
        "The most typical stores of each external cluster, without outliers and held-out stores",
    ),
    summary_table((), "external_cluster_summary", "Each external cluster: its name, and how certain it is"),
    rules_table((), "external_rules", "Which surroundings make an external cluster, approximated by a few rules"),
)
