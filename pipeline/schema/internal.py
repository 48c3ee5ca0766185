"""The tables of the internal side: sales by need state, and clusters on them."""

from __future__ import annotations

from pipeline.schema.clustering import (
    MEAN_SHARE_INDEX,
    axes_table,
    clusters_table,
    k_selection_table,
    memberships_table,
    mixture_table,
    verdicts_table,
)
from pipeline.schema.explanation import exemplars_table, rules_table, summary_table
from pipeline.schema.fields import (
    CATEGORY,
    CLUSTER,
    ETA_SQUARED,
    FEATURE,
    MEAN_SHARE,
    NEED_STATE,
    REASON,
    SALES_VALUE,
    SHARE,
    SHARE_INDEX,
    STORE,
    STORES,
)
from pipeline.schema.kinds import BLOCKS, Column, Table

TABLES = (
    Table(
        "categories",
        "one row per category",
        ("category",),
        (
            CATEGORY,
            Column("file", "text", "The name of the category's files"),
            STORES.described("Stores with sales in the category"),
            Column("excluded_stores", "integer", "Of these, stores excluded from the category", unit="stores"),
            Column("need_states", "integer", "Need states with sales in the category"),
            Column(
                "mix_over",
                "text",
                "What the sales mix is over, which these tables call need states: a column of the need-state map or of the sales, "
                "several with their weights, or SKUs",
            ),
            Column(
                "first_week",
                "text",
                "The first week of the sales, as written; the same for every category; null where the weeks are not known",
                nullable=True,
            ),
            Column("last_week", "text", "The last week of the sales, likewise", nullable=True),
            Column("weeks", "integer", "How many weeks the sales are of, likewise", nullable=True, unit="weeks"),
            SALES_VALUE.described("Published net sales"),
            Column(
                "clipped_sales_value",
                "money",
                "Negative (store, need state) sales, which a share counts as zero; a positive amount",
                unit="currency",
            ),
        ),
        "The preprocessed categories, and the names of their files",
    ),
    Table(
        "sales_by_need_state",
        "one row per store, category and need state with sales",
        ("store_id", "category", "need_state"),
        (
            STORE,
            CATEGORY,
            NEED_STATE,
            SALES_VALUE.described("Net sales; may be negative (returns)"),
            SHARE,
            SHARE_INDEX.described("100 x share / the category's pooled chain share; null if that is zero"),
            Column("is_excluded", "boolean", "The store is excluded from the category: see excluded_stores"),
        ),
        "What each store sold, split over the need states its SKUs serve; sums to the raw sales to the last digit",
    ),
    Table(
        "sales_by_block",
        "one row per store, category and need state with sales, where the weeks are known",
        ("store_id", "category", "need_state"),
        (
            STORE,
            CATEGORY,
            NEED_STATE,
            *(
                Column(
                    f"block_{block}_value",
                    "money",
                    f"Net sales in the {'even' if block % 2 == 0 else 'odd'} weeks of period {(block + 1) // 2} of {BLOCKS // 2}",
                    unit="currency",
                )
                for block in range(1, BLOCKS + 1)
            ),
        ),
        "sales_by_need_state by block of weeks, which add up to it: four periods of as many weeks, each in two blocks of every "
        "other week; no rows where not every sale has a week, or there are fewer weeks than blocks",
    ),
    Table(
        "key_spellings",
        "one row per key of the sales that is written in several ways",
        ("kind", "key"),
        (
            Column("kind", "text", "store, SKU, category, or need state where the sales have its column"),
            Column("key", "text", "The key, trimmed and in NFC"),
            Column(
                "spellings",
                "integer",
                "The number of spellings in the sales, which differ in blanks or in the encoding of accents",
            ),
        ),
        "Keys whose different spellings in the sales count as one, such as ' 7 ' and '7'",
    ),
    Table(
        "excluded_stores",
        "one row per store, category and source it was excluded from",
        ("store_id", "category", "source"),
        (
            STORE,
            CATEGORY,
            Column("source", "text", "internal_sales or external"),
            REASON.described("Why the store has no cluster here"),
        ),
        "Stores without a cluster in a category, with the reason; every store is in this table or in store_clusters",
    ),
    Table(
        "need_state_coverage",
        "one row per category",
        ("category",),
        (
            CATEGORY,
            SALES_VALUE.described("Net raw sales"),
            Column("unmapped_sales_value", "money", "Of these, sales of SKUs without a need state", unit="currency"),
            Column(
                "dropped_sales_value",
                "money",
                "Of these, dropped sales; sales_value = published + dropped",
                unit="currency",
            ),
            Column("unmapped_share", "float", "unmapped_sales_value / sales_value", unit="0..1"),
        ),
        "How much of each category's sales the need-state map covers",
    ),
    clusters_table(
        (STORE, CATEGORY), "internal_clusters", "Stores clustered per category on their sales mix", by_weeks=True
    ),
    k_selection_table(
        (CATEGORY,), "internal_k_selection", "Every figure behind the choice of k, per category", by_weeks=True
    ),
    memberships_table(
        (STORE, CATEGORY),
        "internal_memberships",
        "How likely each store is in each cluster of the sales mix; empty where there is one, or where clusters are tiers of an axis",
    ),
    mixture_table((CATEGORY,), "internal_mixture", "The mixture behind the clusters of the sales mix"),
    verdicts_table(
        (CATEGORY,),
        "internal_verdicts",
        "What kind of structure was found per category, and whether it holds",
        by_weeks=True,
    ),
    axes_table(
        (CATEGORY,),
        "internal_axes",
        "What the first axis is about that the stores of a category lie on within their clusters",
        "How much its share of the store's mapped sales changes per standard deviation of the position, 1 = all sales",
    ),
    Table(
        "internal_profiles",
        "one row per category, cluster and need state",
        ("category", "cluster", "need_state"),
        (
            CATEGORY,
            CLUSTER.of_side("internal"),
            NEED_STATE,
            STORES,
            MEAN_SHARE.described("Mean share of the cluster's stores"),
            MEAN_SHARE_INDEX,
            ETA_SQUARED.described(
                "Share of the share's variance over the stores that lies between the clusters, the same for all clusters; descriptive, not a test; null if the share does not vary"
            ),
        ),
        "What each internal cluster sells more and less of",
    ),
    Table(
        "internal_reliability",
        "one row per store, category and feature, of stores that sold in every half of the weeks",
        ("store_id", "category", "feature"),
        (
            STORE,
            CATEGORY,
            FEATURE.described("The need state, or (rare)"),
            SHARE.described("The store's share of it, of all weeks", nullable=False),
            Column("noise", "float", "The standard deviation of that share, by the noise of its weeks", unit="0..1"),
            Column(
                "reliability",
                "float",
                "Of the variance of such a share between stores, the part that is not noise: near 0 the share says little of the store",
                unit="0..1",
            ),
        ),
        "How much of each store's mix is noise, by what differs between halves of its weeks; no rows where the weeks are not known",
    ),
    Table(
        "store_volumes",
        "one row per store and category",
        ("store_id", "category"),
        (
            STORE,
            CATEGORY,
            SALES_VALUE,
            Column("volume_tier", "integer", "1 for the stores that sell the most; all tiers have equally many stores"),
        ),
        "How much each clustered store sells; not used for clustering",
    ),
    Table(
        "internal_features",
        "one row per store, category and feature",
        ("store_id", "category", "feature"),
        (
            STORE,
            CATEGORY,
            FEATURE.described("A need state, or (rare) for all rare need states together"),
            Column("value", "float", "The feature as used in clustering"),
            SHARE.described("The feature as a share of the store's sales in mapped need states", nullable=False),
        ),
        "The feature matrix of each category's clustering",
    ),
    exemplars_table(
        (CATEGORY,),
        "internal_exemplars",
        "The most typical stores of each internal cluster, without outliers and held-out stores",
    ),
    summary_table((CATEGORY,), "internal_cluster_summary", "Each internal cluster: its name, and how certain it is"),
    rules_table(
        (CATEGORY,), "internal_rules", "Which sales mix makes an internal cluster, approximated by a few rules"
    ),
)
