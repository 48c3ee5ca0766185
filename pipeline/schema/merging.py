"""The tables of the final store clusters."""

from __future__ import annotations

from pipeline.schema.keys import CATEGORY, CLUSTER, STORE
from pipeline.schema.kinds import Column, Table

_OVERRIDE = Column("reason", "text", "The reason, as written by the author of the override")

TABLES = (
    Table(
        "overrides",
        "one row per store and category",
        ("store_id", "category"),
        (STORE, CATEGORY, Column("cluster", "integer", "The wanted final cluster, from 1"), _OVERRIDE),
        "Stores placed by hand, from the source of the overrides",
    ),
    Table(
        "overrides_applied",
        "one row per override",
        ("store_id", "category"),
        (
            STORE,
            CATEGORY,
            Column(
                "from_cluster",
                "integer",
                "The final cluster without the override; null if the store has none",
                nullable=True,
            ),
            Column("to_cluster", "integer", "The final cluster in the override"),
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
            Column("category", "text", "The category; (none) for stores that are only in the outside data"),
            Column(
                "internal_cluster",
                "integer",
                "The store's cluster on its sales mix; null if it has none",
                nullable=True,
            ),
            Column(
                "external_cluster",
                "integer",
                "The store's cluster on the outside data; null if it has none",
                nullable=True,
            ),
            Column("cluster", "integer", "The final cluster, from 1 within the category, in order of size"),
            Column("status", "text", "both, internal_only or external_only: the sides that have the store"),
            Column("reassigned", "boolean", "Moved by merging out of a cell that was too small"),
            Column("overridden", "boolean", "Placed by an override, not by the clustering"),
            Column("distance", "float", "Distance to the final cluster's centroid", unit="block-scaled space"),
        ),
        "The final store clusters",
    ),
    Table(
        "merged_clusters",
        "one row per category and final cluster",
        ("category", "cluster"),
        (
            Column("category", "text", "The category; (none) for stores that are only in the outside data"),
            CLUSTER,
            Column(
                "internal_cluster",
                "integer",
                "The internal cluster of the cell; null if it has several (consensus, weighted)",
                nullable=True,
            ),
            Column(
                "external_cluster",
                "integer",
                "The external cluster of the cell; null if it has several, or its stores are not in the outside data",
                nullable=True,
            ),
            Column("stores", "integer", "Stores in the final cluster, overrides included", unit="stores"),
            Column(
                "reassigned_stores",
                "integer",
                "Of these, stores moved in from cells that were too small",
                unit="stores",
            ),
            Column("name", "text", "What sets the cluster apart on both sides, in a few words; unique in the category"),
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
            Column("from_cluster", "integer", "The dissolved cluster; numbered after the final clusters"),
            Column(
                "to_cluster",
                "integer",
                "The cluster to which the store moved; if that was dissolved later, another move follows",
            ),
            Column("from_cell", "text", "from_cluster as internal x external, or by its method and number"),
            Column("to_cell", "text", "to_cluster as internal x external, or by its method and number"),
            Column("distance", "float", "Distance to the new cell's centroid", unit="block-scaled space"),
            Column(
                "margin",
                "float",
                "(next - new) / next centroid distance; null if no other cell was left",
                nullable=True,
                unit="0..1",
            ),
        ),
        "Every store that merging moved out of a cell that was too small",
    ),
    Table(
        "merged_profiles",
        "one row per category, final cluster, side and feature",
        ("category", "cluster", "side", "feature"),
        (
            Column("category", "text", "The category; (none) for stores that are only in the outside data"),
            CLUSTER,
            Column("side", "text", "internal (the sales mix) or external (the outside data)"),
            Column("feature", "text", "A feature of internal_features or of external_features"),
            Column("stores", "integer", "Stores of the cluster on this side", unit="stores"),
            Column("mean", "float", "Internal: mean share of the mapped sales, 0..1; external: mean of the feature"),
            Column("chain_mean", "float", "The same over all stores of the category on this side"),
            Column(
                "eta_squared",
                "float",
                "Share of the feature's variance that lies between the final clusters; null if it does not vary",
                nullable=True,
                unit="0..1",
            ),
        ),
        "How each final cluster differs in its sales mix and its surroundings",
    ),
    Table(
        "cluster_numbers",
        "one row per category",
        ("category",),
        (
            Column("category", "text", "The category; (none) for stores that are only in the outside data"),
            Column(
                "highest_number",
                "integer",
                "The highest number that a final cluster has, had in the reference, or had before overrides emptied it; a "
                "new cluster gets the next number",
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
            Column("method", "text", "cross, nested, consensus or weighted"),
            Column("taken", "boolean", "Whether the final clusters come from this method"),
            Column(
                "clusters", "integer", "Final clusters of this method, including those of stores without outside data"
            ),
            Column("smallest_cluster", "integer", "Stores in the smallest of them", unit="stores"),
            Column("reassigned_stores", "integer", "Stores it moves out of cells that are too small", unit="stores"),
            Column(
                "silhouette",
                "float",
                "Mean silhouette of its clusters on the sales mix; null if there is one cluster; with more than 20,000 stores an estimate, as the reason says",
                nullable=True,
                unit="-1..1",
            ),
            Column("r_squared", "float", "Share of the mix's variance that its clusters explain", unit="0..1"),
            Column(
                "stability",
                "float",
                "Mean adjusted Rand index between its clusters on bootstrap resamples",
                unit="-1..1",
            ),
            Column("agreement", "float", "Adjusted Rand index with the clusters of the method taken", unit="-1..1"),
            Column("reason", "text", "Why it is taken, and how its clusters were formed, in words"),
        ),
        "The result of each merging method in each category; only the method taken if compare_methods is false",
    ),
    Table(
        "external_contribution",
        "one row per category",
        ("category",),
        (
            CATEGORY,
            Column("stores", "integer", "Stores in both sides that are not held out", unit="stores"),
            Column(
                "r_squared_internal",
                "float",
                "Share of the mix's variance that the internal clusters explain",
                unit="0..1",
            ),
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
                "Share of 999 such permutations and the data itself with at least this gain; null: not tested",
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
            Column("reason", "text", "The answer in words"),
        ),
        "Whether the outside data explains more of each category's sales mix than the internal clusters do",
    ),
)
