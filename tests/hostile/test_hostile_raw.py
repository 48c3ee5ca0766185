"""Raw files that are not what they were: cut, flipped, not of their type, made to break their reader, there twice."""

from __future__ import annotations

import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine import workbooks
from hostile.sources import outside_features, sales_tables

from pipeline.engine.reading import excel_files, page_checksums, workbook_process
from pipeline.errors import RawDataError
from pipeline.settings import ExcelSettings

MAP = "sku_id,category,need_state\na,Bread,Daily\nb,Bread,Feast\n"
SALES = pd.DataFrame(
    {
        "store_id": [f"{n % 9}" for n in range(300)],
        "sku_id": ["ab"[n % 2] for n in range(300)],
        "category": "Bread",
        "sales_value": [n + 0.25 for n in range(300)],
    }
)


@pytest.fixture
def checksummed(tmp_path: Path) -> Path:
    path = tmp_path / "sales.parquet"
    pq.write_table(pa.Table.from_pandas(SALES), path, write_page_checksum=True, compression="zstd")
    return path


def refusal(path: str | Path, needs: str, spill: Path) -> str:
    """The one line in which sales are refused; it names the file and the next step."""
    with pytest.raises(RawDataError) as caught:
        sales_tables(str(path), needs, str(spill))
    (line,) = caught.value.lines
    assert str(path) in line
    assert ";" in line
    return line


def test_a_parquet_file_that_is_cut_anywhere_or_is_something_else_is_refused(
    checksummed: Path, write, tmp_path: Path, tried
) -> None:
    needs, whole, counts = (
        write("map.csv", MAP),
        checksummed.read_bytes(),
        tried("a raw Parquet file cut, or not Parquet"),
    )
    others = {
        "empty": b"",
        "text": b"store_id,sku_id\n",
        "zeros": bytes(4096),
        "a workbook": b"PK\x03\x04" + bytes(500),
    }
    cut = {f"cut at {end}": whole[:end] for end in (1, 4, 8, len(whole) // 2, len(whole) - 8, len(whole) - 1)}
    for content in (others | cut).values():
        checksummed.write_bytes(content)
        refusal(checksummed, needs, tmp_path)
        counts["refused in one line"] += 1


@pytest.mark.parametrize("flips", [100, pytest.param(2000, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_no_bit_that_flips_in_a_page_with_a_checksum_is_read(version: str, flips: int, tmp_path: Path, tried) -> None:
    """The headers of pages have no checksum: what a flip there does is counted, and cannot be promised."""
    path, random_bits = tmp_path / "sales.parquet", random.Random(flips)
    pq.write_table(pa.Table.from_pandas(SALES), path, write_page_checksum=True, data_page_version=version)
    whole, query = path.read_bytes(), f"SELECT * FROM read_parquet('{path}')"
    with duckdb.connect() as connection, path.open("rb") as file:
        expected = connection.sql(query).fetchall()
        chunks = page_checksums._chunks(connection, str(path))
        pages = [page for chunk in chunks for page in page_checksums._pages(file.fileno(), chunk)]
        bodies = {at for page in pages for at in range(page.start, page.end)}
        for _ in range(flips):
            at = random_bits.randrange(chunks[0].start, chunks[-1].end)
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << random_bits.randrange(8)]) + whole[at + 1 :])
            try:
                page_checksums.check(connection, str(path), "sources.internal_sales")
                outcome = "read as it was" if connection.sql(query).fetchall() == expected else "READ OTHERWISE"
            except (RawDataError, duckdb.Error):
                outcome = "refused"
            assert at not in bodies or outcome == "refused"
            where = "pages" if at in bodies else "headers of pages, which have no checksum"
            tried(f"one bit flipped in the {where}, of a raw Parquet file with page checksums")[outcome] += 1


def test_a_page_that_is_not_what_its_checksum_says_is_refused_by_a_run(
    checksummed: Path, write, tmp_path: Path
) -> None:
    needs = write("map.csv", MAP)
    before = sales_tables(str(checksummed), needs, str(tmp_path))
    assert before["sales_by_need_state"]["sales_cents"].sum() == round(SALES["sales_value"].sum() * 100)
    flipped = bytearray(checksummed.read_bytes())
    at = pq.read_metadata(checksummed).row_group(0).column(3).data_page_offset + 200
    flipped[at] ^= 1
    checksummed.write_bytes(flipped)
    line = refusal(checksummed, needs, tmp_path)
    assert "a page of column 'sales_value' is not what its checksum says" in line


@pytest.mark.parametrize("options", [{}, {"compression": "none"}, {"use_dictionary": False}, {"row_group_size": 50}])
def test_whole_files_with_and_without_checksums_pass(options: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = SALES.assign(note="x" * 20_000)  # statistics of long texts make headers long
    for checksums in (True, False):
        pq.write_table(pa.Table.from_pandas(frame), path, write_page_checksum=checksums, **options)
        with duckdb.connect() as connection:
            page_checksums.check(connection, str(path), "s")


def rewritten(path: Path, part: str, change: Callable[[str], str]) -> None:
    """Change one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, change(text) if part in name else text)


def test_a_workbook_that_makes_its_reader_abort_is_one_line(tmp_path: Path, tried) -> None:
    path = tmp_path / "stores.xlsx"
    workbooks.xlsx(path, {"S": [["store_id", "x"], [1, 2]]})
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    rewritten(path, "sheet1", lambda text: text.replace("</sheetData>", far))
    with pytest.raises(RawDataError) as caught:
        outside_features(str(path), str(tmp_path))
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: cannot be read: its reader was ended by SIG")
    tried("a workbook that claims 17 billion cells")["refused in one line"] += 1


def test_a_workbook_is_the_same_read_by_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "stores.xlsx"
    workbooks.xlsx(
        path, {"S": [["store_id", "x", None, "é"], [1, 0.1, None, workbooks.Error("#N/A")], ["007", None, 3]]}
    )
    here, apart = (module.read(str(path), ExcelSettings(), "s") for module in (excel_files, workbook_process))
    assert apart == here
    [sheet] = apart
    assert sheet.errors == {3: "cell D2 of sheet 'S' is #N/A"}
    with pytest.raises(RawDataError, match=r"no sheet 'T'; found: 'S'; set sheet in \[s\] excel"):
        workbook_process.read(str(path), ExcelSettings(sheet="T"), "s")


def test_a_time_in_a_sheet_is_a_time_and_no_day_of_1899(tmp_path: Path) -> None:
    path = tmp_path / "stores.xlsx"
    workbooks.xlsx(path, {"S": [["store_id", "opens"], [1, 0.5], [2, 0.0], [3, 0.34375]]})
    rewritten(
        path, "styles", lambda text: text.replace('<xf numFmtId="22"/>', '<xf numFmtId="22"/><xf numFmtId="20"/>')
    )
    rewritten(path, "sheet1", lambda text: re.sub(r'r="B([2-4])"', r'r="B\1" s="3"', text))
    [sheet] = excel_files.read(str(path), ExcelSettings(), "s")
    assert sheet.rows.column("c1").to_pylist() == ["12:00:00", "00:00:00", "08:15:00"]


@pytest.mark.parametrize("flips", [pytest.param(1000, marks=pytest.mark.nightly)])
def test_a_workbook_with_flipped_bits_is_read_or_refused(flips: int, tmp_path: Path, tried) -> None:
    path, counts, bits = tmp_path / "stores.xlsx", tried("a workbook with up to five bits flipped"), random.Random(8)
    workbooks.xlsx(path, {"S": [["store_id", "x"], *([n, n * 1.5] for n in range(40))]})
    whole = path.read_bytes()
    for _ in range(flips):
        flipped = bytearray(whole)
        for _ in range(bits.choice([1, 2, 5])):
            flipped[bits.randrange(len(whole))] ^= 1 << bits.randrange(8)
        path.write_bytes(flipped)
        try:
            excel_files.read(str(path), ExcelSettings(), "s")
            counts["read"] += 1
        except RawDataError:
            counts["refused in one line"] += 1


def test_the_same_file_twice_is_said(built, tried) -> None:
    copy = built.path("data/raw/sales/copy.parquet")
    copy.parent.mkdir()
    copy.write_bytes(built.path("data/raw/sales.parquet").read_bytes())
    (copy.parent / "first.parquet").write_bytes(copy.read_bytes())
    built.settings["sources"]["internal_sales"]["path"] = "data/raw/sales"
    built.configure()
    checked = built.command("store-clustering", "check")
    assert checked.returncode == 0
    said = f"{copy}: byte for byte the same as {copy.parent / 'first.parquet'}: every sale in it is counted 2 times"
    assert f"doubt: internal_sales: {said}" in checked.stdout
    ran = built.command("store-clustering", "run", "InternalPreprocessing")
    assert f"look at: {said}" in ran.stdout
    tried("the same sales file twice")["said by check and by the run"] += 1
