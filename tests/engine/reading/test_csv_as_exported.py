"""CSV files as programs export them: lines above and below the table, another delimiter, an archive, any encoding."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pandas as pd
import pytest
from engine.given import MAP, said

from pipeline.engine.gathered import Gathered
from pipeline.settings import CsvSettings

Gather = Callable[..., Gathered]
HEAD = "store_id,sku_id,category,sales_value"
ROWS = "1,a,Bread,2.50\n2,a,Bread,1.25\n"


def sold(found: Gathered) -> dict[str, int]:
    return dict(zip(found["sales"]["store_id"], found["sales"]["sales_cents"], strict=True))


BOTH = {"1": 250, "2": 125}


@pytest.mark.parametrize(
    ("above", "row"),
    [("Report: sales\nPeriod: 2024\n\n", 4), ("Nielsen,,,\n", 2), ('"a, b"\n;;;\n\n\n', 5)],
)
def test_lines_above_the_header_are_named_in_the_error_and_passed_over(
    gather_internal: Gather, write, above: str, row: int
) -> None:
    path = write("s.csv", f"{above}{HEAD}\n{ROWS}")
    assert f"row {row} has the columns: set header_row = {row} in [sources.internal_sales] csv" in said(
        gather_internal, [path], MAP
    )
    assert sold(gather_internal([path], MAP, csv=CsvSettings(header_row=row))) == BOTH


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_delimiter_is_named_in_the_error_or_said_by_the_file(gather_internal: Gather, write, mark: str) -> None:
    text = f"{HEAD}\n{ROWS}".replace(",", mark)
    written = {"\t": "\\t"}.get(mark, mark)
    path = write("s.csv", text)
    assert f'set delimiter = "{written}" in' in said(gather_internal, [path], MAP)
    assert sold(gather_internal([path], MAP, csv=CsvSettings(delimiter=mark))) == BOTH
    assert sold(gather_internal([write("t.csv", f"sep={mark}\r\n{text}")], MAP)) == BOTH


@pytest.mark.parametrize(
    ("below", "count"),
    [("Total,,,3.75\n", 1), ("\nPage 1 of 1\n", 1), ("Total;3.75\n\nprinted by ERP\n\n", 2)],
)
def test_rows_below_the_table_are_passed_over(gather_internal: Gather, write, below: str, count: int) -> None:
    path = write("s.csv", f"{HEAD}\n{ROWS}{below}")
    assert sold(gather_internal([path], MAP, csv=CsvSettings(footer_rows=count))) == BOTH


def zipped(members: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in members.items():
            out.writestr(name, text)
    return archive.getvalue()


@pytest.mark.parametrize("name", ["s.csv.zip", "s.zip", "s.csv"])
def test_a_file_in_an_archive_is_read_whatever_its_name(gather_internal: Gather, write, name: str) -> None:
    path = write(name, zipped({"export.csv": f"{HEAD}\n{ROWS}", "__MACOSX/x": ""}))
    assert sold(gather_internal([path], MAP)) == BOTH
    path = write(name, zipped({"a.csv": HEAD, "b.csv": HEAD}))
    assert "the archive holds 2 files: a.csv, b.csv; it must hold one" in said(gather_internal, [path], MAP)


@pytest.mark.parametrize(
    ("encoding", "category"),
    [
        ("cp1252", "Brot \u2013 \u201ehell\u201c \u20ac"),
        ("cp1250", "Chl\u00e9b \u0159ezan\u00fd"),
        ("cp1251", "\u0425\u043b\u0435\u0431"),
        ("gbk", "\u9762\u5305"),
        ("shift_jis", "\u30d1\u30f3"),
        ("utf-16", "Caf\u00e9"),
        ("utf-16-be", "Caf\u00e9"),
        ("iso-8859-15", "Caf\u00e9 \u20ac"),
        ("MAC_ROMAN", "Caf\u00e9"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_encoding_of_python_is_read(
    gather_internal: Gather, write, encoding: str, category: str, packed: bool
) -> None:
    content = f"{HEAD}\n1,a,{category},2.50\n".encode(encoding)
    path = write("s.csv.gz" if packed else "s.csv", gzip.compress(content, mtime=0) if packed else content)
    mapping = pd.DataFrame({"sku_id": ["a"], "category": [category], "need_state": ["x"]})
    found = gather_internal([path], mapping, csv=CsvSettings(encoding=encoding))
    assert found["sales"][["category", "need_state"]].to_numpy().tolist() == [[category, "x"]]


@pytest.mark.parametrize(
    ("right", "wrong", "category"),
    [
        ("cp1252", "utf-8", "Brot \u2013 hell"),
        ("cp1252", "latin-1", "Kaffee \u2013 \u20ac"),
        ("cp1251", "utf-8", "\u0425\u043b\u0435\u0431 \u0438 \u0431\u0443\u043b\u043a\u0438"),
        ("gb18030", "utf-8", "\u9762\u5305 \u548c \u5496\u5561"),
        ("cp932", "utf-8", "\u30d1\u30f3\u3068\u30b3\u30fc\u30d2\u30fc"),
        ("cp1253", "utf-8", "\u03a8\u03c9\u03bc\u03af \u03ba\u03b1\u03b9"),
    ],
)
def test_advice_names_encodings_that_give_words_with_how_they_read(
    gather_internal: Gather, write, right: str, wrong: str, category: str
) -> None:
    path = write("s.csv", f"{HEAD}\n1,a,{category},2.50\n".encode(right))
    message = said(gather_internal, [path], MAP, csv=CsvSettings(encoding=wrong))
    assert f"bytes that are not text in {wrong}; set encoding in [sources.internal_sales] csv to" in message
    assert f'"{right}" (reads ' in message
    assert category.split(" ")[-1] in message


def test_an_encoding_that_nobody_knows_is_named(gather_internal: Gather, write) -> None:
    path = write("s.csv", f"{HEAD}\n{ROWS}")
    for name in ("klingon", "base64"):
        assert f"encoding = '{name}' is no encoding of text" in said(
            gather_internal, [path], MAP, csv=CsvSettings(encoding=name)
        )


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1250"])
def test_utf_8_that_is_read_as_another_encoding_is_doubted(gather_internal: Gather, write, encoding: str) -> None:
    path = write("s.csv", f"{HEAD}\n1,a,Caf\u00e9,2.50\n".encode())
    doubts = gather_internal([path], MAP, csv=CsvSettings(encoding=encoding)).doubts
    assert f"is valid UTF-8, and is read as {encoding}" in doubts[0]
    plain = gather_internal([write("t.csv", f"{HEAD}\n{ROWS}")], MAP, csv=CsvSettings(encoding=encoding)).doubts
    assert not any("UTF-8" in doubt for doubt in plain)


def test_a_line_that_is_wrong_in_a_file_that_was_converted_is_named_with_its_file(
    gather_internal: Gather, write
) -> None:
    path = write("s.csv", f"{HEAD}\n{ROWS}1,a,Bread\n".encode("cp1251"))
    message = said(gather_internal, [path], MAP, csv=CsvSettings(encoding="cp1251"))
    assert message.startswith(f"{path}, line 4: 3 fields where the header has 4")


@pytest.mark.parametrize("rows", ["1,a,Bread,2.50\n,a,Bread,1.25\n", "1,a,Bread,2.50\n  ,a,Bread,1.25\n"])
def test_a_key_that_stands_in_the_first_of_several_rows_is_filled_down(
    gather_internal: Gather, write, rows: str
) -> None:
    path = write("s.csv", f"title\n{HEAD}\n{rows}{rows[rows.index(chr(10)) + 1 :]}")
    csv = CsvSettings(header_row=2)
    assert 'set fill_down = ["store_id"] in [sources.internal_sales] csv' in said(gather_internal, [path], MAP, csv=csv)
    csv = CsvSettings(header_row=2, fill_down=("store_id",))
    assert sold(gather_internal([path], MAP, csv=csv)) == {"1": 500}
    csv = CsvSettings(header_row=2, fill_down=("store",))
    assert "no column store; found: store_id" in said(gather_internal, [path], MAP, csv=csv)
