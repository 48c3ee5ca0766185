"""The tables of what the raw files held, and of how that differs from the load before."""

from __future__ import annotations

from pipeline.schema.fields import CATEGORY, FEATURE, SALES_VALUE, SHARE, STORE, STORES
from pipeline.schema.kinds import Column, Table

_WEEK = Column("week", "text", "The week, or day, as the sales write it; (all) where they have none")

TABLES = (
    Table(
        "delivered_sales",
        "one row per category and week of the sales' files",
        ("category", "week"),
        (
            CATEGORY.described("The category, chosen by the settings or not; (all) for all of them together"),
            _WEEK,
            Column("unit", "text", "What ordinal counts: day, week or period; empty where the sales have no weeks"),
            Column("ordinal", "integer", "The order of the weeks; null where the sales have none", nullable=True),
            SALES_VALUE.described("Net sales in the files, rounded to cents row by row"),
            STORES.described("Stores with a row; null for a category's week", nullable=True),
        ),
        "What the files of the sales held, whatever the settings choose of it",
    ),
    Table(
        "delivered_stores",
        "one row per store of the sales' files",
        ("store_id",),
        (
            STORE,
            Column("last_week", "text", "Its last week with a row; null where the sales have no weeks", nullable=True),
            SALES_VALUE.described("Its net sales in the files"),
        ),
        "The stores in the files of the sales, whatever the settings choose of them",
    ),
    Table(
        "delivered_features",
        "one row per column of the outside data that can be a feature",
        ("feature",),
        (
            FEATURE.described("The column"),
            STORES.described("Stores with a value"),
            Column("content", "text", "A hash of its stores and values"),
        ),
        "What the files of the outside data held",
    ),
    Table(
        "delivery_changes",
        "one row per kind of change, what changed, and week",
        ("kind", "subject", "week"),
        (
            Column("area", "text", "categories, stores, sales, weeks, outside_data or need_states: what fail_on names"),
            Column("kind", "text", "What happened, such as categories gone"),
            Column("subject", "text", "The category, store, week or feature; (all) for all categories together"),
            _WEEK.described("The week that it is about; (all) where it is about no single one"),
            Column("before", "float", "The figure of the load before; null where it had none", nullable=True),
            Column("now", "float", "The figure of this load; null where it has none", nullable=True),
            SHARE.described(
                "What is weighed against the limit: the share of sales or stores that is gone, or the change of a figure",
                unit="",
            ),
            Column("limit", "float", "The setting's limit; null where there is none", nullable=True),
            Column("is_finding", "boolean", "Whether it is beyond its limit, so that somebody should look at it"),
            Column("words", "text", "What happened, in words; the same for all rows of one sentence"),
        ),
        "How the raw files differ from those of the load before; empty at the first load, and where nothing changed",
    ),
    Table(
        "deliveries",
        "one row per load: this one, the one before, and the one before that",
        ("age",),
        (
            Column("age", "integer", "0 for this load, 1 for the one before it", unit="loads"),
            Column("findings", "integer", "How many findings it had compared with the load before it"),
            Column("content", "text", "What its raw files held, as JSON: for the comparison with the next load"),
        ),
        "What this database's loads were made from, in short",
    ),
)
