"""Keys: stores, SKUs, categories and need states as trimmed NFC text, whatever type the file holds them in.

The integer 7, the float 7.0 and the text " 7 " are one key; the text "007" is another. A CSV file has no types, and
pandas writes a column of integers with a gap as 7.0: there "7.0" is 7 as well. In Parquet the text "7.0" stays. White
space is trimmed at both ends, Unicode's included. What is then empty, and a float that is not finite, is no key: null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import duckdb

from pipeline.duck.quoting import literal
from pipeline.engine.connections import rows
from pipeline.engine.reading.source import Source
from pipeline.errors import RawDataError
from pipeline.settings.keys import normal as normal  # the same for names of the config
from pipeline.wording import counted, quoted

# What Python's `str.strip` takes off, so that `normal` and the SQL agree.
_WHITE_SPACE = "".join(f"\\x{{{code:x}}}" for code in range(0x3001) if chr(code).isspace())
_AT_AN_END = f"^[{_WHITE_SPACE}]+|[{_WHITE_SPACE}]+$"

_INTEGER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$")
_FLOAT = ("FLOAT", "DOUBLE")
_TEXT = ("VARCHAR", "UUID")
_SCIENTIFIC = "[0-9]([.,][0-9]+)?[eE][+][0-9]{2,3}"
_LARGEST_WHOLE = "9e18"  # below it a whole float fits into BIGINT


def is_integer(duckdb_type: str) -> bool:
    """Return whether this is an integer type of DuckDB."""
    return _INTEGER.match(duckdb_type) is not None


def is_float(duckdb_type: str) -> bool:
    """Return whether this is a binary floating-point type of DuckDB."""
    return duckdb_type in _FLOAT


def is_decimal(duckdb_type: str) -> bool:
    """Return whether this is a decimal type of DuckDB."""
    return duckdb_type.startswith("DECIMAL")


def is_number(duckdb_type: str) -> bool:
    """Return whether this is a numeric type of DuckDB."""
    return is_integer(duckdb_type) or is_float(duckdb_type) or is_decimal(duckdb_type)


def is_text(duckdb_type: str) -> bool:
    """Return whether this is a text type of DuckDB."""
    return duckdb_type in _TEXT or duckdb_type.startswith("ENUM")


def key(expression: str, duckdb_type: str, csv_decimal: str | None) -> str:
    """Return the SQL of a key.

    Parameters
    ----------
    expression : SQL of the raw value
    duckdb_type : its type, of which `is_number` or `is_text` holds
    csv_decimal : the decimal mark of the CSV file that it is from; None for Parquet
    """
    if is_float(duckdb_type):
        whole = f"{expression} = TRUNC({expression}) AND ABS({expression}) < {_LARGEST_WHOLE}"
        return (
            f"CASE WHEN NOT ISFINITE({expression}) THEN NULL WHEN {whole} THEN CAST(TRY_CAST({expression} AS BIGINT) AS "
            f"VARCHAR) ELSE CAST({expression} AS VARCHAR) END"
        )
    if is_decimal(duckdb_type):
        return f"REGEXP_REPLACE(CAST({expression} AS VARCHAR), '[.]0*$|([.][0-9]*[1-9])0*$', '\\1')"
    if is_integer(duckdb_type):
        return f"CAST({expression} AS VARCHAR)"
    trimmed = text(expression)
    if csv_decimal is None:
        return trimmed
    return f"REGEXP_REPLACE({trimmed}, {literal(f'^(-?[0-9]+)[{csv_decimal}]0+$')}, '\\1')"


def check_precise(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: Mapping[tuple[str, str], str]
) -> None:
    """Check that no key is what a spreadsheet makes of a long number: most of its digits are gone.

    Parameters
    ----------
    source : where the keys are from
    columns : the raw name of keys by the table and the column in which they stand

    Raises
    ------
    RawDataError : a key is written as 8.71E+12
    """
    for (table, use), name in columns.items():
        imprecise = rows(
            connection,
            f"SELECT {use}, COUNT(*) OVER () FROM (SELECT DISTINCT {use} FROM {table}) k WHERE REGEXP_FULL_MATCH({use}, "
            f"{literal(_SCIENTIFIC)}) ORDER BY 1 LIMIT 1",
        )
        if imprecise:
            key_, count = imprecise[0]
            raise RawDataError(
                f"{source.title}: {counted(count, 'key', 'keys')} of column '{name}' in scientific notation, such as {quoted(key_)}: a "
                "spreadsheet wrote a long number so, and its precision is lost: several keys became one; export the column as text"
            )


def text(expression: str) -> str:
    """Return the SQL of a text, trimmed, in NFC; null where nothing is left."""
    trimmed = f"REGEXP_REPLACE(CAST({expression} AS VARCHAR), {literal(_AT_AN_END)}, '', 'g')"
    return f"NULLIF(NFC_NORMALIZE({trimmed}), '')"
