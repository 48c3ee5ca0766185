"""Rows -> the frame of a table of `pipeline.schema`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.schema import Table

_DTYPES = {"text": "object", "integer": "int64", "float": "float64", "boolean": "bool", "money": "int64"}
_WITH_NULLS = {"integer": "Int64", "boolean": "boolean"}


def frame(table: Table, rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """The rows, sorted by the key, with the table's columns and types; without rows its columns alone.

    `rows` have a value per column, in the table's order; None where there is none.
    """
    dtypes = {
        column.frame_name: (_WITH_NULLS if column.nullable else _DTYPES).get(column.type, _DTYPES[column.type])
        for column in table.columns
    }
    made = pd.DataFrame(list(rows), columns=list(dtypes), dtype=object).astype(dtypes)
    return made.sort_values(list(table.key), ignore_index=True)
