"""The tables of the final store clusters."""

from __future__ import annotations

from dataclasses import replace

from pipeline.schema.fields import (
    CATEGORY,
    CHAIN_MEAN,
    CLUSTER,
    DISTANCE,
    ETA_SQUARED,
    EXTERNAL_CLUSTER,
    FEATURE,
    FROM_CLUSTER,
    HIGHEST_NUMBER,
    INTERNAL_CLUSTER,
    MARGIN,
    MEAN,
    NAME,
    NEXT_CLUSTER,
    R_SQUARED_INTERNAL,
    REASON,
    REASSIGNED_STORES,
    SIDE,
    SILHOUETTE,
    SMALLEST_CLUSTER,
    STABILITY,
    STORE,
    STORES,
    TO_CLUSTER,
)
from pipeline.schema.kinds import Column, Table

_OVERRIDE = REASON.described("The reason, as written by the author of the override")

_FINAL = (
    Table(
        "overrides",
        "one row per store and category",
        ("store_id", "category"),
        (STORE, CATEGORY, CLUSTER.described("The wanted final cluster, from 1"), _OVERRIDE),
        "Stores placed by hand, from the source of the overrides",
    ),
    Table(
        "overrides_applied",
        "one row per override",
        ("store_id", "category"),
        (
            STORE,
            CATEGORY,
            FROM_CLUSTER.described("The final cluster without the override; null if the store has none", nullable=True),
            TO_CLUSTER.described("The final cluster in the override"),
            _OVERRIDE,
            Column(
                "applied",
                "boolean",
                "Whether the store now has this cluster; if not, it has no cluster in the category",
            ),
            Column("note", "text", "Why the override was not applied, or a remark; usually empty"),
        ),
        "The outcome of each override",
    ),
    Table(
        "store_clusters",
        "one row per store and category",
        ("store_id", "category"),
        (
            STORE,
            CATEGORY.described("The category; (none) for stores that are only in the outside data"),
            INTERNAL_CLUSTER,
            EXTERNAL_CLUSTER,
            CLUSTER.described("The final cluster, from 1 within the category, in order of size"),
            Column("status", "text", "both, internal_only or external_only: the sides that have the store"),
            Column("reassigned", "boolean", "Moved by merging out of a cell that was too small"),
            Column("overridden", "boolean", "Placed by an override, not by the clustering"),
            DISTANCE.described("Distance to the final cluster's centroid", unit="block-scaled space"),
            NEXT_CLUSTER.described(
                "The final cluster that is next-nearest, by what the merging method went by; null where no other is comparable: one cluster, "
                "or a store that only the outside data has"
            ),
            MARGIN.described(
                "(next - own) / the larger of both centroid distances: 0 on the border to next_cluster, below 0 nearer to that; null as it is"
            ),
        ),
        "The final store clusters",
    ),
    Table(
        "merged_clusters",
        "one row per category and final cluster",
        ("category", "cluster"),
        (
            CATEGORY.described("The category; (none) for stores that are only in the outside data"),
            CLUSTER,
            INTERNAL_CLUSTER.described("The internal cluster of the cell; null if it has several"),
            EXTERNAL_CLUSTER.described(
                "The external cluster of the cell; null if it has several, or its stores are not in the outside data"
            ),
            STORES.described("Stores in the final cluster, overrides included"),
            REASSIGNED_STORES,
            NAME.described("What sets the cluster apart on both sides, in a few words; unique in the category"),
            Column("note", "text", "How the cell was formed, in words"),
        ),
        "The internal and external cluster of each final cluster; a cluster that overrides left empty is not listed",
    ),
    Table(
        "reassignments",
        "one row per move",
        ("store_id", "category", "from_cluster"),
        (
            STORE,
            CATEGORY,
            FROM_CLUSTER.described("The dissolved cluster; numbered after the final clusters"),
            TO_CLUSTER.described(
                "The cluster to which the store moved; if that was dissolved later, another move follows"
            ),
            Column("from_cell", "text", "from_cluster as internal x external cluster, or by its method and number"),
            Column("to_cell", "text", "to_cluster as internal x external cluster, or by its method and number"),
            DISTANCE.described("Distance to the new cell's centroid", unit="block-scaled space"),
            MARGIN.described("(next - new) / next centroid distance; null if no other cell was left", unit="0..1"),
        ),
        "Every store that merging moved out of a cell that was too small",
    ),
    Table(
        "merged_profiles",
        "one row per category, final cluster, side and feature",
        ("category", "cluster", "side", "feature"),
        (
            CATEGORY.described("The category; (none) for stores that are only in the outside data"),
            CLUSTER,
            SIDE,
            FEATURE.described("A feature of internal_features or of external_features"),
            STORES.described("Stores of the cluster on this side"),
            MEAN.described(
                f"Internal: mean share of the mapped sales, 0..1; external: {MEAN.comment[:1].lower()}{MEAN.comment[1:]}"
            ),
            CHAIN_MEAN.described("The same over all stores of the category on this side"),
            ETA_SQUARED.described(
                "Share of the feature's variance that lies between the final clusters; null if it does not vary"
            ),
        ),
        "How each final cluster differs in its sales mix and its surroundings",
    ),
    Table(
        "cluster_numbers",
        "one row per category",
        ("category",),
        (
            CATEGORY.described("The category; (none) for stores that are only in the outside data"),
            HIGHEST_NUMBER.described(
                "The highest number that a final cluster has, had in the reference, or had before overrides emptied it; a new cluster gets the next number"
            ),
        ),
        "The used numbers of final clusters, also in categories that no longer exist",
    ),
    Table(
        "merging_methods",
        "one row per category and method",
        ("category", "method"),
        (
            CATEGORY,
            Column("method", "text", "internal, cross or nested"),
            Column("taken", "boolean", "Whether the final clusters come from this method"),
            Column(
                "clusters", "integer", "Final clusters of this method, including those of stores without outside data"
            ),
            SMALLEST_CLUSTER.described("Stores in the smallest of them"),
            REASSIGNED_STORES.described("Stores it moves out of cells that are too small"),
            SILHOUETTE.described(
                "Mean silhouette of its clusters on the sales mix; null if there is one cluster; with more than 20,000 stores an estimate, as the reason says"
            ),
            Column("r_squared", "float", "Share of the mix's variance that its clusters explain", unit="0..1"),
            STABILITY.described("Mean adjusted Rand index between its clusters on bootstrap resamples"),
            Column("agreement", "float", "Adjusted Rand index with the clusters of the method taken", unit="-1..1"),
            REASON.described("Why it is taken, and how its clusters were formed, in words"),
        ),
        "The result of each merging method in each category; only the method taken if compare_methods is false",
    ),
    Table(
        "external_contribution",
        "one row per category",
        ("category",),
        (
            CATEGORY,
            STORES.described("Stores in both sides that are not held out"),
            R_SQUARED_INTERNAL.described("Share of the mix's variance that the internal clusters explain"),
            Column(
                "r_squared_merged",
                "float",
                "Share of it that internal x external clusters explain, before any repair",
                unit="0..1",
            ),
            Column(
                "r_squared_final", "float", "Share of it that the final clusters explain, before overrides", unit="0..1"
            ),
            Column("gain", "float", "r_squared_merged - r_squared_internal", unit="0..1"),
            Column(
                "gain_by_chance",
                "float",
                "Mean gain over permutations of the external clusters within the internal ones; null: not tested",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "p_value",
                "float",
                "Share of 999 such permutations and the data itself with at least this gain; of fewer permutations once it cannot be below 0.05; null: not tested",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "q_value",
                "float",
                "p_value adjusted for the false discovery rate over the categories (Benjamini-Hochberg)",
                nullable=True,
                unit="0..1",
            ),
            Column("earns", "boolean", "q_value < 0.05 and gain - gain_by_chance >= 0.02"),
            REASON.described("The answer in words"),
        ),
        "Whether the outside data explains more of each category's sales mix than the internal clusters do",
    ),
)

# The tables of one category's merging before all categories are joined, and the final tables that they become.
CANDIDATES = {
    "candidates": "external_contribution",
    **{
        f"candidate_{name}": name
        for name in ("store_clusters", "merged_clusters", "merged_profiles", "reassignments", "merging_methods")
    },
}
_EARNS = Column(
    "earns",
    "boolean",
    "Which answer the row is for: whether the outside data earns its place in the category. Only false if that is certain, or makes no difference",
)
_BY_NAME = {table.name: table for table in _FINAL}
_AFTERWARDS = {  # what all categories, or placements by hand, decide
    "store_clusters": {"overridden"},
    "external_contribution": {"q_value", "earns", "reason"},
}


_MORE = {
    "external_contribution": (
        HIGHEST_NUMBER.described(
            "The highest number that a final cluster of the category has, or had in the reference"
        ),
    )
}


def _candidate(name: str, of: Table) -> Table:
    columns = [column for column in of.columns if column.name not in _AFTERWARDS.get(of.name, ())]
    return replace(
        of,
        name=name,
        grain=f"{of.grain}, for each answer",
        key=("earns", *of.key),
        columns=(_EARNS, *columns, *_MORE.get(of.name, ())),
        comment=f"{of.comment}: of one category, before all categories are joined; not in the database",
    )


TABLES = (*_FINAL, *(_candidate(name, _BY_NAME[of]) for name, of in CANDIDATES.items()))
