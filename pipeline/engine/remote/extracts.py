"""The local copy of a source that is in a database, in Parquet: the sums of sales, all rows of what is small.

Rows come as a stream, are put in order by DuckDB, which spills what does not fit in memory, and written as a stream. Equal rows give
equal bytes, in whatever order they came. Keys stay what they are in the database: they are named when the copy is read, as those of a
file are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.duck.quoting import identifier
from pipeline.engine.connections import connect, rows
from pipeline.engine.reading.raw import extracted
from pipeline.engine.reading.scan import SUMMED, RawColumn, Scan, nfc
from pipeline.engine.reading.source import Section, Source, flat, flat_sources
from pipeline.engine.reading.virtual import with_made
from pipeline.engine.remote import drivers, statements
from pipeline.engine.remote.drivers import Session
from pipeline.engine.summed_sales import check_columns
from pipeline.errors import RawDataError
from pipeline.settings import Engine, SalesSource, Sources
from pipeline.wording import listed

_GROUP = 122_880  # rows of a row group
_AS_IT_IS = re.compile(
    r"U?(TINY|SMALL|BIG)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*|VARCHAR|BOOLEAN|DATE|TIMESTAMP.*|TIME|BLOB"
)
# A number that arrives as text: PostgreSQL's NUMERIC, which may have more digits than any type here.
_AS_KEY = "CASE WHEN {0} NOT IN ('NaN', 'Infinity', '-Infinity') THEN REGEXP_REPLACE({0}, '[.]0*$|([.][0-9]*[1-9])0*$', '\\1') END"
_AS_NUMBER = "TRY_CAST({0} AS DOUBLE)"


def write(path: Path, setting: str, source: Section, sources: Sources, engine: Engine) -> None:
    """Write the copy of a source.

    Parameters
    ----------
    path : of the new file
    setting : the table of the config, such as `sources.internal_sales`
    source : where it is, and what its columns are called
    sources : all sources: which columns the sales need depends on them
    engine : memory, threads, and where to spill

    Raises
    ------
    RemoteError : the database cannot be reached, or refuses what is asked
    RawDataError : a column of the sales is missing, or of another type
    """
    with (
        drivers.opened(source.connection, setting) as session,
        connect((), memory_limit=engine.memory_limit, threads=engine.threads, spill=engine.spill_folder) as connection,
    ):
        columns = _columns(connection, session, setting, source)
        if isinstance(source, SalesSource):
            query, selected = _summed(setting, source, sources, columns)
        else:
            query = statements.every_row(source)
            keys = _keys(source)
            selected = [f"{column.sql(nfc(column.name) in keys)} AS {identifier(column.name)}" for column in columns]
        _write(connection, session.batches(query), selected, path)


class _Column(NamedTuple):
    """A column of the database: its name there, its position as `c0`, DuckDB's type for it, and whether it is a number that arrives as text."""

    name: str
    position: int
    type: str
    is_text_of_number: bool

    def sql(self, is_key: bool) -> str:
        """The SQL of its value as the copy has it."""
        here = f"c{self.position}"
        if self.is_text_of_number:
            return (_AS_KEY if is_key else _AS_NUMBER).format(here)
        return here if _AS_IT_IS.fullmatch(self.type) else f"CAST({here} AS VARCHAR)"


def _columns(connection: duckdb.DuckDBPyConnection, session: Session, setting: str, source: Section) -> list[_Column]:
    schema = session.columns(statements.no_rows(source))
    named = [nfc(name).casefold() for name in schema.names]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise RawDataError(
            f"{Source.of(setting, (), source).title}: columns whose names are one, or differ in case only: {listed(twice)}; name them apart with sql in [{setting}]"
        )
    connection.register("there", _renamed(_plain_schema(schema)).empty_table())
    types = [type_ for _, type_, *_ in rows(connection, "DESCRIBE SELECT * FROM there")]
    connection.unregister("there")
    return [
        _Column(
            field.name, position, "DECIMAL(38,18)" if _is_number_as_text(field) else type_, _is_number_as_text(field)
        )
        for position, (field, type_) in enumerate(zip(schema, types, strict=True))
    ]


def _summed(setting: str, source: SalesSource, sources: Sources, columns: list[_Column]) -> tuple[str, list[str]]:
    """The query for the sums, and the SQL of the columns of the copy."""
    location = Source.of(setting, (), source)
    named_here = {nfc(column.name): column for column in columns}
    scan = extracted(
        Scan("", (), tuple((name, RawColumn(identifier(each.name), each.type)) for name, each in named_here.items())),
        location,
    )
    scan = with_made(scan, location)
    keyed = check_columns(location, [scan], flat_sources(sources))
    week = flat(source).columns.week
    names = [*keyed.names.values(), *([week] if week is not None and scan.has(week) else ()), *source.exclude_rows]
    parts = dict.fromkeys(nfc(part) for name in names for part in location.parts(name))
    amounts = [nfc(part) for part in location.parts(location.names["sales_value"])]
    if not scan.has(amounts[0]) or any(name in parts for name in amounts):
        raise RawDataError(
            f"{location.title}: column '{amounts[0]}' is sales_value and a key; set columns in [{setting}]"
        )
    query = statements.sums(
        source,
        drivers.dialect_of(source.connection),
        [named_here[part].name for part in parts],
        [named_here[name].name for name in amounts],
    )
    keys = [named_here[part]._replace(position=at) for at, part in enumerate(parts)]
    selected = [f"{key.sql(True)} AS {identifier(key.name)}" for key in keys]
    selected += [
        f"CAST(NULL AS {_number_type(named_here[name].type)}) AS {identifier(named_here[name].name)}"
        for name in amounts
    ]
    selected += [f"CAST(c{len(keys) + at} AS BIGINT) AS {identifier(name)}" for at, name in enumerate(SUMMED)]
    return query, selected


def _number_type(type_: str) -> str:
    return "DOUBLE" if type_.startswith("DECIMAL") else type_


def _keys(source: Section) -> set[str]:
    """The columns of a source that are keys or labels: their numbers stay exact."""
    location = Source.of("", (), source)
    names = [name for use, name in location.names.items() if use not in ("weight", "cluster")]
    named = getattr(source.columns, "need_state", None)
    several = named if isinstance(named, dict) else ()
    parts = [part for name in names for part in location.parts(name)]
    return {nfc(name) for name in (*parts, *several, *source.exclude_rows, *getattr(source, "labels", ()))}


def _write(
    connection: duckdb.DuckDBPyConnection, batches: Iterator[pa.RecordBatch], selected: list[str], path: Path
) -> None:
    written = f"SELECT {', '.join(selected)} FROM arrived"
    for position, batch in enumerate(batches):
        connection.register("arrived", pa.Table.from_batches([_renamed_batch(batch)]))
        into = "CREATE TEMP TABLE extracted AS" if position == 0 else "INSERT INTO extracted"
        connection.execute(f"{into} {written}")
        connection.unregister("arrived")
    reader = connection.sql("SELECT * FROM extracted ORDER BY ALL").to_arrow_reader(_GROUP)
    with pq.ParquetWriter(path, reader.schema, compression="zstd", write_page_checksum=True) as writer:
        for group in _groups(reader):
            writer.write_table(group, row_group_size=_GROUP)


def _groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows in tables of `_GROUP` rows, the last one smaller: how they came must not show in the file."""
    waiting: list[pa.RecordBatch] = []
    for batch in reader:
        waiting.append(batch)
        while sum(map(len, waiting)) >= _GROUP:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, _GROUP).combine_chunks()
            waiting = table.slice(_GROUP).to_batches()
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


# ------------------------------------------------------------------------------------------------ Arrow's types


def _is_number_as_text(field: pa.Field) -> bool:
    return isinstance(field.type, pa.OpaqueType) and field.type.type_name == "numeric"


def _plain_type(type_: pa.DataType) -> pa.DataType:
    """What a type that a driver made up is stored as."""
    return type_.storage_type if isinstance(type_, pa.OpaqueType) else type_


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    arrays = [array.storage if isinstance(array.type, pa.OpaqueType) else array for array in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=_plain_schema(batch.schema))


def _renamed(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(f"c{position}", field.type) for position, field in enumerate(schema)])


def _renamed_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    plain = _plain(batch)
    return pa.RecordBatch.from_arrays(plain.columns, schema=_renamed(plain.schema))
