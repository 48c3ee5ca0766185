"""Workbooks as people save them: several sheets, hidden ones, a cover, merged cells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from engine.given import MAP, said

from pipeline.engine.gathered import Gathered
from pipeline.settings import ExcelSettings

Gather = Callable[..., Gathered]
HEAD = ["store_id", "sku_id", "category", "sales_value"]


def sheet(*values: float) -> list[list[object]]:
    return [HEAD, *([1, "a", "Bread", value] for value in values)]


def cents(found: Gathered) -> int:
    return int(found["sales"]["sales_cents"].sum())


def changed(path: str, part: str, change: Callable[[str], str]) -> str:
    """The workbook with another text in one of its parts."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, change(text) if name == part else text)
    return path


def hidden(path: str, name: str) -> str:
    return changed(
        path, "xl/workbook.xml", lambda text: text.replace(f'name="{name}"', f'name="{name}" state="hidden"')
    )


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["Jan", "Feb"], "*"),
        (["KW 01", "KW 02", "KW 03"], "*"),
        (["2024", "2025"], "*"),
        (["Sales Jan", "Sales Feb"], "*"),
    ],
)
def test_several_sheets_with_the_columns_are_asked_about_and_read_as_one(
    gather_internal: Gather, write, names: list[str], pattern: str
) -> None:
    path = write("s.xlsx", {name: sheet(1.5, number) for number, name in enumerate(names, 1)})
    message = said(gather_internal, [path], MAP)
    assert f"{len(names)} sheets have the columns that are read, {', '.join(repr(name) for name in names)}" in message
    assert re.search(
        r'set sheet = ".+" to read one of them, or sheet = ".*\*" to read all as one table, in \[sources', message
    )
    total = sum(150 + 100 * number for number in range(1, len(names) + 1))
    assert cents(gather_internal([path], MAP, excel=ExcelSettings(sheet=pattern))) == total
    assert cents(gather_internal([path], MAP, excel=ExcelSettings(sheet=tuple(names)))) == total
    assert cents(gather_internal([path], MAP, excel=ExcelSettings(sheet=names[0]))) == 250


def test_a_cover_before_the_data_is_named_and_a_pattern_leaves_it_out(gather_internal: Gather, write) -> None:
    path = write("s.xlsx", {"Read me": [["by"], ["x"]], "Data 1": sheet(1), "Data 2": sheet(2)})
    assert 'sheet = "Data*" to read all as one table' in said(gather_internal, [path], MAP)
    path = write("t.xlsx", {"Read me": [["by"], ["x"]], "Data": sheet(1)})
    assert "sheet 'Data' has them; set sheet = \"Data\" in" in said(gather_internal, [path], MAP)
    assert cents(gather_internal([path], MAP, excel=ExcelSettings(sheet="D*"))) == 100
    message = said(gather_internal, [path], MAP, excel=ExcelSettings(sheet="Read me"))
    assert "sheet 'Read me': no column 'store_id'" in message
    assert "sheet 'Data' has the columns: set sheet = \"Data\" in" in message


def test_a_hidden_sheet_is_read_only_by_its_name(gather_internal: Gather, write) -> None:
    path = hidden(write("s.xlsx", {"Old": sheet(5), "New": sheet(1)}), "Old")
    assert cents(gather_internal([path], MAP)) == 100
    assert cents(gather_internal([path], MAP, excel=ExcelSettings(sheet="*"))) == 100
    assert cents(gather_internal([path], MAP, excel=ExcelSettings(sheet="Old"))) == 500
    path = hidden(write("t.xlsx", {"Old": sheet(5)}), "Old")
    assert cents(gather_internal([path], MAP)) == 500  # the only one


def test_a_sheet_that_is_not_there_is_named(gather_internal: Gather, write) -> None:
    path = write("s.xlsx", {"Jan": sheet(1), "Feb": sheet(2)})
    message = said(gather_internal, [path], MAP, excel=ExcelSettings(sheet=("Jan", "Fab")))
    assert "no sheet 'Fab' (did you mean 'Feb'?); found: 'Jan', 'Feb'" in message


def test_rows_above_the_header_are_named_in_the_error(gather_internal: Gather, write) -> None:
    path = write("s.xlsx", {"S": [["Report"], [None], *sheet(1)]})
    assert "row 3 has the columns: set header_row = 3 in [sources.internal_sales] excel" in said(
        gather_internal, [path], MAP
    )
    assert cents(gather_internal([path], MAP, excel=ExcelSettings(header_row=3))) == 100


def merged(path: str, *areas: str) -> str:
    cells = "".join(f'<mergeCell ref="{area}"/>' for area in areas)
    return changed(
        path,
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace("</sheetData>", f"</sheetData><mergeCells>{cells}</mergeCells>"),
    )


@pytest.mark.parametrize(
    ("areas", "column"), [(["A2:A3"], "store_id"), (["C2:C4"], "category"), (["A2:A3", "C2:C4"], "store_id")]
)
def test_merged_cells_are_filled_down_where_the_setting_says_so_and_doubted_otherwise(
    gather_external, write: Callable[..., str], areas: list[str], column: str
) -> None:
    rows = [["store_id", "x", "category"], [1, 2, "b"], [2, 3, None], [3, 4, None]]
    path = merged(write("e.xlsx", {"S": rows}), *areas)
    (doubt,) = gather_external(path).doubts
    assert f"cells merged over rows, such as {areas[0]} in column '{column}'" in doubt
    assert f'set fill_down = ["{column}"' in doubt
    found = gather_external((path, {"excel": ExcelSettings(fill_down=("store_id", "category"))}))
    assert found.doubts == []
    assert found["features"]["category"].tolist() == ["b"] * 3
    assert Path(path).exists()


def test_cells_that_are_merged_in_the_header_or_over_columns_are_no_doubt(gather_external, write) -> None:
    rows = [["title"], [None], ["store_id", "x"], [1, 2], [2, 3]]
    path = merged(write("e.xlsx", {"S": rows}), "A1:A2", "A4:B4")
    assert gather_external((path, {"excel": ExcelSettings(header_row=3)})).doubts == []
