from __future__ import annotations

import gzip
from collections.abc import Callable

import duckdb
import pytest

from pipeline.engine.reading import csv_files
from pipeline.errors import RawDataError
from pipeline.settings import CsvSettings

connection = duckdb.connect()


def number(text: str | None, **settings: str) -> float | None:
    expression = csv_files.number("x", CsvSettings(**settings))
    return connection.execute(f"SELECT {expression} FROM (SELECT CAST(? AS VARCHAR) AS x)", [text]).fetchone()[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", 12.0), ("-1.5", -1.5), ("+.5", 0.5), ("3.", 3.0), (" 1e3 ", 1000.0), ("\t2\r", 2.0), ("0012.50", 12.5)],
)
def test_what_is_a_number(text: str, expected: float) -> None:
    assert number(text) == expected


@pytest.mark.parametrize(
    "text", ["", "NaN", "inf", "1,5", "1_000", "12.50-", "$4", "1 000", "1e", "--1", "0x10", "1.2.3", "\u0661", None]
)
def test_what_is_no_number(text: str | None) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "thousands", "decimal", "expected"),
    [
        ("1.234,56", ".", ",", 1234.56),
        ("1234,56", ".", ",", 1234.56),
        ("1,234,567.8", ",", ".", 1234567.8),
        ("1\u202f234,5", " ", ",", 1234.5),
        ("1\u00a0234", " ", ",", 1234.0),
        ("1'234.5", "'", ".", 1234.5),
        ("-1.234", ".", ",", -1234.0),
        ("1.23", ".", ",", None),
        ("1,23", ",", ".", None),
        ("12,3456", ",", ".", None),
    ],
)
def test_thousands_are_marked_in_groups_of_three(
    text: str, thousands: str, decimal: str, expected: float | None
) -> None:
    assert number(text, thousands=thousands, decimal=decimal) == expected


def test_a_header_may_have_a_byte_order_mark_quotes_and_line_ends(write: Callable[..., str]) -> None:
    path = write("a.csv", b'\xef\xbb\xbf"a ""b""","c\nd",e\r\n1,2,3\r\n')
    assert csv_files.header(path, CsvSettings(), "sources.x") == (['a "b"', "c\nd", "e"], "none")


def test_a_gzip_file_is_known_by_its_content(write: Callable[..., str]) -> None:
    assert csv_files.header(write("a.csv", gzip.compress(b"a,b\n", mtime=0)), CsvSettings(), "s") == (
        ["a", "b"],
        "gzip",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\na,b\n", "the first line is blank"),
        (b",,\n", "the first line is blank"),
        (b'"a,b\n', "the header cannot be read"),
        ("é,b\n".encode("latin-1"), "the header has bytes that are not utf-8 text"),
        (gzip.compress(b"a,b\n" * 1000, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_a_header_that_cannot_be_used_is_one_line(write: Callable[..., str], content: bytes, said: str) -> None:
    path = write("a.csv", content)
    with pytest.raises(RawDataError) as caught:
        csv_files.header(path, CsvSettings(), "sources.internal_sales")
    assert str(caught.value).startswith(f"{path}: {said}")
    assert len(caught.value.lines) == 1
