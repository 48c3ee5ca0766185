"""What the page asks of the database. The server imports this, and not DuckDB."""

from __future__ import annotations

import msgspec

MOST_ROWS = 1000  # of an answer to the page
MOST_BYTES = 8_000_000  # of an answer to the page
LONGEST_TEXT = 2000  # letters of a cell on the page; a download has all
MOST_DOWNLOADED = {"csv": 5_000_000, "parquet": 5_000_000, "xlsx": 100_000}  # rows, by format
SECONDS = 30  # of processor time, and of waiting
DESCRIPTORS = 4  # that a process gets for a request: question, answer, what went wrong, and one whose end ends it
ANSWERED = b"\0"  # instead of what went wrong


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What to read: a table (with search, sort and page) or a query; and, for a download, its format."""

    database: str
    table: str = ""
    sql: str = ""
    search: str = ""
    column: str = ""
    sort: str = ""
    descending: bool = False
    offset: int = 0
    limit: int = 100
    format: str = ""
