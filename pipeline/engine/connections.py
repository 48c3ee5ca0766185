"""One hardened DuckDB connection, the SQL texts beside it, and DuckDB's errors in one line.

Works on DuckDB 1.5 and 2.0. Values are bound where a statement takes parameters; a view takes none, so paths and
characters are written into it with `literal`, and names with `identifier`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from pipeline.duck import memory, safe_settings
from pipeline.duck.quoting import identifier, literal
from pipeline.duck.spill import spill_folder
from pipeline.engine import time_limit
from pipeline.errors import PipelineError, RawDataError, SettingsError
from pipeline.machine import processes
from pipeline.wording import gist, is_utf8, listed

_SQL = Path(__file__).parent / "sql"
_READER_MEMORY = "reader_memory"


class NotTextError(RawDataError):
    """A CSV file has bytes that are not text in its encoding; `file` and `line` are None if DuckDB does not give them."""

    def __init__(self, message: str, file: str | None, line: int | None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


@contextmanager
def connect(
    files: Sequence[str], *, memory_limit: str, threads: int, spill: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory that can read these files, spill, and nothing else.

    Parameters
    ----------
    files : absolute paths, taken literally: no globs
    memory_limit : of the process; as `duck.memory.bound` takes it
    threads : 0 is as many as there are processors
    spill : the folder to spill into when memory is short

    Raises
    ------
    SettingsError : the spill folder cannot be made, the limit is too small, or DuckDB refuses a value of `[engine]`
    RawDataError : a path is not UTF-8, or reading the files takes more processor time than they can need
    """
    check_names(files)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(spill_folder(spill))
        except OSError as error:
            raise SettingsError(
                f"[engine] spill_folder: {error.filename}: {error.strerror}; set a folder that can be written"
            ) from None
        connection = stack.enter_context(duckdb.connect(":memory:"))
        _harden(connection, files, memory_limit, threads, folder)
        stack.enter_context(time_limit.limited(connection, files))
        yield connection


def check_names(files: Sequence[str]) -> None:
    """Check that DuckDB can be given the paths of files.

    Raises
    ------
    RawDataError : a path is not UTF-8
    """
    for path in files:
        if not is_utf8(path):
            raise RawDataError(f"{path}: the name of the file or of a folder is not UTF-8; rename it")


def _harden(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str], memory_limit: str, threads: int, spill: Path
) -> None:
    allowed = "[" + ", ".join(literal(file) for file in files) + "]"
    values: dict[str, object] = {
        **safe_settings.SETTINGS,
        "temp_directory": literal(str(spill)),
        "preserve_insertion_order": "false",
        "allocator_bulk_deallocation_flush_threshold": "'1MB'",  # a table that is dropped gives its memory back: a tenth less in all
        "TimeZone": literal("UTC"),
        "allowed_paths": allowed,
        "allowed_directories": f"[{literal(str(spill))}]",  # where `rewriting` puts what DuckDB cannot read as it is
    }
    if threads:
        values["threads"] = str(threads)
    try:
        for name, value in values.items():
            connection.execute(f"SET {name} = {value}")
        name, value = "memory_limit", memory_limit
        memory.bound(connection, memory_limit)
    except duckdb.Error as error:
        raise SettingsError(f"[engine]: DuckDB refuses {name} = {str(value)[:200]}: {gist(error)}") from None
    most = memory.of_process(memory_limit) if memory_limit else processes.quarter_of_memory()
    connection.execute(f"SET VARIABLE {_READER_MEMORY} = {most}")
    # These two come last, in this order: after them nothing can be set, and no other file can be opened.
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def sql(name: str, **parts: str) -> str:
    """The text of a file of `engine/sql`, with these parts in place of `{name}`."""
    text = (_SQL / name).read_text(encoding="utf-8")
    for part, written in parts.items():
        text = text.replace(f"{{{part}}}", written)
    return text


def create(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    """Make a table of a query's rows."""
    connection.execute(f"CREATE TEMP TABLE {identifier(table)} AS {query}")


def view(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Make a view of a query."""
    connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS {query}")


def insert(connection: duckdb.DuckDBPyConnection, table: str, added: Sequence[Sequence[Any]]) -> None:
    """Insert rows into a table in one statement: `executemany` takes a millisecond for each."""
    if added:
        columns = [list(column) for column in zip(*added, strict=True)]
        connection.execute(f"INSERT INTO {identifier(table)} SELECT {', '.join(['UNNEST(?)'] * len(columns))}", columns)


def rows(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a small result."""
    result: list[tuple[Any, ...]] = connection.execute(query, list(values)).fetchall()
    return result


def row(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The one row of an aggregate."""
    return rows(connection, query, values)[0]


@contextmanager
def reading(files: Sequence[str], setting: str) -> Iterator[None]:
    """Turn any error that DuckDB raises inside into one line that names the file and the next step.

    Parameters
    ----------
    files : the files that are read inside
    setting : the table of the config that names them, such as `sources.internal_sales`

    Raises
    ------
    RawDataError : a file cannot be read
    PipelineError : memory or disk ran out
    """
    try:
        yield
    except duckdb.InterruptException:
        raise time_limit.exceeded(files) from None
    except MemoryError:
        raise PipelineError(
            f"{listed(files, 1)}: memory ran out; see whether the file is what it should be, use fewer --workers, or give the machine more"
        ) from None
    except duckdb.OutOfMemoryException as error:
        raise PipelineError(
            f"{_named(files, str(error))}: memory or spill space ran out ({gist(error)}); raise [engine] "
            "memory_limit, or free space under [engine] spill_folder"
        ) from None
    except (duckdb.Error, UnicodeDecodeError) as error:
        _check_text(str(error), files, setting)
        raise RawDataError(_explained(str(error), files, setting)) from None


def _check_text(message: str, files: Sequence[str], setting: str) -> None:
    if not re.search(r"Invalid unicode|File is not \S+ encoded", message):
        return
    line = re.search(r"CSV Error on Line: (\d+)", message)
    file = files[0] if len(files) == 1 else next((file for file in files if file in message), None)
    where = f"{_named(files, message)}{f', line {line[1]}' if line else ''}"
    fault = f"{where}: bytes that are not text in this encoding; set encoding in [{setting}] csv"
    raise NotTextError(fault, file, int(line[1]) if line else None) from None


def spill_folder_of(connection: duckdb.DuckDBPyConnection) -> Path:
    """The folder that a connection may spill into."""
    return Path(row(connection, "SELECT current_setting('temp_directory')")[0])


def reader_memory_of(connection: duckdb.DuckDBPyConnection) -> int:
    """The memory that a reader in a process of its own may take, in bytes: the limit that was asked for, or a quarter of the machine."""
    limit, most = row(
        connection, f"SELECT current_setting('memory_limit'), getvariable('{_READER_MEMORY}')"
    )  # a name of ours
    return max(memory.in_bytes(*limit.split()), int(most))


def _named(files: Sequence[str], message: str) -> str:
    if len(files) == 1:
        return files[0]
    named = [file for file in files if file in message]
    if named:
        return max(named, key=len)
    return listed(files, 1)


def _explained(message: str, files: Sequence[str], setting: str) -> str:
    file = _named(files, message)
    line = re.search(r"CSV Error on Line: (\d+)", message)
    if line is None:
        fault = gist(Exception(message))
        return f"{file}: cannot be read: {fault}; write the file again, or check path and csv in [{setting}]"
    where = f"{file}, line {int(line[1])}"
    fields = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if fields:
        return (
            f"{where}: {fields[2]} fields where the header has {fields[1]}; correct the line, or check delimiter and "
            f"quote in [{setting}] csv"
        )
    if "quote" in message.lower().split("possible")[0]:
        return f"{where}: a quoted value does not end; correct the line, or set quote in [{setting}] csv"
    fault = " ".join(message.splitlines()[2:3] or [gist(Exception(message))]).strip()
    return f"{where}: {fault[:200]}; correct the line, or check [{setting}] csv"
