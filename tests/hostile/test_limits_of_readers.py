"""Files of a few kilobytes that would fill a machine: their readers have limits of memory, time and length, and end with the run."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import ROOT
from engine import workbooks
from hostile.sources import sales_tables

from pipeline.engine import time_limit
from pipeline.engine.connections import reading
from pipeline.engine.reading import own_process, rewriting, workbook_process
from pipeline.errors import PipelineError, RawDataError
from pipeline.settings import CsvSettings, ExcelSettings

MAP = "sku_id,category,need_state\na,Bread,Daily\n"
HEADER = "store_id,sku_id,category,sales_value\n"
MEGABYTE = 1 << 20


def refusal(path: str | Path, tmp_path: Path, **source: object) -> str:
    """The one line in which a file of sales is refused; it names the file and the next step."""
    (tmp_path / "map.csv").write_text(MAP)
    with pytest.raises(RawDataError) as caught:
        sales_tables(str(path), str(tmp_path / "map.csv"), str(tmp_path), source=source)
    (line,) = caught.value.lines
    assert line.startswith(str(path))
    assert ";" in line
    return line


# ---------------------------------------------------------------- workbooks


def rows_of_long_texts(number: int) -> Iterator[bytes]:
    text = b"x" * 32_000
    for row in range(3, number):
        yield b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>%s</t></is></c></row>' % (row, row, text)


def blanks(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield b" " * MEGABYTE


@pytest.mark.parametrize("content", [rows_of_long_texts(9_000), blanks(300)], ids=["long texts", "blanks"])
def test_a_workbook_that_unpacks_to_what_would_fill_its_memory_is_refused_in_one_line(
    content: Iterator[bytes], tmp_path: Path
) -> None:
    small, path = tmp_path / "small.xlsx", tmp_path / "stores.xlsx"
    workbooks.xlsx(small, {"S": [["store_id", "x"], [1, 2]]})
    with zipfile.ZipFile(small) as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name in plain.namelist():
            head, mark, tail = plain.read(name).partition(b"</sheetData>")
            with packed.open(name, "w", force_zip64=True) as part:
                part.write(head)
                for chunk in content if mark else ():
                    part.write(chunk)
                part.write(mark + tail)
    assert path.stat().st_size < 5 * MEGABYTE
    with pytest.raises(RawDataError) as caught:
        workbook_process.read(str(path), ExcelSettings(), "sources.external[0]", memory=100_000_000, folder=tmp_path)
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: cannot be read: its reader ")
    assert "needs more than 100 MB of memory" in line


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Make a module that does this when it is asked to read a file; its name."""

    def module(statement: str) -> str:
        (tmp_path / "odd_reader.py").write_text(
            "import sys, time\nfrom pathlib import Path\nfrom pipeline.engine.reading import own_process\n"
            f"def answer(question):\n    {statement}\nown_process.reply(answer)\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "odd_reader"

    return module


def asked(module: str, tmp_path: Path, memory: int | None = None) -> pa.Buffer:
    path = tmp_path / "stores.xlsx"
    path.write_bytes(b"x")
    return own_process.ask(module, str(path), {}, memory=memory, folder=tmp_path)


def test_a_reader_that_computes_without_end_is_stopped(reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "SECONDS", 2)
    with pytest.raises(RawDataError, match=r"stores.xlsx: cannot be read: its reader took more than 2 s of processor"):
        asked(reader("while True: pass"), tmp_path)


def test_a_reader_gets_no_more_memory_than_reading_may_take(reader, tmp_path: Path) -> None:
    assert asked(reader("bytearray(50_000_000)"), tmp_path, 100_000_000).size == 0
    with pytest.raises(RawDataError, match=r"stores.xlsx: .* needs more than 100 MB of memory; save it again"):
        asked(reader("bytearray(600_000_000)"), tmp_path, 100_000_000)


def test_a_full_disk_is_not_the_file_s_fault(reader, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"spill space ran out; free space under \[engine\] spill_folder"):
        asked(reader("raise OSError(28, 'No space left on device')"), tmp_path)


def test_a_module_of_the_user_s_folder_is_not_imported(reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "msgspec.py").write_text("raise SystemExit('a file of the user')")
    monkeypatch.chdir(folder)
    assert asked(reader("sys.stdout.write('read')"), tmp_path).to_pybytes() == b"read"


def test_a_reader_ends_with_a_run_that_is_killed(reader, tmp_path: Path) -> None:
    module, begun = reader("Path('BEGUN').write_text(str(__import__('os').getpid())); time.sleep(60)"), tmp_path / "pid"
    (tmp_path / "odd_reader.py").write_text((tmp_path / "odd_reader.py").read_text().replace("BEGUN", str(begun)))
    code = (
        "import sys; from pathlib import Path; from pipeline.engine.reading import own_process; "
        "own_process.ask(sys.argv[1], sys.argv[0] or __file__, {}, memory=None, folder=None)"
    )
    (tmp_path / "run.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    run = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), module], env=environment)
    wait_for(lambda: begun.exists() and begun.read_text() != "")
    pid = int(begun.read_text())
    assert is_running(pid)
    run.send_signal(signal.SIGKILL)
    run.wait()
    wait_for(lambda: not is_running(pid))


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "within 20 s"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("above", "line"),
    [("", b"a"), (HEADER, b"a"), (HEADER + '"', b"a\n"), ('"', b'","a\n'), (HEADER, b",")],
    ids=["header", "row", "quoted value", "quoted header", "row of blanks"],
)
@pytest.mark.parametrize("csv", [{}, {"encoding": "cp1252"}], ids=["read by DuckDB", "written anew"])
def test_a_line_without_end_is_refused_in_one_line(
    above: str, line: bytes, csv: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(gzip.compress(above.encode() + line * (8 * MEGABYTE // len(line)), 1))
    said = refusal(path, tmp_path, csv=CsvSettings(**csv))
    if above[-1:] != '"' or above == '"':
        assert "is longer than 2,000,000 characters" in said or "larger than field limit" in said


def test_a_row_that_duckdb_would_drop_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(f"{HEADER}1,a,Bread,1\n2,".encode() + b"a" * (40 * MEGABYTE) + b",Bread,1\n")
    assert "line 3: is longer than 2,000,000 characters" in refusal(path, tmp_path)


def test_a_long_value_where_keys_are_filled_down_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(f"{HEADER}1,{'a' * 200_000},Bread,1\n")
    assert "field larger than field limit" in refusal(path, tmp_path, csv=CsvSettings(fill_down=("store_id",)))


def test_a_line_of_the_greatest_length_is_read(tmp_path: Path) -> None:
    path, length = tmp_path / "sales.csv", rewriting.LONGEST - len("1,a,Bread,1,\n")
    path.write_text(f"{HEADER.strip()},note\n1,a,Bread,1,{'x' * length}\n")
    (tmp_path / "map.csv").write_text(MAP)
    for csv in (CsvSettings(), CsvSettings(encoding="cp1252")):
        tables = sales_tables(str(path), str(tmp_path / "map.csv"), str(tmp_path), source={"csv": csv})
        assert list(tables["sales_by_need_state"]["sales_cents"]) == [100]


def test_a_file_of_too_many_columns_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(f"{HEADER.strip()},{','.join(f'c{number}' for number in range(100_000))}\n")
    assert "has 100,004 columns, where at most 16,384 are read" in refusal(path, tmp_path)


# ---------------------------------------------------------------- packed files


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_file_that_unpacks_to_more_than_it_can_mean_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "UNPACKED", MEGABYTE)
    rows = HEADER.encode() + b"1,a,Bread,1\n" * MEGABYTE
    path = tmp_path / f"sales.csv.{'gz' if kind == 'gzip' else 'zip'}"
    if kind == "gzip":
        path.write_bytes(gzip.compress(rows, 9))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as packed:
            packed.writestr("sales.csv", rows)
    said = refusal(path, tmp_path, csv=CsvSettings(encoding="cp1252"))
    assert "unpacks to more than" in said
    assert said.endswith("unpack it, and set path to the unpacked file")


def test_a_packed_file_of_usual_text_is_read_whatever_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "UNPACKED", 1)
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(gzip.compress(HEADER.encode() + b"".join(b"%d,a,Bread,%d\n" % (n, n) for n in range(20_000))))
    with rewriting.open_bytes(str(path), "s") as file:
        assert len(file.read()) > 20_000 * len("1,a,Bread,1")


# ---------------------------------------------------------------- time and memory of this process


def test_reading_that_takes_longer_than_files_of_the_size_need_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limit, "SECONDS", 0)
    monkeypatch.setattr(time_limit, "BYTES_PER_SECOND", 1 << 40)
    monkeypatch.setattr(time_limit, "_EVERY", 0.01)
    path = tmp_path / "sales.csv"
    path.write_text(HEADER + "".join(f"{n},a,Bread,1\n" for n in range(300_000)))
    (tmp_path / "map.csv").write_text(MAP)
    with pytest.raises(RawDataError, match=r"[.]csv: took more than 0 s of processor time to read, which is more than"):
        sales_tables(str(path), str(tmp_path / "map.csv"), str(tmp_path))


def test_memory_that_runs_out_names_the_file() -> None:
    with (
        pytest.raises(PipelineError, match=r"^/data/sales.csv: memory ran out; see"),
        reading(["/data/sales.csv"], "s"),
    ):
        raise MemoryError
