"""The tables that compare this result with the pins that the settings name as `reference`."""

from __future__ import annotations

from pipeline.schema.fields import CATEGORY, CLUSTER, CONFIDENCE, FEATURE, FROM_CLUSTER, STORE, STORES, TO_CLUSTER
from pipeline.schema.kinds import Column, Table

_LEVEL = Column("level", "text", "internal, external or final: whose clusters these are")
_CATEGORY = CATEGORY.described("The category; (all) for the external clusters, which have no categories")

TABLES = (
    Table(
        "agreement",
        "one row per level and category",
        ("level", "category"),
        (
            _LEVEL,
            _CATEGORY,
            Column("reference", "text", "The pin that the clusters are compared with"),
            STORES.described("Stores in both results"),
            Column("only_before", "integer", "Stores only in the reference", unit="stores"),
            Column("only_now", "integer", "Stores only in this result", unit="stores"),
            Column("k_before", "integer", "Clusters of the reference"),
            Column("k_now", "integer", "Clusters of this result"),
            Column(
                "adjusted_rand",
                "float",
                "Adjusted Rand index of both groupings; null without a common store",
                nullable=True,
                unit="-1..1, chance is 0",
            ),
            Column("moved", "integer", "Of the common stores, those whose cluster has changed", unit="stores"),
            Column(
                "moved_by_hand",
                "integer",
                "Of these, those that an override places now, or placed in the reference",
                unit="stores",
            ),
            Column(
                "kept_share",
                "float",
                "Share of the common stores that keep their cluster; null without common stores",
                nullable=True,
                unit="0..1",
            ),
        ),
        "How far this result agrees with its reference",
    ),
    Table(
        "migrations",
        "one row per level, category and store that moved",
        ("level", "category", "store_id"),
        (
            _LEVEL,
            _CATEGORY,
            STORE,
            FROM_CLUSTER,
            TO_CLUSTER,
            Column(
                "cause",
                "text",
                "data; by hand: an override places it; no longer by hand: an override placed it in the reference",
            ),
            CONFIDENCE.described(
                "How likely it is in its cluster now, by refits on resamples; for a final cluster, the lower value of its two sides; null by hand, and where "
                "there is one cluster"
            ),
        ),
        "Every store whose cluster differs from the reference",
    ),
    Table(
        "cluster_changes",
        "one row per level, category and cluster of either result",
        ("level", "category", "cluster"),
        (
            _LEVEL,
            _CATEGORY,
            CLUSTER.described("The cluster: the same number is the same cluster in both results"),
            Column("change", "text", "kept, split, merged, new or vanished"),
            Column(
                "stores_before",
                "integer",
                "Its stores in the reference, among the stores in both results",
                unit="stores",
            ),
            Column("stores_now", "integer", "Its stores now, among the stores in both results", unit="stores"),
            Column("stores_kept", "integer", "Stores that are in it in both results", unit="stores"),
            Column("words", "text", "What happened to it, or where its stores came from, in words"),
        ),
        "What happened to every cluster of the reference, and where new clusters came from",
    ),
    Table(
        "drift",
        "one row per level, category and feature of either result",
        ("level", "category", "feature"),
        (
            Column("level", "text", "internal (shares of the sales mix) or external"),
            _CATEGORY,
            FEATURE.described("The feature"),
            Column(
                "psi",
                "float",
                "Population stability index of its values over the stores, in bins of the reference; null if one of the "
                "results does not have the feature",
                nullable=True,
                unit="0 is the same",
            ),
            Column(
                "psi_by_chance",
                "float",
                "The index that two samples of this size exceed once in twenty times although nothing changed",
                nullable=True,
            ),
            Column("mean_before", "float", "Mean over the stores of the reference", nullable=True),
            Column("mean_now", "float", "Mean over the stores now", nullable=True),
            Column(
                "shift",
                "float",
                "Mean change of the stores that are in both results; null where there are none",
                nullable=True,
            ),
            Column(
                "p_shift",
                "float",
                "p of a signed-rank test of these changes: small where the stores moved together",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "change",
                "text",
                "moved much, moved (by psi), shifted (most stores the same way, by 5 % of the mean or more), stable, new or gone",
            ),
        ),
        "How far the features moved since the reference",
    ),
)
