"""The tables of the final store clusters."""

from __future__ import annotations

from pipeline.schema.keys import CATEGORY, CLUSTER, STORE
from pipeline.schema.kinds import Column, Table

TABLES = (
    Table(
        "store_clusters",
        "one row per store and category",
        ("store_id", "category"),
        (
            STORE,
            Column("category", "text", "The category; (none) for stores that only the outside data knows"),
            Column(
                "internal_cluster",
                "integer",
                "The store's cluster on its sales mix; null where it has none",
                nullable=True,
            ),
            Column(
                "external_cluster",
                "integer",
                "The store's cluster on the outside data; null where it has none",
                nullable=True,
            ),
            Column("cluster", "integer", "The final cluster, from 1 within the category, in order of size"),
            Column("status", "text", "both, internal_only or external_only: which sides know the store"),
            Column("reassigned", "boolean", "Moved out of a cell that was too small"),
            Column("distance", "float", "Distance to the final cluster's centroid", unit="block-scaled space"),
        ),
        "The final store clusters",
    ),
    Table(
        "merged_clusters",
        "one row per category and final cluster",
        ("category", "cluster"),
        (
            Column("category", "text", "The category; (none) for stores that only the outside data knows"),
            CLUSTER,
            Column("internal_cluster", "integer", "The internal cluster of the cell", nullable=True),
            Column(
                "external_cluster",
                "integer",
                "The external cluster of the cell; null: the outside data does not know its stores, or it was not used",
                nullable=True,
            ),
            Column("stores", "integer", "Stores in the final cluster", unit="stores"),
            Column(
                "reassigned_stores",
                "integer",
                "Of these, stores moved in from cells that were too small",
                unit="stores",
            ),
            Column("name", "text", "What sets the cluster apart on both sides, in a few words; unique in the category"),
            Column("note", "text", "How the cell came about, in words"),
        ),
        "Which internal and external cluster each final cluster stands for",
    ),
    Table(
        "reassignments",
        "one row per move",
        ("store_id", "category", "from_cluster"),
        (
            STORE,
            CATEGORY,
            Column("from_cluster", "integer", "The cluster that was dissolved; numbered after the final ones"),
            Column(
                "to_cluster",
                "integer",
                "The cluster the store went to; where that was dissolved in turn, another move follows",
            ),
            Column("from_cell", "text", "from_cluster as internal x external"),
            Column("to_cell", "text", "to_cluster as internal x external"),
            Column("distance", "float", "Distance to the new cell's centroid", unit="block-scaled space"),
            Column(
                "margin",
                "float",
                "(next - new) / next centroid distance; null where no other cell was left",
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
            Column("category", "text", "The category; (none) for stores that only the outside data knows"),
            CLUSTER,
            Column("side", "text", "internal (the sales mix) or external (the outside data)"),
            Column("feature", "text", "A feature of internal_features or of external_features"),
            Column("stores", "integer", "Stores of the cluster that the side knows", unit="stores"),
            Column("mean", "float", "Internal: mean share of the mapped sales, 0..1; external: mean of the feature"),
            Column("chain_mean", "float", "The same over all stores of the category that the side knows"),
            Column(
                "eta_squared",
                "float",
                "Share of the feature's variance that lies between the final clusters; null where it does not vary",
                nullable=True,
                unit="0..1",
            ),
        ),
        "What each final cluster sells, and has, more and less of",
    ),
    Table(
        "cluster_numbers",
        "one row per category",
        ("category",),
        (
            Column("category", "text", "The category; (none) for stores that only the outside data knows"),
            Column(
                "highest_number",
                "integer",
                "The highest number that a final cluster has, or had in the reference: a new one takes the next",
            ),
        ),
        "Which numbers of final clusters are used up, also in categories that are gone",
    ),
)
