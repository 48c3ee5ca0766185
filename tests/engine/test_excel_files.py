"""Sheets of workbooks as sources: what their cells become, and what is said of those that cannot be used."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import fastexcel
import pandas as pd
import pytest
from engine import workbooks
from engine.given import SALES, said
from engine.workbooks import Error, Formula

from pipeline.engine.reading import excel_cells, excel_files
from pipeline.settings import ExcelSettings, ExternalColumns

DATA = Path(__file__).parent / "data"
MAP = pd.DataFrame({"sku_id": ["é"], "category": ["Bread, white"], "need_state": ["Daily"]})
ROWS = [
    ["store_id", "sku_id", "category", "sales_value"],
    [7, "é", "Bread, white", 1234.5],
    ["007", " é ", "Bread, white", -1.25],
    ["7", "NA", "null", 2],
]


def read(path: str, **settings: object) -> excel_cells.Sheet:
    (sheet,) = excel_files.read(path, ExcelSettings(**settings), "sources.x")
    return sheet


def column(path: str, position: int = 0, **settings: object) -> list[str | None]:
    return read(path, **settings).rows.column(position).to_pylist()


@pytest.mark.parametrize("name", ["sales.xlsx", "sales.xlsm", "SALES.XLSX", "sales.ods", "sales.xls", "sales.xlsb"])
def test_the_same_sales_in_every_kind_of_workbook(gather_internal, write, name: str) -> None:
    kept = DATA / name
    path = str(kept) if kept.exists() else write(name, {"Data": ROWS})
    found = gather_internal([path], MAP)["sales"]
    assert found.to_numpy().tolist() == [
        ["007", "Bread, white", "Daily", -125],
        ["7", "Bread, white", "Daily", 123450],
        ["7", "null", "UNMAPPED", 200],
    ]


def test_a_cell_becomes_a_text_that_keeps_what_it_is(write) -> None:
    cells = [7, 7.0, 7.5, 0.1, "007", "7.0", " a  b ", "NA", "None", "null", "TRUE", "#N/A", "é", 123456789012345,
             True, False, date(2024, 1, 31), datetime(2024, 1, 31, 12, 30), Formula('"a"&"b"', "ab"), Formula("1+1", 2)]  # fmt: skip
    path = write("s.xlsx", {"S": [["x"], *([cell] for cell in cells)]})
    assert column(path) == [
        "7", "7", "7.5", "0.1", "007", "7.0", " a  b ", "NA", "None", "null", "TRUE", "#N/A", "é", "123456789012345",
        "true", "false", "2024-01-31", "2024-01-31 12:30:00", "ab", "2",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["s.xlsx", "s.ods"])
def test_a_number_is_read_to_its_last_digit_and_a_text_that_looks_like_one_stays(write, name: str) -> None:
    numbers = [1e-10, 1 / 3, -1e-12, 2 / 7e8, 1234.123456789, 0, 5e300]
    texts = ["0.333333333", "-0", "0", "007"]
    path = write(name, {"S": [["x"], *([cell] for cell in (*numbers, *texts))]})
    found = column(path)
    assert [float(text) for text in found[: len(numbers)]] == numbers
    assert found[len(numbers) :] == texts


def test_a_number_and_its_text_are_one_store_and_leading_zeros_are_another(gather_external, write) -> None:
    path = write("e.xlsx", {"S": [["store_id", "x"], [7, 1], ["007", 2], ["7.0", 3], [8.0, 4], [9.5, 5]]})
    assert list(gather_external(path)["features"]["store_id"]) == ["007", "7", "7.0", "8", "9.5"]
    path = write("e.xlsx", {"S": [["store_id", "x"], [7, 1], [" 7", 2]]})
    assert "1 store has more than one row: '7'" in said(gather_external, path)


def test_texts_that_others_take_for_missing_stay_need_states(gather_internal, write) -> None:
    names = ["NA", "None", "null", "TRUE", "nan", "#N/A"]
    rows = [["sku_id", "category", "need_state"], *(["a", "Bread", name] for name in names)]
    found = gather_internal(SALES, [write("m.xlsx", {"S": rows})])["sales"]
    assert list(found["need_state"]) == sorted(names)


def test_empty_and_blank_cells_are_null_and_blank_rows_are_left_out(gather_external, write) -> None:
    rows = [["store_id", "x", "y"], [1, 2, "a"], [], [None, " ", ""], [2, None, " "], [], [None, None, " "]]
    path = write("e.xlsx", {"S": rows})
    assert read(path).rows.num_rows == 2
    features = gather_external(path)["features"]
    assert list(features["store_id"]) == ["1", "2"]
    assert features["x"].tolist()[0] == 2.0
    assert features[["x", "y"]].isna().to_numpy().tolist() == [[False, False], [True, True]]


def test_columns_are_numbers_where_all_their_cells_are_and_columns_without_name_and_values_are_none(
    gather_external, write
) -> None:
    rows = [
        ["store_id", "n", "as_text", "mixed", "flag", "opened", None, None],
        [1, 1.5, "12", 3, True, date(2024, 1, 31), 5, None],
        [2, 2, 7, "x", False, date(2024, 2, 1), None, " "],
    ]
    found = gather_external(write("e.xlsx", {"S": rows}))
    features = found["features"].set_index("store_id")
    assert {name for name in features if features[name].dtype == "float64"} == {"n", "as_text", "opened"}
    assert features.loc["1"].to_dict() == {
        "as_text": 12.0, "flag": "true", "mixed": "3", "n": 1.5, "opened": 2024.081967,
    }  # fmt: skip
    assert list(found["ignored"]["feature"]) == ["(external[0] column 7)"]


def test_the_sheet_and_the_row_of_the_header_are_settings(gather_external, write) -> None:
    rows = [["made by", "someone"], [], [None, "store_id", "x"], [None, 1, 2]]
    path = write("e.xlsx", {"Notes": [["n"], [1]], "Stores \u00e9": rows})
    excel = ExcelSettings(sheet="Stores e\u0301", header_row=3)
    features = gather_external((path, {"excel": excel}))["features"]
    assert features.to_numpy().tolist() == [["1", 2.0]]
    assert read(path).names == ("n",)


def test_weeks_may_be_dates(gather_internal, write) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 8), datetime(2024, 1, 9, 12)]
    rows = [[*SALES.columns, "week"], *(["1", "a", "Bread", 10**n, day] for n, day in enumerate(days))]
    found = gather_internal([write("s.xlsx", {"S": rows})], MAP, columns={"week": "week"}, last_weeks=1)
    assert found["sales"]["sales_cents"].tolist() == [11000]


def test_a_workbook_beside_other_files_is_one_source(gather_internal, write) -> None:
    line = "store_id,sku_id,category,sales_value\n7.0,a,Bread,1\n"
    paths = [
        write("a.csv", line),
        write("b.xlsx", {"S": [list(SALES.columns), [7, "a", "Bread", 2], ["7.0", "a", "Bread", 4]]}),
        write("c.xlsx", {"S": [list(SALES.columns[::-1]), [8, "Bread", "a", 7]]}),
        write("d.parquet", SALES.assign(store_id=7)),
    ]
    found = gather_internal(paths, MAP)["sales"]
    assert dict(zip(found["store_id"], found["sales_cents"], strict=True)) == {"7": 1200, "7.0": 400}


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#VALUE!"])
def test_an_error_in_a_used_column_is_named_with_its_cell(gather_external, write, error: str) -> None:
    rows = [[], [None, "store_id", "x", "y"], [None, 1, 2, 3], [None, 2, Error(error), Error("#REF!")]]
    path = write("e.xlsx", {"Stores": rows})
    excel = {"excel": ExcelSettings(header_row=2)}
    assert said(gather_external, (path, {**excel, "ignore": ("y",)})) == (
        f"{path}: cell C4 of sheet 'Stores' is {error}, in column 'x'; correct its formula or empty it, save the file, or "
        "leave the column out"
    )
    found = gather_external((path, {**excel, "ignore": ("x", "y")}))["features"]
    assert list(found["store_id"]) == ["1", "2"]


def test_an_error_among_keys_is_named_and_the_first_of_several(gather_internal, write) -> None:
    rows = [["sku_id", "category", "need_state"], ["a", "Bread", "x"], [Error("#N/A"), "Bread", "x"], [Error("#REF!")]]
    path = write("m.xlsx", {"S": rows})
    assert "cell A3 of sheet 'S' is #N/A, in column 'sku_id'" in said(gather_internal, SALES, [path])


def test_errors_in_columns_without_a_name_and_rows_of_nothing_else_do_not_count(gather_external, write) -> None:
    rows = [
        ["store_id", "x", Error("#N/A"), None],
        [1, 2, Error("#REF!"), Error("#REF!")],
        [None, None, None, Error("#N/A")],
    ]
    found = gather_external(write("e.xlsx", {"S": rows}))
    assert found["features"].to_numpy().tolist() == [["1", 2.0]]


def test_two_sheets_of_one_workbook_are_two_sources(gather_internal, gather_external, write) -> None:
    sheets = {
        "A b": [["store_id", "x"], [1, 2]],
        "C": [["store_id", "y"], [1, 3]],
        "Sales": [list(SALES.columns), ["1", "a", "Bread", 1]],
    }
    path = write('it"s.xlsx', sheets)
    sources = [(path, {"excel": ExcelSettings(sheet=name)}) for name in ("A b", "C")]
    assert gather_external(*sources)["features"].to_numpy().tolist() == [["1", 2.0, 3.0]]
    path = write("both.xlsx", {"S": [[*SALES.columns, "need_state"], ["1", "a", "Bread", 1, "Daily"]]})
    assert gather_internal([path], [path])["sales"].to_numpy().tolist() == [["1", "Bread", "Daily", 100]]


def test_an_error_in_the_old_format_is_named(gather_external) -> None:
    assert "cell B2 of sheet 'Data' is #N/A, in column 'x'" in said(gather_external, str(DATA / "error.xls"))


def test_an_error_in_an_opendocument_sheet_is_refused(write) -> None:
    path = write("s.ods", {"S": [["a"], [Error("#N/A")]]})
    assert said(read, path).startswith(f"{path}: a sheet has cells with an error such as #N/A; correct or empty them")
    assert column(write("s.ods", {"S": [["a"], ['calcext:value-type="error"'], [1]]})) == [
        'calcext:value-type="error"',
        "1",
    ]


@pytest.mark.parametrize(
    ("column", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16383, "XFD")]
)
def test_the_letters_of_a_column(column: int, letters: str) -> None:
    assert excel_cells.letters(column) == letters


@pytest.mark.parametrize(
    ("rows", "settings", "line"),
    [
        ([], {}, "sheet 'Stores' is empty; fill it, or set sheet in [sources.x] excel"),
        ([], {"header_row": 2}, "sheet 'Stores' ends above row 2, where the names of the columns must be; set header_row"),
        ([["a"], [1]], {"header_row": 3}, "sheet 'Stores' ends above row 3, where the names"),
        ([[], ["a"]], {}, "row 1 of sheet 'Stores' is blank, where the names of the columns must be; set header_row in"),
        ([["a"], [" "], [1]], {"header_row": 2}, "row 2 of sheet 'Stores' is blank"),
        ([["a"]], {"sheet": "stores"}, "no sheet 'stores' (did you mean 'Stores'?); found: 'Stores', 'Notes'; set sheet"),
        ([["a"]], {"sheet": "zzz"}, "no sheet 'zzz'; found: 'Stores', 'Notes'; set sheet in [sources.x] excel"),
    ],
)  # fmt: skip
def test_a_sheet_that_cannot_be_used_is_one_line(write, rows, settings, line: str) -> None:
    path = write("e.xlsx", {"Stores": rows, "Notes": [["x"]]})
    assert said(read, path, **settings).startswith(f"{path}: {line}")


def test_columns_of_one_name_and_columns_that_are_missing_are_named(gather_external, write) -> None:
    path = write("e.xlsx", {"S": [["store_id", "x", "x"], [1, 2, 3]]})
    assert said(gather_external, path) == f"{path}: columns named more than once: x; rename them in the file"
    path = write("e.xlsx", {"S": [["STORE", 2024], [1, 2]]})
    message = said(gather_external, (path, {"columns": ExternalColumns(store_id="store")}))
    assert f"{path}, sheet 'S': no column 'store' (did you mean 'STORE'?); found: STORE, 2024; set" in message


def test_a_sheet_with_a_header_alone_has_no_rows(gather_external, write) -> None:
    assert ": no rows; write the file again" in said(gather_external, write("e.xlsx", {"S": [["store_id", "x"]]}))


def test_a_value_that_is_no_number_is_shown(gather_internal, write) -> None:
    path = write("s.xlsx", {"S": [list(SALES.columns), [1, "a", "Bread", "1,5"]]})
    message = said(gather_internal, [path], MAP)
    assert message.endswith("such as '1,5'; set decimal = \",\" in [sources.internal_sales] excel, or correct them")


@pytest.mark.parametrize("suffix", ["xlsx", "xlsm", "xls", "xlsb", "ods"])
@pytest.mark.parametrize(
    "content", [b"not a workbook", b"PK\x03\x04 cut off", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)]
)
def test_a_file_that_is_no_workbook_is_one_line(write, suffix: str, content: bytes) -> None:
    path = write(f"s.{suffix}", content)
    message = said(read, path)
    assert message.startswith(f"{path}: cannot be read as a workbook: ")
    assert message.endswith("; save it again, or change path in [sources.x]")


def test_a_workbook_with_a_password_is_said_to_have_one(tmp_path: Path) -> None:
    path = tmp_path / "s.xlsx"
    workbooks.protected(path)
    assert said(read, str(path)) == (
        f"{path}: is protected by a password; save it without one, or change path in [sources.x]"
    )


def test_a_reader_that_gives_up_is_one_line_and_an_interrupt_stays_one(write, monkeypatch) -> None:
    path = write("s.xlsx", {"S": [["a"]]})

    class PanicException(BaseException):  # as Rust's is called
        pass

    def gives_up(_: str) -> None:
        raise PanicException("index out of bounds\nat cells_reader.rs")

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fastexcel, "read_excel", gives_up)
    assert ": cannot be read as a workbook: index out of bounds; save it again" in said(read, path)
    monkeypatch.setattr(fastexcel, "read_excel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(path)


def test_the_reader_is_imported_only_where_a_sheet_is_read() -> None:
    code = "import sys, pipeline.engine.internal, pipeline.engine.external; print('fastexcel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
