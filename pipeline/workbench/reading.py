"""Read the published database for the page: in a process of its own, a request from its input, the answer to its output.

The database is opened read-only, without access to any other file, with locked settings, limited memory and processor time. So a query
can neither write nor reach another file, and what it breaks is this process only.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import duckdb
import msgspec

from pipeline.duck import opening
from pipeline.duck.quoting import identifier
from pipeline.errors import PipelineError, UsageError
from pipeline.wording import counted, gist
from pipeline.workbench.request import LONGEST_TEXT, MOST_BYTES, MOST_DOWNLOADED, MOST_ROWS, SECONDS, Request

MEMORY = "1GB"  # of DuckDB
_ADDRESSES = 4 << 30  # bytes of addresses of this process, DuckDB and Python together
_WHOLE = 2**53  # the largest number up to which JavaScript can tell whole numbers apart
_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def opened(path: str) -> duckdb.DuckDBPyConnection:
    """A connection to the database that can read it, and nothing else, with limits."""
    return opening.for_reading(path, {"memory_limit": MEMORY, "threads": 2, "max_temp_directory_size": "0B"})


def catalogue(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Every table and view with its meaning, number of rows (None for a view), key and columns."""
    columns: dict[str, list[dict[str, Any]]] = {}
    for table, name, type_, nullable, comment in connection.execute(
        "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() WHERE NOT internal "
        "ORDER BY table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append(
            {"name": name, "type": type_, "nullable": nullable, "comment": comment or ""}
        )
    keys = dict(
        connection.execute(
            "SELECT table_name, constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    )
    relations = connection.execute(
        "SELECT table_name, comment, estimated_size FROM duckdb_tables() WHERE NOT internal UNION ALL "
        "SELECT view_name, comment, NULL FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    ).fetchall()
    return [
        {"name": name, "comment": comment or "", "rows": rows, "key": keys.get(name, []), "columns": columns[name]}
        for name, comment, rows in relations
    ]


def query(connection: duckdb.DuckDBPyConnection, request: Request) -> tuple[str, list[str]]:
    """The statement of a request, and its parameters.

    Raises
    ------
    UsageError
        There is no such table or column, or the text is not one statement that reads.
    """
    if request.table:
        return _of_table(connection, request)
    statements = connection.extract_statements(request.sql)
    if len(statements) != 1 or statements[0].type not in _READS:
        raise UsageError("only one statement that reads can be run here: SELECT, FROM, WITH, DESCRIBE or EXPLAIN")
    return statements[0].query, []


def _of_table(connection: duckdb.DuckDBPyConnection, request: Request) -> tuple[str, list[str]]:
    names = {relation["name"]: relation for relation in catalogue(connection)}
    if request.table not in names:
        raise UsageError(f"table {request.table!r} is not in the database")
    relation = names[request.table]
    columns = [column["name"] for column in relation["columns"]]
    for name in filter(None, (request.sort, request.column)):
        if name not in columns:
            raise UsageError(f"table {request.table} has no column {name!r}")
    text, parameters = f"FROM {identifier(request.table)}", []
    if request.search:
        searched = [request.column] if request.column else columns
        matches = [f"CONTAINS(LOWER(CAST({identifier(name)} AS VARCHAR)), LOWER(?))" for name in searched]
        text += f" WHERE {' OR '.join(matches)}"
        parameters = [request.search] * len(matches)
    order = [f"{identifier(request.sort)}{' DESC' if request.descending else ''} NULLS LAST"] if request.sort else []
    order += [identifier(name) for name in relation["key"] if name != request.sort]
    return f"{text}{' ORDER BY ' + ', '.join(order) if order else ''}", parameters


def answer(connection: duckdb.DuckDBPyConnection, request: Request) -> dict[str, Any]:
    """A page of rows: their columns, the rows, and whether there are more; for a table, the number of all matching rows too."""
    text, parameters = query(connection, request)
    limit = min(max(request.limit, 1), MOST_ROWS)
    total = None
    if request.table:
        counting = f"SELECT COUNT(*) FROM (SELECT 1 {text.partition(' ORDER BY ')[0] if request.sort == '' else text})"  # noqa: S608  # quoted above
        total = connection.execute(counting, parameters).fetchall()[0][0]
        text += f" LIMIT {limit + 1} OFFSET {max(request.offset, 0)}"
    done = connection.execute(text, parameters)
    columns = [{"name": name, "type": str(type_)} for name, type_, *_ in done.description or []]
    rows = list(_plain_rows(done, limit + 1))
    return {"columns": columns, "rows": rows[:limit], "more": len(rows) > limit, "total": total}


def _plain_rows(result: duckdb.DuckDBPyConnection, most: int) -> Iterator[list[Any]]:
    """The first rows as the page can show them.

    Raises
    ------
    UsageError : they are too many bytes
    """
    size = count = 0
    while count < most and (part := result.fetchmany(min(50, most - count))):
        count += len(part)
        for row in part:
            plain = [_plain(value) for value in row]
            size += sum(len(value) if isinstance(value, str) else 8 for value in plain)
            if size > MOST_BYTES:
                raise UsageError(
                    f"these rows are more than {MOST_BYTES // 1_000_000} MB: ask for fewer rows or columns, or download them"
                )
            yield plain


def _plain(value: Any) -> Any:
    """A value that JSON holds and JavaScript reads without loss; else a text. A long text is cut."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, int):
        return value if abs(value) <= _WHOLE else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Decimal):
        return float(value) if abs(value) < 10**13 else str(value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else _cut(str(value))


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\u2026 ({counted(len(text), 'letter', 'letters')}: download it to see all)"


# ---------------------------------------------------------------- downloads


def download(connection: duckdb.DuckDBPyConnection, request: Request, output: BinaryIO) -> None:
    """Write all rows of a request as a file.

    Raises
    ------
    UsageError : the format is unknown, or the rows are more than a file of it holds
    """
    if request.format not in _WRITERS:
        raise UsageError(f"format {request.format!r} is unknown: allowed are {', '.join(_WRITERS)}")
    text, parameters = query(connection, request)
    most = MOST_DOWNLOADED[request.format]
    counted_rows = connection.execute(f"SELECT COUNT(*) FROM ({text}\n)", parameters).fetchall()[0][0]  # noqa: S608  # checked above
    if counted_rows > most:
        raise UsageError(
            f"these are {counted(counted_rows, 'row', 'rows')}, and a download as {request.format} has at most {most:,}: search or "
            "select less, or open the database itself"
        )
    _WRITERS[request.format](connection, text, parameters, output)


def _batches(result: duckdb.DuckDBPyConnection) -> Iterator[Sequence[tuple[Any, ...]]]:
    while part := result.fetchmany(10_000):
        yield part


def _as_csv(connection: duckdb.DuckDBPyConnection, text: str, parameters: list[str], output: BinaryIO) -> None:
    from pipeline.report.workbook import guarded

    result = connection.execute(text, parameters)
    file = io.TextIOWrapper(output, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(file)
    writer.writerow([guarded(name) for name, *_ in result.description or []])
    for part in _batches(result):
        writer.writerows([[guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in part])
    file.detach()


def _as_parquet(connection: duckdb.DuckDBPyConnection, text: str, parameters: list[str], output: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    reader = connection.sql(text, params=parameters).to_arrow_reader(50_000)
    with pa.PythonFile(output, mode="w") as sink, pq.ParquetWriter(sink, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def _as_xlsx(connection: duckdb.DuckDBPyConnection, text: str, parameters: list[str], output: BinaryIO) -> None:
    import xlsxwriter

    from pipeline.report.workbook import write_text

    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, options | {"nan_inf_to_errors": True}) as book:
        page = book.add_worksheet("rows")
        head = book.add_format({"bold": True, "bottom": 1})
        moment, plain = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), book.add_format()
        result = connection.execute(text, parameters)
        for at, (name, *_) in enumerate(result.description or []):
            write_text(page, 0, at, name, head)
        page.freeze_panes(1, 0)
        line = 0
        for part in _batches(result):
            for row in part:
                line += 1
                for at, value in enumerate(row):
                    if not _write_cell(page, line, at, value, moment):
                        write_text(page, line, at, str(value), plain)
    output.write(content.getvalue())


def _write_cell(page: Any, line: int, at: int, value: Any, moment: Any) -> bool:
    """Write what is empty, a number or a moment; False if it must be a text."""
    if value is None:
        return True
    if isinstance(value, bool):
        page.write_boolean(line, at, value)
    elif isinstance(value, int | float | Decimal) and -_WHOLE < value < _WHOLE:
        page.write_number(line, at, value)
    elif isinstance(value, date) and getattr(value, "tzinfo", None) is None:
        page.write_datetime(line, at, value, moment)
    else:
        return False
    return True


_WRITERS: dict[str, Callable[[duckdb.DuckDBPyConnection, str, list[str], BinaryIO], None]] = {
    "csv": _as_csv,
    "parquet": _as_parquet,
    "xlsx": _as_xlsx,
}

# ---------------------------------------------------------------- the child process


def limit_this_process() -> None:
    """Limit processor time and memory, and write no file."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Answer one request; returns the exit code. An error is one line on standard error."""
    limit_this_process()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        with opened(request.database) as connection:
            if request.format:
                with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:  # a writer may close it
                    download(connection, request, output)
            elif request.table or request.sql:
                sys.stdout.write(json.dumps(answer(connection, request), ensure_ascii=True))
            else:
                sys.stdout.write(json.dumps(catalogue(connection)))
            sys.stdout.flush()
    except PipelineError as error:
        sys.stderr.write(str(error))
        return 1
    except (MemoryError, duckdb.OutOfMemoryException):
        sys.stderr.write(f"this takes more memory than the {MEMORY} that a query has: ask for less")
        return 1
    except (duckdb.Error, OSError) as error:
        sys.stderr.write(gist(error))
        return 1
    return 0
