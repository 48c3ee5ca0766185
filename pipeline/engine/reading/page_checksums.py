"""The checksums that pages of Parquet files may carry: DuckDB reads over them, so that they are compared here, before it does.

pyarrow writes them where it is asked to, Spark and other users of parquet-mr by default. They are CRC-32s of the bytes of a page as they
are in the file, so that nothing has to be decoded. Headers of pages and the file's footer have none, and nor have the pages of many
writers, DuckDB and pandas among them: a bit that flips there can be found by nobody.

Formats: parquet.thrift of Apache Parquet (`PageHeader`), in Thrift's compact protocol.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from pipeline.duck.quoting import literal
from pipeline.engine.connections import rows
from pipeline.errors import RawDataError

_BLOCK = 1 << 20
_HEADER = 1 << 12  # most headers are a hundred bytes; statistics of long texts make longer ones
_LONGEST_HEADER = 1 << 24
_COMPRESSED_SIZE, _CRC = 3, 4  # ids of fields of PageHeader
# types of Thrift's compact protocol
_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, 12
_DEEPEST = 8  # structs within structs: statistics are two below a header


@dataclass(frozen=True)
class _Chunk:
    """Where a column's pages of one row group are: bytes from `start` to `end`."""

    column: str
    start: int
    end: int


@dataclass(frozen=True)
class _Page:
    """Where a page's bytes are, and their checksum; None where it has none."""

    start: int
    end: int
    crc: int | None


def check(connection: duckdb.DuckDBPyConnection, path: str, setting: str) -> None:
    """Compare every page of a Parquet file with its checksum, where its pages have any.

    Parameters
    ----------
    connection : may read the file
    path : of the file, whose footer can be read
    setting : the table of the config that names it

    Raises
    ------
    RawDataError : a page is not what its writer wrote
    """
    chunks = _chunks(connection, path)
    file = os.open(path, os.O_RDONLY)
    try:
        if not any(_has_checksum(file, chunk) for chunk in chunks):
            return
        for chunk in chunks:
            if not _holds(file, chunk):
                raise RawDataError(
                    f"{path}: cannot be read: a page of column '{chunk.column}' is not what its checksum says: the file was "
                    f"damaged after it was written; write or copy it again, or change path in [{setting}]"
                )
    finally:
        os.close(file)


def _chunks(connection: duckdb.DuckDBPyConnection, path: str) -> list[_Chunk]:
    metadata = rows(
        connection,
        "SELECT path_in_schema, data_page_offset, dictionary_page_offset, total_compressed_size "
        f"FROM parquet_metadata({literal(path)}) ORDER BY row_group_id, column_id",
    )
    return [
        _Chunk(column, start, start + size)
        for column, data, dictionary, size in metadata
        if size and (start := min(data, dictionary) if dictionary else data)
    ]


def _has_checksum(file: int, chunk: _Chunk) -> bool:
    page = next(_pages(file, chunk), None)
    return page is not None and page.crc is not None


def _holds(file: int, chunk: _Chunk) -> bool:
    """Return whether the chunk is pages one after the other up to its end, each with a checksum that is right."""
    end = chunk.start
    for page in _pages(file, chunk):
        if page.crc is None or page.end > chunk.end or _crc(file, page) != page.crc:
            return False
        end = page.end
    return end == chunk.end


def _crc(file: int, page: _Page) -> int:
    crc, at = 0, page.start
    while at < page.end:
        block = os.pread(file, min(_BLOCK, page.end - at), at)
        if not block:
            return -1  # the file ends within the page
        crc, at = zlib.crc32(block, crc), at + len(block)
    return crc


def _pages(file: int, chunk: _Chunk) -> Iterator[_Page]:
    """Return the pages as their headers say, up to the first header that is none."""
    at = chunk.start
    while at < chunk.end:
        header = _header(file, at)
        if header is None:
            return
        yield header
        at = header.end


def _header(file: int, at: int) -> _Page | None:
    length = _HEADER
    while length <= _LONGEST_HEADER:
        reader = _Reader(os.pread(file, length, at))
        try:
            fields = reader.struct()
        except IndexError:  # longer than what was read of it
            if len(reader.data) < length:
                return None
            length *= 16
            continue
        except ValueError:
            return None
        size = fields.get(_COMPRESSED_SIZE, -1)
        if size < 0:
            return None
        start, crc = at + reader.at, fields.get(_CRC)
        return _Page(start, start + size, None if crc is None else crc & 0xFFFFFFFF)
    return None


class _Reader:
    """Thrift's compact protocol, as far as a page's header needs it: whole numbers are kept, the rest is stepped over."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def struct(self, depth: int = 0) -> dict[int, int]:
        """Return the whole numbers of a struct by the id of their field.

        Raises
        ------
        IndexError : the data ends within it
        ValueError : it is no struct
        """
        if depth > _DEEPEST:
            raise ValueError
        fields: dict[int, int] = {}
        field = 0
        while byte := self._byte():
            delta, kind = byte >> 4, byte & 15
            field = field + delta if delta else self._integer()
            value = self._value(kind, depth)
            if value is not None:
                fields[field] = value
        return fields

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _value(self, kind: int, depth: int) -> int | None:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            self.struct(depth + 1)
        elif kind == _BINARY:
            length = self._varint()
            self.at += length
        elif kind in (_BYTE, _DOUBLE):
            self.at += 1 if kind == _BYTE else 8
        elif kind not in _BOOLEANS:
            raise ValueError  # a header has neither lists nor maps
        return None
