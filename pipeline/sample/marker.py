"""The marker of sample data in a raw file; reading it needs no heavy library."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO, cast

KEY, VALUE = "store_clustering_sample", "1"  # in the key-value metadata of Parquet
COLUMN = "STORE_CLUSTERING_SAMPLE"  # the extra last column of CSV; it is empty

_FOOTER = 64 * 1024
_HEADER = 16 * 1024
_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
# A KeyValue of Parquet's footer in Thrift's compact protocol: two strings (type 8, field 1 more), each after its length.
_PAIR = bytes([len(KEY)]) + KEY.encode() + b"\x18" + bytes([len(VALUE)]) + VALUE.encode()
_WRITTEN = tuple(COLUMN.encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))


def is_sample(path: Path) -> bool:
    """Whether a raw file is sample data, by its content, not its name.

    A Parquet file has the marker in its footer (searched in the last 64 KiB); a CSV file, which may be gzipped, in its first
    line (the first 16 KiB). A file of another kind, or an unreadable one, is not sample data; the next reader reports its fault.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            return _in_footer(file) if start == _PARQUET else _in_header(file, start)
    except (OSError, EOFError, zlib.error):
        return False


def _in_footer(file: BinaryIO) -> bool:
    size = file.seek(0, 2)
    file.seek(max(0, size - _FOOTER))
    end = file.read()
    if len(end) < 8 or end[-4:] != _PARQUET:
        return False
    length = int.from_bytes(end[-8:-4], "little")
    return _PAIR in end[-8 - length : -8]


def _in_header(file: BinaryIO, start: bytes) -> bool:
    file.seek(0)
    import gzip

    text = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if start.startswith(_GZIP) else file
    line = text.read(_HEADER).partition(b"\n")[0]
    return any(name in line for name in _WRITTEN)
