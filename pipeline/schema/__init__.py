"""Every published table: its grain, key, columns, units and meaning.

This is the one description of the tables. Parquet files, DuckDB's DDL and its comments are made from it.

In memory, money is in cents: a column `sales_value` of a published table is `sales_cents` in a DataFrame (see `Column.frame_name`), of
whole numbers; of floats with up to four decimals where amounts have parts of a cent. Clusters are integers from 1. Key columns are text.
"""

from __future__ import annotations

from pipeline.schema import assigning, between_runs, chain, deliveries, external, internal, merging, provenance
from pipeline.schema.assigning import ASSIGNMENTS
from pipeline.schema.kinds import (
    ALL_CATEGORIES,
    ALL_FEATURES,
    ALL_WEEKS,
    BLOCK_CENTS,
    BLOCKS,
    CENT_PARTS,
    MONEY,
    NO_CATEGORY,
    NO_CLUSTER,
    RARE,
    UNMAPPED,
    Column,
    Table,
    Type,
)
from pipeline.schema.merging import CANDIDATES

__all__ = [
    "ALL_CATEGORIES",
    "ALL_FEATURES",
    "ALL_WEEKS",
    "ASSIGNMENTS",
    "BLOCKS",
    "BLOCK_CENTS",
    "CANDIDATES",
    "CENT_PARTS",
    "MONEY",
    "NO_CATEGORY",
    "NO_CLUSTER",
    "TABLES",
    "RARE",
    "UNMAPPED",
    "Column",
    "Table",
    "Type",
]

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *internal.TABLES,
        *external.TABLES,
        *chain.TABLES,
        *merging.TABLES,
        *between_runs.TABLES,
        *deliveries.TABLES,
        *assigning.TABLES,
        *provenance.TABLES,
    )
}
