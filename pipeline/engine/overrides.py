"""The overrides' source -> its rows, their keys normalised and nothing judged yet: `core.overriding` does that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pandas as pd

from pipeline.engine.connections import connect, create
from pipeline.engine.reading.columns import label
from pipeline.engine.reading.keys import is_number
from pipeline.engine.reading.number_formats import NumberFormat
from pipeline.engine.reading.raw import reading_source, require, require_keys, scans
from pipeline.engine.reading.scan import RawColumn, Scan, union
from pipeline.engine.reading.source import Source
from pipeline.settings import Engine, Sources

SETTING = "sources.overrides"
TABLE = "override_rows"
_PLAIN = NumberFormat()  # how a text in Parquet writes a number


def gather(files: Mapping[str, Sequence[str]], sources: Sources, engine: Engine) -> dict[str, pd.DataFrame]:
    """Read the overrides.

    Parameters
    ----------
    files : absolute paths; those of `overrides`
    sources : how they are written; without `overrides`, there are none
    engine : memory, threads, and where to spill

    Returns
    -------
    rows : store_id, category, cluster_text, reason (trimmed text in NFC, None where there is none) and cluster (float64,
        NaN where the text is no number), sorted by all of them; rows with nothing in these columns are left out. No rows
        where there is no source.

    Raises
    ------
    RawDataError : a file cannot be read, or lacks a column
    """
    if sources.overrides is None:
        return {"rows": no_rows()}
    source = Source.of(SETTING, files["overrides"], sources.overrides)
    with (
        connect(
            source.files, memory_limit=engine.memory_limit, threads=engine.threads, spill=engine.spill_folder
        ) as connection,
        reading_source(source),
    ):
        raw_scans = scans(connection, source)
        wanted = names(source)
        require(source, raw_scans, {f"columns.{use}": name for use, name in wanted.items()})
        require_keys(source, raw_scans, wanted)
        load(connection, raw_scans, wanted)
        return {"rows": rows(connection)}


def names(source: Source) -> dict[str, str]:
    """The name of each column in the scans, by its use."""
    return {use: source.names[use] for use in ("store_id", "category", "cluster", "reason")}


def load(connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], columns: Mapping[str, str]) -> None:
    """Make `override_rows`: the rows of the scans, as `gather` returns them."""
    create(connection, TABLE, union(raw_scans, [_select(scan, columns) for scan in raw_scans]))


def rows(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The rows of `override_rows`, as `gather` returns them."""
    frame = connection.sql(
        f"SELECT * FROM {TABLE} WHERE COALESCE(store_id, category, cluster_text, reason) IS NOT NULL "
        "ORDER BY store_id NULLS FIRST, category NULLS FIRST, cluster_text NULLS FIRST, reason NULLS FIRST"
    ).df()
    texts = ["store_id", "category", "cluster_text", "reason"]
    as_objects = frame[texts].astype(object)
    return frame.assign(**as_objects.where(as_objects.notna(), None), cluster=frame["cluster"].astype("float64"))


def no_rows() -> pd.DataFrame:
    """What `gather` returns where there is nothing."""
    texts = {name: pd.Series(dtype=object) for name in ("store_id", "category", "cluster_text", "reason")}
    return pd.DataFrame(texts | {"cluster": pd.Series(dtype="float64")})


def _select(scan: Scan, columns: Mapping[str, str]) -> str:
    cluster = scan[columns["cluster"]]
    store, category = scan[columns["store_id"]].key, scan[columns["category"]].key
    return (
        f"{store} AS store_id, {category} AS category, {cluster.key} AS cluster_text, {_number(cluster)} AS cluster, "
        f"{label(scan, columns['reason'])} AS reason"
    )


def _number(column: RawColumn) -> str:
    """The SQL of a column's number, DOUBLE; of a text, also in Parquet, null where it is none."""
    return column.number if column.written is not None or is_number(column.type) else _PLAIN.sql(column.sql)
