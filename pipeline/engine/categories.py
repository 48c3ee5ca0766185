"""The names of the categories in the sales, without reading anything else of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.engine.connections import connect, rows
from pipeline.engine.reading.raw import Source, reading_source, require, scans
from pipeline.engine.reading.scan import union
from pipeline.engine.reading.source import flat_sources
from pipeline.engine.sales_keys import keyed
from pipeline.settings import Engine, Sources
from pipeline.settings.keys import normal


def names(files: Mapping[str, Sequence[str]], sources: Sources, engine: Engine) -> list[str]:
    """The categories that the sales name, sorted; none where only the need-state map names them.

    Parameters
    ----------
    files : absolute paths of the files of `internal_sales`
    sources : how they are written
    engine : memory, threads, and where to spill

    Raises
    ------
    RawDataError : a file cannot be read, or has no such column
    """
    assert sources.internal_sales is not None  # noqa: S101  # or there is nothing to ask for
    sales = Source.of("sources.internal_sales", files["internal_sales"], sources.internal_sales)
    sources = flat_sources(sources)
    with (
        connect(
            sales.files, memory_limit=engine.memory_limit, threads=engine.threads, spill=engine.spill_folder
        ) as connection,
        reading_source(sales),
    ):
        raw_scans = scans(connection, sales)
        named = keyed(raw_scans, sources)
        if named.category_from_map:
            return []
        column = named.names["category"]
        require(sales, raw_scans, {"columns.category": column})
        every = union(raw_scans, [f"{scan[column].key} AS name" for scan in raw_scans])
        distinct = rows(
            connection, f"SELECT DISTINCT name FROM ({every}) e WHERE name IS NOT NULL"
        )  # quoted by the scan
    return sorted({normal(str(name)) for (name,) in distinct})
