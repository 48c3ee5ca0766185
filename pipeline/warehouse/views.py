"""Views for merchants over the loaded tables. A view is created if all its tables were loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipeline.duck.quoting import identifier, literal, unique_names
from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.warehouse.ddl import TYPES, comment_of


@dataclass(frozen=True)
class View:
    """A view: its query, what it shows, and the meaning of its columns."""

    name: str
    comment: str
    query: str
    columns: Mapping[str, str]


_CLUSTER_PROFILES = f"""
SELECT
    merged.category,
    merged.cluster,
    merged.internal_cluster,
    merged.external_cluster,
    merged.stores,
    sales.need_state,
    SUM(sales.share) / merged.stores AS mean_share,
    SUM(sales.share_index) / merged.stores AS share_index,
    CAST(SUM(sales.sales_value) AS {TYPES["money"]}) AS sales_value
FROM merged_clusters AS merged
JOIN store_clusters AS placed ON placed.category = merged.category AND placed.cluster = merged.cluster
JOIN sales_by_need_state AS sales ON sales.store_id = placed.store_id AND sales.category = placed.category
GROUP BY merged.category, merged.cluster, merged.internal_cluster, merged.external_cluster, merged.stores, sales.need_state
ORDER BY merged.category, merged.cluster, sales.need_state
"""  # noqa: S608  # a type of our own

_LATEST_RUN = "SELECT * FROM runs ORDER BY started_at DESC, run_id DESC LIMIT 1"

_QUALITY = {
    "need_state_coverage": """
        SELECT 'need states' AS area, category AS subject, 'unmapped share of sales' AS measure,
            unmapped_share AS value, '0..1' AS unit, 'sales of SKUs that the need-state map does not know' AS detail
        FROM need_state_coverage
        UNION ALL
        SELECT 'need states', category, 'dropped sales', CAST(dropped_sales_value AS DOUBLE), 'currency',
            'sales that are in the raw file and not in sales_by_need_state'
        FROM need_state_coverage
    """,
    "categories": """
        SELECT 'internal sales', category, 'clipped sales', CAST(clipped_sales_value AS DOUBLE), 'currency',
            'negative (store, need state) sales that a share counts as zero'
        FROM categories
    """,
    "excluded_stores": """
        SELECT CASE WHEN source = 'external' THEN 'external features' ELSE 'internal sales' END, category,
            'excluded stores', CAST(COUNT(*) AS DOUBLE), 'stores', 'see excluded_stores for the reasons'
        FROM excluded_stores GROUP BY source, category
    """,
    "key_spellings": """
        SELECT 'internal sales', kind || ' ' || key, 'spellings', CAST(spellings AS DOUBLE), 'spellings',
            'written in ways that differ in blanks around it or in the spelling of accents; taken for one'
        FROM key_spellings
    """,
    "external_feature_report": """
        SELECT 'external features', feature, 'imputed share of stores', imputed_share, '0..1', action || ': ' || reason
        FROM external_feature_report
    """,
    "internal_verdicts": """
        SELECT 'clustering', category, 'internal clusters', CAST(k AS DOUBLE), 'clusters', verdict || ': ' || reason
        FROM internal_verdicts
    """,
    "external_verdicts": """
        SELECT 'clustering', '(outside data)', 'external clusters', CAST(k AS DOUBLE), 'clusters',
            verdict || ': ' || reason
        FROM external_verdicts
    """,
    "merged_clusters": """
        SELECT 'merging', category, 'reassigned stores', CAST(SUM(reassigned_stores) AS DOUBLE), 'stores',
            'moved out of cells that were too small; see reassignments'
        FROM merged_clusters GROUP BY category
    """,
    "overrides_applied": """
        SELECT 'merging', category, CASE WHEN applied THEN 'overrides' ELSE 'overrides not applied' END,
            CAST(COUNT(*) AS DOUBLE), 'stores', 'stores that people placed themselves; see overrides_applied'
        FROM overrides_applied GROUP BY category, applied
    """,
}
_QUALITY_COLUMNS = ("area", "subject", "measure", "value", "unit", "detail")


def views(tables: Collection[str], categories: Sequence[str], labels: Sequence[str]) -> list[View]:
    """The views whose tables exist.

    Parameters
    ----------
    tables : names of the loaded tables
    categories : the categories of store_clusters, in the order of their columns
    labels : the labels of store_labels, in the order of their columns
    """
    allowed = []
    if "store_clusters" in tables:
        allowed.append(_store_clusters_wide(categories, labels))
    if {"merged_clusters", "store_clusters", "sales_by_need_state"} <= set(tables):
        allowed.append(_cluster_profiles())
    if "runs" in tables:
        allowed.append(_latest_run())
    quality = [query for table, query in _QUALITY.items() if table in tables]
    if quality:
        allowed.append(_data_quality(quality))
    return allowed


def _store_clusters_wide(categories: Sequence[str], labels: Sequence[str]) -> View:
    shown = [category for category in categories if category != NO_CATEGORY]
    names = unique_names(["store_id", "external_cluster", *labels, *shown])
    label_names, category_names = names[2 : 2 + len(labels)], names[2 + len(labels) :]
    columns = {"store_id": "The store", "external_cluster": "Its cluster on the outside data; null where it has none"}
    columns |= {
        name: f"The store's label {label!r}; never clustered on"
        for name, label in zip(label_names, labels, strict=True)
    }
    columns |= {
        name: f"Final cluster in the category {category!r}; null where the store has none"
        for name, category in zip(category_names, shown, strict=True)
    }
    picked = ["placed.store_id", "MAX(placed.external_cluster) AS external_cluster"]
    picked += [f"MAX(labelled.{identifier(name)}) AS {identifier(name)}" for name in label_names]
    picked += [
        f"MAX(CASE WHEN placed.category = {literal(category)} THEN placed.cluster END) AS {identifier(name)}"
        for name, category in zip(category_names, shown, strict=True)
    ]
    query = f"SELECT {', '.join(picked)} FROM store_clusters AS placed"  # noqa: S608  # quoted above
    if labels:
        wide = [
            f"MAX(CASE WHEN given.label = {literal(label)} THEN given.value END) AS {identifier(name)}"
            for name, label in zip(label_names, labels, strict=True)
        ]
        grouped = f"SELECT given.store_id, {', '.join(wide)} FROM store_labels AS given GROUP BY given.store_id"  # noqa: S608  # quoted above
        query += f" LEFT JOIN ({grouped}) AS labelled ON labelled.store_id = placed.store_id"
    return View(
        "store_clusters_wide",
        "The final clusters, one row per store, one column per category",
        f"{query} GROUP BY placed.store_id ORDER BY placed.store_id",
        columns,
    )


def _cluster_profiles() -> View:
    return View(
        "cluster_profiles",
        "What each final cluster sells more and less of; one row per category, cluster and need state",
        _CLUSTER_PROFILES,
        {
            "category": "The category",
            "cluster": "The final cluster",
            "internal_cluster": "The internal cluster of its cell",
            "external_cluster": "The external cluster of its cell; null where there is none",
            "stores": "Stores in the final cluster",
            "need_state": "The need state",
            "mean_share": "Mean share of the cluster's stores; a store without sales in the need state counts as 0 [0..1]",
            "share_index": "100 x mean_share / the category's pooled chain share [100 = chain]",
            "sales_value": "Net sales of the cluster's stores [currency]",
        },
    )


def _latest_run() -> View:
    return View(
        "latest_run",
        "The last run that did anything, as of this file's load; one row",
        _LATEST_RUN,
        {column.name: comment_of(column) for column in TABLES["runs"].columns},
    )


def _data_quality(queries: Sequence[str]) -> View:
    united = " UNION ALL ".join(queries)
    return View(
        "data_quality",
        "What to know of the data before trusting a cluster; one row per subject and measure",
        f"SELECT * FROM ({united}) AS measures ({', '.join(_QUALITY_COLUMNS)}) ORDER BY area, subject, measure",  # noqa: S608  # all of it is written above
        {
            "area": "Which part of the pipeline",
            "subject": "A category or a feature",
            "measure": "What was measured",
            "value": "How much, in its unit",
            "unit": "The unit of value",
            "detail": "What it means, in words",
        },
    )
