"""What LibreOffice makes of the workbook and the CSV files: opened and saved by it, they are what they were."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import report_tables
from report.test_report_workbook import CSV, expected, written
from report_tables import HOSTILE

from pipeline.engine import overrides
from pipeline.report import workbook
from pipeline.report.source import Source
from pipeline.settings import (
    Engine,
    ExcelSettings,
    ExternalSource,
    NeedStateSource,
    OverridesSource,
    SalesSource,
    Sources,
)

pytestmark = pytest.mark.nightly

# What a spreadsheet likes to take for a number, a date, a truth or a formula, beside what is out to do harm.
NAMES = (*HOSTILE, "007", "1e5", "2024-01-01", "TRUE", "#REF!", "1/2", "+1", "@x", '"; DROP TABLE x', "../../x", "CON", "a*b",
         "Bread", "bread", "\u202egnp.exe", "  two  blanks", "a\u0301\u0323")  # fmt: skip
XLSX = "xlsx:Calc MS Excel 2007 XML"
EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
AS_CSV = "--infilter=Text - txt - csv (StarCalc):44,34,76,1"

Convert = Callable[..., Path]


@pytest.fixture(scope="module")
def convert(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """Have LibreOffice open a file and save it as another kind: -> the folder with what it made."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("no LibreOffice here: apt-get install libreoffice-calc")
    profile = tmp_path_factory.mktemp("profile")

    def converted(path: Path, kind: str, *options: str) -> Path:
        folder = tmp_path_factory.mktemp("converted")
        command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", *options]
        done = subprocess.run(
            [*command, "--convert-to", kind, "--outdir", str(folder), str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, "HOME": str(profile), "XDG_CACHE_HOME": str(profile)},
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert list(folder.iterdir()), done.stderr
        return folder

    return converted


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return report_tables.source(tmp_path_factory.mktemp("tables"), NAMES, stores=9)


@pytest.fixture(scope="module")
def paths(source: Source, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return written(source, tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module")
def saved(paths: dict[str, Path], convert: Convert) -> Path:
    """The workbook as LibreOffice saves it."""
    return convert(paths["workbook"], XLSX) / paths["workbook"].name


def test_the_workbook_saved_by_libreoffice_has_every_cell_and_no_formula(source: Source, saved: Path) -> None:
    book = openpyxl.load_workbook(saved)
    found = expected(source)
    assert book.sheetnames == ["about", *found]
    for name, rows in found.items():
        for row, cells in zip(rows, book[name].iter_rows(max_row=len(rows), max_col=len(rows[0])), strict=True):
            for value, cell in zip(row, cells, strict=True):
                wanted = pytest.approx(value, rel=1e-14) if isinstance(value, float) else value
                assert cell.value == wanted or (cell.value, value) == (None, ""), (name, cell.coordinate)
                assert cell.data_type != "f"
                assert not isinstance(value, str) or isinstance(cell.value, str | None)


def test_every_sheet_that_libreoffice_writes_as_csv_has_every_text(
    source: Source, paths: dict[str, Path], convert: Convert
) -> None:
    folder = convert(paths["workbook"], EVERY_SHEET)
    for name, rows in expected(source).items():
        with (folder / f"{paths['workbook'].stem}-{name}.csv").open(encoding="utf-8", newline="") as file:
            read = list(csv.reader(file))
        assert len(read) == len(rows)
        for row, cells in zip(rows, read, strict=True):
            assert [cell for value, cell in zip(row, cells, strict=True) if isinstance(value, str)] == [
                value for value in row if isinstance(value, str)
            ]


@pytest.mark.parametrize("name", CSV)
def test_a_csv_file_that_libreoffice_opens_has_no_formula_and_texts_that_begin_as_one_are_texts(
    name: str, source: Source, paths: dict[str, Path], convert: Convert
) -> None:
    sheet = openpyxl.load_workbook(convert(paths[name], XLSX, AS_CSV) / f"{name}.xlsx").active
    rows = expected(source)[name]
    for row, cells in zip(rows, sheet.iter_rows(max_row=len(rows), max_col=len(rows[0])), strict=True):
        for value, cell in zip(row, cells, strict=True):
            assert cell.data_type != "f", (name, cell.coordinate)
            if isinstance(value, str) and workbook.guarded(value) != value:
                assert workbook.unguarded(cell.value) == value


def test_the_overrides_sheet_that_libreoffice_saved_is_read_as_the_source_of_overrides(
    source: Source, saved: Path, tmp_path: Path
) -> None:
    sources = Sources(
        internal_sales=SalesSource(path="x"),
        need_states=NeedStateSource(path="x"),
        external=(ExternalSource(path="x"),),
        overrides=OverridesSource(path="x", excel=ExcelSettings(sheet="overrides")),
    )
    engine = Engine(spill_folder=str(tmp_path), threads=1, memory_limit="400MB")
    read = overrides.gather({"overrides": [str(saved)]}, sources, engine)["rows"]
    applied = source.table("overrides_applied")
    columns = ["store_id", "category", "cluster", "reason"]
    given = applied.rename(columns={"to_cluster": "cluster"})[columns].astype({"cluster": "float64"})
    given["category"] = given["category"].str.strip().str.normalize("NFC")
    assert sorted(read[columns].itertuples(index=False)) == sorted(given.itertuples(index=False))
