"""Every published table: its grain, key, columns, units and what they mean.

This is the one description of the tables. Parquet files, DuckDB's DDL and its comments are made from it.

In memory, money is whole cents: a column `sales_value` of a published table is `sales_cents` in a DataFrame (see
`Column.frame_name`). Clusters are integers from 1. Key columns are text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "integer", "float", "boolean", "money", "timestamp"]

UNMAPPED = "UNMAPPED"  # the need state of SKUs that the need-state map does not know
NO_CATEGORY = "(none)"  # the category of stores that only the outside data knows


@dataclass(frozen=True)
class Column:
    """A column of a published table."""

    name: str
    type: Type
    comment: str
    nullable: bool = False
    unit: str = ""

    @property
    def frame_name(self) -> str:
        """The column's name in a DataFrame: money is held there in whole cents."""
        return self.name.replace("_value", "_cents") if self.type == "money" else self.name


@dataclass(frozen=True)
class Table:
    """A published table. `more` describes the columns that depend on the data (wide tables), None where there are none."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    comment: str
    more: Column | None = None

    def column(self, name: str) -> Column:
        """The column of that name; a wide table's data-dependent columns answer too."""
        for column in self.columns:
            if column.name == name:
                return column
        if self.more is None:
            raise KeyError(f"table {self.name} has no column {name!r}")
        return Column(name, self.more.type, self.more.comment, self.more.nullable, self.more.unit)


_STORE = Column("store_id", "text", "The store, as a trimmed NFC string")
_CATEGORY = Column("category", "text", "The category, as it stands in the data")
_NEED_STATE = Column("need_state", "text", "The shopper need that the SKUs serve; UNMAPPED where the map names none")
_CLUSTER = Column("cluster", "integer", "The cluster, from 1, in order of size")


def _clusters(key: tuple[Column, ...], name: str, comment: str) -> Table:
    return Table(
        name,
        "one row per store" + (" and category" if len(key) > 1 else ""),
        tuple(column.name for column in key),
        (
            *key,
            _CLUSTER,
            Column("distance", "float", "Distance to the centroid of the store's own cluster", unit="feature space"),
            Column(
                "next_cluster",
                "integer",
                "The cluster with the next-nearest centroid; null where there is one cluster",
                nullable=True,
            ),
            Column(
                "margin",
                "float",
                "(next - own) / next centroid distance: 0 on the border; null where there is one cluster",
                nullable=True,
                unit="-1..1",
            ),
            Column(
                "silhouette",
                "float",
                "The store's silhouette; null where there is one cluster",
                nullable=True,
                unit="-1..1",
            ),
            Column(
                "confidence", "float", "How often the store's co-members stay with it over the bootstrap", unit="0..1"
            ),
            Column("is_outlier", "boolean", "Left out of the fit, and placed at its nearest centroid"),
        ),
        comment,
    )


def _k_selection(key: tuple[Column, ...], name: str, comment: str) -> Table:
    return Table(
        name,
        "one row per k tried" + (" and category" if key else ""),
        (*(column.name for column in key), "k"),
        (
            *key,
            Column("k", "integer", "Number of clusters tried"),
            Column(
                "silhouette",
                "float",
                "Mean silhouette of the fitted stores; null at k = 1",
                nullable=True,
                unit="-1..1",
            ),
            Column("calinski_harabasz", "float", "Between- to within-cluster dispersion; null at k = 1", nullable=True),
            Column(
                "davies_bouldin",
                "float",
                "Mean similarity of each cluster with its most similar one; lower is better; null at k = 1",
                nullable=True,
            ),
            Column(
                "bic",
                "float",
                "BIC of a Gaussian mixture with one shared diagonal covariance, started from k-means; lower is better",
            ),
            Column("inertia", "float", "Within-cluster sum of squared distances"),
            Column("smallest_cluster", "integer", "Stores in the smallest cluster", unit="stores"),
            Column("stability", "float", "Mean adjusted Rand index between bootstrap refits", unit="-1..1"),
            Column("jaccard", "float", "Lowest per-cluster mean Jaccard similarity over the bootstrap", unit="0..1"),
            Column("chosen", "boolean", "The k that was taken"),
        ),
        comment,
    )


def _verdicts(key: tuple[Column, ...], name: str, comment: str) -> Table:
    return Table(
        name,
        "one row per category" if key else "one row",
        tuple(column.name for column in key) or ("verdict",),
        (
            *key,
            Column("verdict", "text", "separated, tiers, or no structure"),
            Column("k", "integer", "Number of clusters"),
            Column("reason", "text", "Why this k and this verdict, in words"),
        ),
        comment,
    )


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "categories",
            "one row per category",
            ("category",),
            (
                _CATEGORY,
                Column("file", "text", "The name of the category's files"),
                Column("stores", "integer", "Stores with sales in the category", unit="stores"),
                Column("excluded_stores", "integer", "Of these, stores excluded from the category", unit="stores"),
                Column("need_states", "integer", "Need states with sales in the category"),
                Column("sales_value", "money", "Published net sales", unit="currency"),
                Column(
                    "clipped_sales_value",
                    "money",
                    "Negative (store, need state) sales, which a share counts as zero; a positive amount",
                    unit="currency",
                ),
            ),
            "The categories that were preprocessed, and where each one's files are",
        ),
        Table(
            "sales_by_need_state",
            "one row per store, category and need state with sales",
            ("store_id", "category", "need_state"),
            (
                _STORE,
                _CATEGORY,
                _NEED_STATE,
                Column("sales_value", "money", "Net sales; may be negative (returns)", unit="currency"),
                Column(
                    "share",
                    "float",
                    "max(net, 0) / the store's sum of it over the category; null where the store has no positive sales",
                    nullable=True,
                    unit="0..1",
                ),
                Column(
                    "share_index",
                    "float",
                    "100 x share / the category's pooled chain share; null where that is zero",
                    nullable=True,
                    unit="100 = chain",
                ),
                Column("is_excluded", "boolean", "The store is excluded from the category: see excluded_stores"),
            ),
            "What each store sold, split over the need states its SKUs serve; sums to the raw sales to the cent",
        ),
        Table(
            "excluded_stores",
            "one row per store, category and source it was excluded from",
            ("store_id", "category", "source"),
            (
                _STORE,
                _CATEGORY,
                Column("source", "text", "internal_sales or external"),
                Column("reason", "text", "Why the store has no cluster here"),
            ),
            "Stores that have no cluster in a category, with the reason; no store is in neither this nor store_clusters",
        ),
        Table(
            "need_state_coverage",
            "one row per category",
            ("category",),
            (
                _CATEGORY,
                Column("sales_value", "money", "Net raw sales", unit="currency"),
                Column(
                    "unmapped_sales_value", "money", "Of these, sales of SKUs without a need state", unit="currency"
                ),
                Column(
                    "dropped_sales_value",
                    "money",
                    "Of these, what was dropped; sales_value = published + dropped",
                    unit="currency",
                ),
                Column("unmapped_share", "float", "unmapped_sales_value / sales_value", unit="0..1"),
            ),
            "How much of each category's sales the need-state map covers",
        ),
        _clusters((_STORE, _CATEGORY), "internal_clusters", "Stores clustered per category on their sales mix"),
        _k_selection((_CATEGORY,), "internal_k_selection", "Every figure behind the choice of k, per category"),
        _verdicts((_CATEGORY,), "internal_verdicts", "What kind of structure was found per category"),
        Table(
            "internal_profiles",
            "one row per category, cluster and need state",
            ("category", "cluster", "need_state"),
            (
                _CATEGORY,
                _CLUSTER,
                _NEED_STATE,
                Column("stores", "integer", "Stores in the cluster", unit="stores"),
                Column("mean_share", "float", "Mean share of the cluster's stores", unit="0..1"),
                Column(
                    "share_index",
                    "float",
                    "100 x mean_share / the category's pooled chain share; null where that is zero",
                    nullable=True,
                    unit="100 = chain",
                ),
            ),
            "What each internal cluster sells more and less of",
        ),
        Table(
            "internal_features",
            "one row per store, category and feature",
            ("store_id", "category", "feature"),
            (
                _STORE,
                _CATEGORY,
                Column("feature", "text", "A need state, or (rare) for the amalgamated ones"),
                Column("value", "float", "The feature as it was clustered on"),
            ),
            "The feature matrix of each category's clustering",
        ),
        Table(
            "external_features",
            "one row per store",
            ("store_id",),
            (_STORE,),
            "The features of the outside data as used: imputed, transformed, not yet scaled",
            more=Column("feature", "float", "A feature of the outside data"),
        ),
        Table(
            "external_feature_report",
            "one row per feature offered",
            ("feature",),
            (
                Column("feature", "text", "The feature, or the level of a categorical one as name=level"),
                Column("action", "text", "kept, transformed or dropped"),
                Column("reason", "text", "Why"),
                Column("imputed_share", "float", "Share of the stores whose value was imputed", unit="0..1"),
            ),
            "What became of every column of the outside data",
        ),
        Table(
            "store_labels",
            "one row per store and label",
            ("store_id", "label"),
            (
                _STORE,
                Column("label", "text", "The label's column name"),
                Column("value", "text", "Its value", nullable=True),
            ),
            "Names and regions of stores; carried, never clustered on",
        ),
        _clusters((_STORE,), "external_clusters", "Stores clustered on the outside data"),
        _k_selection((), "external_k_selection", "Every figure behind the choice of k for the outside data"),
        _verdicts((), "external_verdicts", "What kind of structure was found in the outside data"),
        Table(
            "external_profiles",
            "one row per cluster and feature",
            ("cluster", "feature"),
            (
                _CLUSTER,
                Column("feature", "text", "A feature of external_features"),
                Column("stores", "integer", "Stores in the cluster", unit="stores"),
                Column("mean", "float", "Mean of the feature over the cluster's stores"),
                Column("chain_mean", "float", "Mean of the feature over all stores"),
            ),
            "What each external cluster has more and less of",
        ),
        Table(
            "external_scaled_features",
            "one row per store and feature",
            ("store_id", "feature"),
            (
                _STORE,
                Column("feature", "text", "A feature of external_features"),
                Column("value", "float", "The feature, scaled, as it was clustered on"),
            ),
            "The feature matrix of the external clustering",
        ),
        Table(
            "store_clusters",
            "one row per store and category",
            ("store_id", "category"),
            (
                _STORE,
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
                _CLUSTER,
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
                Column("note", "text", "How the cell came about, in words"),
            ),
            "Which internal and external cluster each final cluster stands for",
        ),
        Table(
            "reassignments",
            "one row per move",
            ("store_id", "category", "from_cluster"),
            (
                _STORE,
                _CATEGORY,
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
            "lineage",
            "one row per target",
            ("target",),
            (
                Column("target", "text", "The file, relative to the project's root"),
                Column("task", "text", "The task that made it"),
                Column("inputs", "text", "The files it was made from and their content hashes, as JSON"),
                Column("settings", "text", "The settings it was made with, as JSON"),
                Column("code", "text", "The modules it was made by and their fingerprints, as JSON"),
                Column("libraries", "text", "The versions of the libraries that computed it, as JSON"),
                Column("built_at", "timestamp", "When it was built", unit="UTC"),
                Column("seconds", "float", "How long that took", unit="s"),
            ),
            "Where every target came from, as of the load: a later build that gave the same bytes is not in it",
        ),
        Table(
            "runs",
            "one row per run that did anything",
            ("run_id",),
            (
                Column("run_id", "text", "The run"),
                Column("env", "text", "The environment"),
                Column("tags", "text", "The run's tags, as JSON"),
                Column("started_at", "timestamp", "When it started", unit="UTC"),
                Column(
                    "finished_at",
                    "timestamp",
                    "When it ended; null while it runs (as the run that loads this does), or where it was killed",
                    nullable=True,
                    unit="UTC",
                ),
                Column("status", "text", "running, done, failed, or interrupted"),
                Column("built", "integer", "Tasks that were built"),
                Column("skipped", "integer", "Tasks that were cut off: stale from above, and what they read unchanged"),
                Column("user", "text", "Who ran it"),
                Column("host", "text", "Where it ran"),
            ),
            "The runs, as of this file's load",
        ),
    )
}
