"""The tables that explain a clustering of either side."""

from __future__ import annotations

from pipeline.schema.clustering import side_of
from pipeline.schema.fields import CLUSTER, CONFIDENCE, DISTANCE, MARGIN, NAME, SILHOUETTE, STORE, STORES
from pipeline.schema.kinds import Column, Table


def _per(key: tuple[Column, ...], grain: str) -> str:
    return grain + (" per category" if key else "")


def _key(key: tuple[Column, ...], *more: str) -> tuple[str, ...]:
    return (*(column.name for column in key), *more)


def exemplars_table(key: tuple[Column, ...], name: str, comment: str) -> Table:
    """The table of the most typical stores of each cluster."""
    cluster = CLUSTER.of_side(side_of(name))
    return Table(
        name,
        _per(key, "up to three rows per cluster"),
        _key(key, cluster.name, "rank"),
        (
            *key,
            cluster,
            Column("rank", "integer", "1 is the store nearest to the centroid, 3 the third nearest"),
            STORE,
            DISTANCE.described("Distance to the centroid of the cluster"),
        ),
        comment,
    )


def summary_table(key: tuple[Column, ...], name: str, comment: str) -> Table:
    """The table that describes each cluster as a whole."""
    cluster = CLUSTER.of_side(side_of(name))
    return Table(
        name,
        _per(key, "one row per cluster"),
        _key(key, cluster.name),
        (
            *key,
            cluster,
            NAME,
            STORES,
            Column("outlier_stores", "integer", "Of these, outlier stores", unit="stores"),
            SILHOUETTE.described("Mean silhouette of its stores; null if there is one cluster"),
            MARGIN.described("Mean margin of its stores; null if there is one cluster"),
            CONFIDENCE.described("Mean confidence of its stores; null if there is one cluster"),
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
            CLUSTER.described("The cluster that the rule predicts").of_side(side_of(name)),
            Column("words", "text", "The stores to which the rule applies, in words; one rule applies to every store"),
            STORES.described("Stores to which the rule applies"),
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
