"""The workbook and the CSV files read back as they were meant, and run nothing."""

from __future__ import annotations

import csv
import dataclasses
import time
from pathlib import Path

import fastexcel
import openpyxl
import pytest
import report_tables
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from report_tables import HOSTILE

from pipeline.report import sheets, workbook
from pipeline.report.source import Source

CSV = ("clusters", "profiles", "outside", "moves", "excluded", "dictionary")


def written(source: Source, folder: Path) -> dict[str, Path]:
    paths = {"workbook": folder / "a.xlsx", **{name: folder / f"{name}.csv" for name in CSV}}
    workbook.write(source, paths)
    return paths


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return report_tables.source(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def paths(source: Source, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return written(source, tmp_path_factory.mktemp("written"))


def expected(source: Source) -> dict[str, list[tuple]]:
    return {
        sheet.name: [tuple(column.name for column in sheet.columns), *sheet.rows] for sheet in sheets.sheets(source)
    }


def test_the_workbook_reads_back_cell_by_cell_and_no_cell_is_a_formula(source: Source, paths: dict[str, Path]) -> None:
    book = openpyxl.load_workbook(paths["workbook"])
    found = expected(source)
    assert book.sheetnames == ["about", *found]
    for name, rows in found.items():
        for row, read in zip(rows, book[name].iter_rows(max_row=len(rows)), strict=True):
            for value, cell in zip(row, read, strict=True):
                wanted = pytest.approx(value, rel=1e-15) if isinstance(value, float) else value
                assert cell.value == wanted or (cell.value, value) == (None, ""), (name, cell.coordinate)
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                if isinstance(value, str) and value:
                    assert cell.data_type in ("s", "inlineStr")


def test_another_reader_sees_the_same_clusters(source: Source, paths: dict[str, Path]) -> None:
    sheet = fastexcel.read_excel(paths["workbook"]).load_sheet("clusters", dtypes="string")
    read = sheet.to_arrow().to_pydict()
    rows = expected(source)["clusters"]
    assert read["Store"] == [row[0] for row in rows[1:]]
    assert read["Category"] == [row[2] for row in rows[1:]]
    assert set(read["Category"]) == set(HOSTILE)


def test_csv_files_read_back_once_they_are_unguarded_and_no_text_begins_as_a_formula(
    source: Source, paths: dict[str, Path]
) -> None:
    found = expected(source)
    for name in CSV:
        with paths[name].open(encoding="utf-8-sig", newline="") as file:
            read = list(csv.reader(file))
        assert len(read) == len(found[name])
        for row, line in zip(found[name], read, strict=True):
            for value, cell in zip(row, line, strict=True):
                if isinstance(value, str):
                    assert workbook.unguarded(cell) == value
                    assert cell[:1] not in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
                elif value is None:
                    assert cell == ""
                else:
                    assert float(cell) == value


@pytest.mark.parametrize("options", [{"constant_memory": True}, {"in_memory": True}])
def test_a_text_that_looks_like_the_xml_of_a_cell_is_a_text(options: dict[str, bool], tmp_path: Path) -> None:
    texts = [
        "<r></r>",
        "<r><t>Tea</t></r>",
        "<r>&amp;]]></r>",
        "<r> a\n🍞 </r>",
        "<r><f>1+1</f></r>",
        "<r>Tea",
    ]
    with xlsxwriter.Workbook(tmp_path / "a.xlsx", options) as book:
        page = book.add_worksheet()
        style = book.add_format({"num_format": "@"})
        for row, text in enumerate(texts):
            workbook.write_text(page, row, 0, text, style)
    cells = [cell for (cell,) in openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows()]
    assert [cell.value for cell in cells] == texts
    assert {(cell.data_type in ("s", "inlineStr"), cell.number_format) for cell in cells} == {(True, "@")}
    read = fastexcel.read_excel(tmp_path / "a.xlsx").load_sheet(0, header_row=None, dtypes="string").to_arrow()
    assert read.column(0).to_pylist()[:3] == texts[:3]


def test_equal_tables_give_equal_bytes_whatever_the_clock_says(
    source: Source, paths: dict[str, Path], tmp_path: Path
) -> None:
    time.sleep(2.1)  # what a zip file's clock can tell apart
    again = written(Source(source.files, source.env), tmp_path)
    assert {name: path.read_bytes() for name, path in again.items()} == {
        name: path.read_bytes() for name, path in paths.items()
    }


def test_sample_data_is_said_on_the_first_sheet(source: Source, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(written(dataclasses.replace(source, sample=True), tmp_path)["workbook"])
    assert any("SAMPLE DATA" in str(cell.value) for row in book["about"].iter_rows() for cell in row)


@pytest.mark.parametrize(("rows", "parts"), [(0, [0]), (3, [3]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (9, [4, 4, 1])])
def test_more_rows_than_a_sheet_holds_go_on_in_the_next(rows: int, parts: list[int]) -> None:
    given = [(number,) for number in range(rows)]
    found = [list(part) for part in workbook._parts(given, most=4)]
    assert [len(part) for part in found] == parts
    assert [row for part in found for row in part] == given


@pytest.mark.parametrize("letter", ["x", "🍞"])
def test_a_text_that_is_too_long_for_a_cell_ends_in_an_ellipsis(letter: str) -> None:
    size = len(letter.encode("utf-16-le")) // 2
    fits = letter * (workbook.MOST_CHARACTERS // size)
    assert workbook.fitted(fits) == fits
    cut = workbook.fitted(fits + letter * 3)
    assert cut.endswith("…")
    assert len(cut.encode("utf-16-le")) // 2 <= workbook.MOST_CHARACTERS
    assert fits.startswith(cut[:-1])


@given(st.text(alphabet="'=+-@\t\r\n\uff1da1", max_size=6))
def test_guarding_can_be_undone_and_leaves_nothing_that_begins_as_a_formula(text: str) -> None:
    guarded = workbook.guarded(text)
    assert workbook.unguarded(guarded) == text
    assert guarded[:1] not in tuple("=+-@\t\r\n\uff1d")
