"""What is asked of a database, as SQL: the columns of a table or query, its rows, and of sales their sums."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engine.connections import sql
from pipeline.engine.remote.dialects import Dialect
from pipeline.settings import Located


def relation(source: Located) -> str:
    """The table, or the query, as what a SELECT is from."""
    return source.table or f"(\n{source.sql.strip().rstrip(';')}\n) q"


def no_rows(source: Located) -> str:
    """Asks for the columns alone."""
    return f"SELECT * FROM {relation(source)} WHERE 1 = 0"


def every_row(source: Located) -> str:
    """Asks for everything."""
    return f"SELECT * FROM {relation(source)}"


def sums(source: Located, dialect: Dialect, keys: Sequence[str], amounts: Sequence[str]) -> str:
    """Asks for the sums per raw key: a row per combination of what is in the columns `keys`, in their order, then those of `SUMMED`.

    Parameters
    ----------
    keys : the columns of the keys and the week, as the database names them
    amounts : the column of the amounts; of two the product is summed
    """
    value = dialect.name(amounts[0])
    if len(amounts) > 1:
        value = " * ".join(f"CAST({dialect.name(name)} AS {dialect.double})" for name in amounts)
        value = f"({value})"
    names = [f"k{position}" for position in range(len(keys))]
    return sql(
        "remote_sums.sql",
        columns=", ".join(f"{dialect.name(key)} AS {name}" for key, name in zip(keys, names, strict=True)),
        names=", ".join(names),
        value=value,
        finite=dialect.finite.format(value),
        double=dialect.double,
        integer=dialect.integer,
        micros=dialect.whole("ABS(amount) * 1e6 + 0.5"),
        cents=dialect.whole("micros / 1e4 + 0.5"),
        relation=relation(source),
    )
