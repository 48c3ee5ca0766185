"""Build the DuckDB file: load, comment, checkpoint, close, and verify by opening it.

Its bytes differ in every build, so no other target depends on them. It is built under a temporary name; the caller renames
it, and readers of the old file keep the old file until they close it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.duck import memory, opening, safe_settings
from pipeline.duck.quoting import identifier
from pipeline.duck.spill import spill_folder
from pipeline.errors import OutputError
from pipeline.schema import TABLES, Column, Table
from pipeline.storage import joining
from pipeline.storage.rows import arrow_type, to_arrow
from pipeline.warehouse.ddl import column_names, comment_on, comments, create_table
from pipeline.warehouse.views import View, views
from pipeline.wording import counted, first_line

_BYTES_PER_KEY = 64  # of the index, about twice what it takes until DuckDB has written it to the file
_AT_ONCE = 262_144  # rows of an insertion: DuckDB holds the index of those that it inserts in memory


@dataclass(frozen=True)
class Load:
    """A table to load: its columns in order, the number of rows, and their source."""

    table: Table
    columns: tuple[Column, ...]
    rows: int
    source: Sequence[Path] | pa.Table


def build(
    path: Path,
    tables: Mapping[str, Sequence[Path]],
    frames: Mapping[str, pd.DataFrame],
    spill: str | None = None,
    readable_from: str = "latest",
    memory_limit: str = "",
) -> None:
    """Build the database.

    Parameters
    ----------
    path : a temporary path; an existing file there is replaced
    tables : the Parquet files of each table, in order, by its name in `pipeline.schema`
    frames : further tables, with columns by their `frame_name`; timestamps as datetimes in UTC or as ISO texts
    spill : the folder to spill into when memory is short; None is the system's temporary folder
    readable_from : the oldest DuckDB that can open the file, such as v1.2.0; `latest` is this one
    memory_limit : from which on it spills, as `duck.memory.bound` takes it; more if the index of a key needs more

    Raises
    ------
    OutputError
        A table is unknown, given twice or not as `pipeline.schema` declares it, a file cannot be read, the disk is full, or
        the database does not read back as it was built. The unfinished file is removed.
    """
    try:
        loads = [*_from_files(tables, frames), *_from_frames(frames)]
        _remove(path)
        with _connected(path, spill, readable_from, memory_limit, _of_indexes(loads)) as connection:
            with _transaction(connection):
                for load in loads:
                    _create_table(connection, load)
            for load in loads:
                _insert(connection, load, spill)
            with _transaction(connection):
                for view in _views(connection, loads):
                    _create_view(connection, view)
            connection.execute("CHECKPOINT")
        _verify(path, loads)
    except BaseException:
        _remove(path)
        raise


def _of_indexes(loads: Sequence[Load]) -> int:
    """The bytes that loading takes for the index of a key, which DuckDB holds in memory: that of the largest table."""
    return _BYTES_PER_KEY * max((load.rows for load in loads), default=0)


def _remove(path: Path) -> None:
    for leftover in (path, _wal(path)):
        leftover.unlink(missing_ok=True)


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _declared(name: str) -> Table:
    if name not in TABLES:
        raise OutputError(f"table {name!r} is unknown: tables are declared in pipeline/schema; declare it there")
    return TABLES[name]


def _from_files(tables: Mapping[str, Sequence[Path]], frames: Mapping[str, pd.DataFrame]) -> Iterator[Load]:
    for name, files in tables.items():
        table = _declared(name)
        if name in frames:
            raise OutputError(f"table {name} is given both as files and as a frame; give it once")
        columns, rows = table.columns, 0
        for number, file in enumerate(files):
            with _reading(file) as opened:
                file_schema, rows = opened.schema_arrow, rows + opened.metadata.num_rows
            if number == 0 and table.more is not None:
                columns += tuple(table.column(name) for name in file_schema.names[len(columns) :])
            declared = [(column.name, arrow_type(column)) for column in columns]
            if list(zip(file_schema.names, file_schema.types, strict=True)) != declared:
                raise OutputError(f"{file}: its columns are not those of the table {name}; delete it, and run again")
        yield Load(table, columns, rows, tuple(files))


def _from_frames(frames: Mapping[str, pd.DataFrame]) -> Iterator[Load]:
    for name, frame in frames.items():
        table = _declared(name)
        parsed = frame.copy()
        for column in table.columns:
            if column.type == "timestamp" and column.name in frame.columns:
                moments = pd.to_datetime(frame[column.name], utc=True, format="ISO8601")
                parsed[column.name] = moments.dt.tz_localize(None).astype("datetime64[us]")
        arrow = to_arrow(parsed, table)
        yield Load(table, tuple(table.column(column) for column in arrow.column_names), len(arrow), arrow)


@contextmanager
def _reading(file: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as opened:
            yield opened
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise OutputError(f"{file}: cannot be read ({first_line(error)}); run again to rebuild it") from error


@contextmanager
def _connected(
    path: Path, spill: str | None, readable_from: str = "latest", memory_limit: str = "", of_indexes: int = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database that loads no extension, opens no other file, and reads no Python variable as a table."""
    with spill_folder(spill or tempfile.gettempdir()) as folder:
        try:
            config = {
                **safe_settings.SETTINGS,
                "temp_directory": str(folder),
                "storage_compatibility_version": readable_from,
            }
            with duckdb.connect(str(path), config=config) as connection:
                memory.bound(connection, memory_limit)
                memory.unspillable(connection, of_indexes)
                connection.execute(
                    "SET enable_external_access = false"
                )  # last: afterwards the spill folder cannot be set
                connection.execute("SET lock_configuration = true")
                yield connection
        except duckdb.Error as error:
            raise OutputError(
                f"{path}: the database cannot be built ({first_line(error)}); check the disk, and run again"
            ) from error


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Many small statements as one: each by itself waits for the disk."""
    connection.execute("BEGIN")
    yield
    connection.execute("COMMIT")


def _create_table(connection: duckdb.DuckDBPyConnection, load: Load) -> None:
    connection.execute(create_table(load.table, load.columns))
    for statement in comments(load.table, load.columns):
        connection.execute(statement)


def _insert(connection: duckdb.DuckDBPyConnection, load: Load, spill: str | None) -> None:
    """Insert the rows of a table in the order of its key, some at a time."""
    # Columns are renamed by position: two columns of the file may differ in case only, and SQL ignores case.
    incoming = [f"column{number}" for number in range(len(load.columns))]
    for rows in _at_once(_parts(load, spill)):
        connection.register("incoming", rows.rename_columns(incoming))
        try:
            connection.execute(f"INSERT INTO {identifier(load.table.name)} SELECT * FROM incoming")  # noqa: S608  # quoted
        finally:
            connection.unregister("incoming")


def _at_once(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The parts in fewer ones, of not many more than `_AT_ONCE` rows."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting = []
    if any(map(len, waiting)):
        yield pa.concat_tables(waiting)


def _parts(load: Load, spill: str | None) -> Iterator[pa.Table]:
    """The rows in the order of the key: a file has it, several files are brought into it."""
    if isinstance(load.source, pa.Table):
        yield load.source
    elif len(load.source) > 1:
        yield from joining.in_key_order(load.source, replace(load.table, columns=load.columns, more=None), spill)
    else:
        for file in load.source:
            with _reading(file) as opened:
                yield from map(pa.Table.from_batches, ([part] for part in opened.iter_batches(use_threads=False)))


def _views(connection: duckdb.DuckDBPyConnection, loads: Sequence[Load]) -> list[View]:
    tables = {load.table.name for load in loads}

    def distinct(column: str, table: str) -> list[str]:
        if table not in tables:
            return []
        column, table = identifier(column), identifier(table)
        values = connection.execute(f"SELECT DISTINCT {column} FROM {table} ORDER BY {column}")  # noqa: S608  # quoted
        return [str(row[0]) for row in values.fetchall()]

    return views(tables, distinct("category", "store_clusters"), distinct("label", "store_labels"))


def _create_view(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    name = identifier(view.name)
    connection.execute(f"CREATE VIEW {name} AS {view.query}")
    connection.execute(comment_on("VIEW", name, view.comment))
    for column, comment in view.columns.items():
        connection.execute(comment_on("COLUMN", f"{name}.{identifier(column)}", comment))


def _verify(path: Path, loads: Sequence[Load]) -> None:
    """Open the file as a reader would, read all of it, and compare its rows and keys with the input.

    The hashes make DuckDB read every block: it checks the checksum of a block when it reads it.
    """
    if _wal(path).exists():
        raise OutputError(f"{path}: the database was closed with a write-ahead log beside it; run again")
    try:
        with opening.for_reading(path) as connection:
            keys = connection.execute(
                "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
                "WHERE constraint_type = 'PRIMARY KEY'"
            ).fetchall()
            key_of = {table: tuple(columns) for table, columns in keys}
            for load in loads:
                columns = ", ".join(identifier(name) for name in column_names(load.columns))
                rows, _ = connection.execute(
                    f"SELECT COUNT(*), BIT_XOR(HASH({columns})) FROM {identifier(load.table.name)}"  # noqa: S608  # quoted
                ).fetchall()[0]
                if rows != load.rows or key_of.get(load.table.name) != load.table.key:
                    raise OutputError(
                        f"{path}: table {load.table.name} reads back with {counted(rows, 'row', 'rows')} and key "
                        f"{key_of.get(load.table.name)}, not {load.rows} and {load.table.key}; check the disk, and run again"
                    )
    except duckdb.Error as error:
        raise OutputError(
            f"{path}: the database cannot be read back ({first_line(error)}); check the disk, and run again"
        ) from error
