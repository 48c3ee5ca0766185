"""The tables that explain a clustering of either side."""

from __future__ import annotations

from pipeline.schema.keys import CLUSTER, STORE
from pipeline.schema.kinds import Column, Table


def _per(key: tuple[Column, ...], grain: str) -> str:
    return grain + (" per category" if key else "")


def _key(key: tuple[Column, ...], *more: str) -> tuple[str, ...]:
    return (*(column.name for column in key), *more)


def exemplars_table(key: tuple[Column, ...], name: str, comment: str) -> Table:
    """The table of the most typical stores of each cluster."""
    return Table(
        name,
        _per(key, "up to three rows per cluster"),
        _key(key, "cluster", "rank"),
        (
            *key,
            CLUSTER,
            Column("rank", "integer", "1 is the store nearest to the centroid, 3 the third nearest"),
            STORE,
            Column("distance", "float", "Distance to the centroid of the cluster", unit="feature space"),
        ),
        comment,
    )


def summary_table(key: tuple[Column, ...], name: str, comment: str) -> Table:
    """The table that describes each cluster as a whole."""
    return Table(
        name,
        _per(key, "one row per cluster"),
        _key(key, "cluster"),
        (
            *key,
            CLUSTER,
            Column(
                "name",
                "text",
                "What sets the cluster apart, in a few words; unique among the clusters of its clustering",
            ),
            Column("stores", "integer", "Stores in the cluster", unit="stores"),
            Column("outlier_stores", "integer", "Of these, outlier stores", unit="stores"),
            Column(
                "silhouette",
                "float",
                "Mean silhouette of its stores; null if there is one cluster",
                nullable=True,
                unit="-1..1",
            ),
            Column(
                "margin",
                "float",
                "Mean margin of its stores; null if there is one cluster",
                nullable=True,
                unit="-1..1",
            ),
            Column("confidence", "float", "Mean confidence of its stores", unit="0..1"),
        ),
        comment,
    )


def rules_table(key: tuple[Column, ...], name: str, comment: str) -> Table:
    """The table of the surrogate tree's leaves in words."""
    return Table(
        name,
        _per(key, "one row per rule"),
        _key(key, "rule"),
        (
            *key,
            Column("rule", "integer", "The rule, from 1, by cluster, then by stores"),
            Column("cluster", "integer", "The cluster that the rule predicts"),
            Column("words", "text", "The stores to which the rule applies, in words; one rule applies to every store"),
            Column("stores", "integer", "Stores to which the rule applies", unit="stores"),
            Column("purity", "float", "Share of these that are in the cluster", unit="0..1"),
            Column("coverage", "float", "Share of the cluster's stores to which the rule applies", unit="0..1"),
            Column(
                "fidelity",
                "float",
                "Share of all stores whose cluster is predicted by rules made without the store "
                "(cross-validation), the same for all rules; null if there is one cluster",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "largest_share",
                "float",
                "Share of all stores in the largest cluster: the fidelity of always predicting it",
                unit="0..1",
            ),
        ),
        comment,
    )
