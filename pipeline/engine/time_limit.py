"""How much processor time reading raw files may take: a few megabytes may hold rows, or a row, without end.

Processor time, and not the clock's, so that a busy machine or a slow disk ends nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import duckdb

from pipeline.errors import RawDataError
from pipeline.wording import listed

SECONDS = 120  # and one more for each of
BYTES_PER_SECOND = 100_000  # of the files: a tenth of what a slow machine reads
_EVERY = 0.5  # seconds


def seconds_for(files: Sequence[str]) -> int:
    """The seconds that reading these files may take; a missing file has no bytes."""
    size = 0
    for path in files:
        with suppress(OSError):
            size += os.stat(path).st_size  # noqa: PTH116  # a path from the caller, kept as text
    return SECONDS + size // BYTES_PER_SECOND


def exceeded(files: Sequence[str]) -> RawDataError:
    """The error of files that took too long."""
    return RawDataError(
        f"{listed(files, 1)}: took more than {seconds_for(files):,} s of processor time to read, which is more than files of this size "
        "need; see whether they are what they should be, or save them again as Parquet"
    )


@contextmanager
def limited(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> Iterator[None]:
    """Interrupt the statements of a connection once this process has worked longer than reading these files can take.

    Raises
    ------
    RawDataError : a statement was interrupted
    """
    end, done = time.process_time() + seconds_for(files), threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY):
            if time.process_time() > end:
                connection.interrupt()  # again and again: it means the statement that runs, if one does

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    except duckdb.InterruptException:
        raise exceeded(files) from None
    finally:
        done.set()
        thread.join()
