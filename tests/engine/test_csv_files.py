from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from pipeline.engine.reading import csv_files
from pipeline.engine.reading.csv_files import Head
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings


def test_a_header_may_have_a_byte_order_mark_quotes_and_line_ends(write: Callable[..., str]) -> None:
    path = write("a.csv", b'\xef\xbb\xbf"a ""b""","c\nd",e\r\n1,2,3\r\n')
    assert csv_files.head(path, CsvSettings(), "sources.x") == Head(('a "b"', "c\nd", "e"), "none", 0, ",")


def test_a_gzip_file_is_known_by_its_content(write: Callable[..., str]) -> None:
    path = write("a.csv", gzip.compress(b"a,b\n", mtime=0))
    assert csv_files.head(path, CsvSettings(), "s") == Head(("a", "b"), "gzip", 0, ",")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\na,b\n", "the first line is blank"),
        (b",,\n", "the first line is blank"),
        (b'"a,b\n', "the header cannot be read"),
        (
            "é,b\n".encode("latin-1"),
            'the header has bytes that are not text in utf-8; set encoding in [sources.internal_sales] csv to the one that reads right: "cp1252" (reads ',
        ),
        (gzip.compress(b"a,b\n" * 1000, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_a_header_that_cannot_be_used_is_one_line(write: Callable[..., str], content: bytes, said: str) -> None:
    path = write("a.csv", content)
    with pytest.raises(RawDataError) as caught:
        csv_files.head(path, CsvSettings(), "sources.internal_sales")
    assert str(caught.value).startswith(f"{path}: {said}")
    assert len(caught.value.lines) == 1
