"""Rows -> the frame of a table of `pipeline.schema`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.schema import Table

_DTYPES = {"text": "object", "integer": "int64", "float": "float64", "boolean": "bool", "money": "int64"}
_WITH_NULLS = {"integer": "Int64", "boolean": "boolean"}


def frame(table: Table, rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """The rows as a frame with the table's columns and types, sorted by the key; only the columns if there are no rows.

    `rows` have one value per column, in the table's order; None for a missing value.
    """
    dtypes = {
        column.frame_name: (_WITH_NULLS if column.nullable else _DTYPES).get(column.type, _DTYPES[column.type])
        for column in table.columns
    }
    unsorted = pd.DataFrame(list(rows), columns=list(dtypes), dtype=object).astype(dtypes)
    return unsorted.sort_values(list(table.key), ignore_index=True)
