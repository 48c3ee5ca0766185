from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest

from pipeline.duck.spill import MARK, spill_folder, subfolder
from pipeline.engine import connections
from pipeline.errors import RawDataError, SettingsError


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    path = tmp_path / "a[1]*?'s.csv"
    path.write_text("a,b\n1,2\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    return path


def test_only_the_files_of_the_source_can_be_opened_and_nothing_be_set(allowed: Path, tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    with connections.connect([str(allowed)], memory_limit="", threads=1, spill=str(spill)) as connection:
        assert connections.rows(connection, f"SELECT * FROM read_csv({connections.literal(str(allowed))})") == [(1, 2)]
        for refused in (
            f"SELECT * FROM read_csv('{tmp_path}/other.csv')",
            "SELECT * FROM read_csv('/etc/passwd')",
            f"COPY (SELECT 1) TO '{tmp_path}/copied.csv'",
            f"ATTACH '{tmp_path}/a.duckdb'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SET memory_limit = '1GB'",
            "SELECT * FROM allowed",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(refused).fetchall()
        names = ("autoload_known_extensions", "preserve_insertion_order", "python_enable_replacements")
        found = connections.rows(connection, "SELECT value FROM duckdb_settings() WHERE name IN (?, ?, ?)", names)
        assert found == [("false",)] * 3
    assert list(subfolder(str(spill)).iterdir()) == []


def test_work_that_exceeds_the_memory_limit_spills_into_a_folder_that_is_then_removed(tmp_path: Path) -> None:
    with connections.connect([], memory_limit="400MB", threads=1, spill=str(tmp_path)) as connection:
        connections.create(connection, "many", "SELECT range AS n, hash(range) AS h FROM range(20000000)")
        assert any(path.stat().st_size for path in tmp_path.glob("*/*/*"))
    assert list(subfolder(str(tmp_path)).iterdir()) == []


def test_a_value_that_duckdb_refuses_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match=r"\[engine\]: DuckDB refuses threads = -1"),
        connections.connect([], memory_limit="", threads=-1, spill=str(tmp_path)),
    ):
        pass


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_spill_folder_that_cannot_be_made_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SettingsError, match=r"^\[engine\] spill_folder: .*/file.*; set a folder that can be written$"),
        connections.connect([], memory_limit="", threads=1, spill=f"{tmp_path}/file{below}"),
    ):
        pass


def test_an_error_of_the_caller_s_own_is_not_taken_for_one_of_the_spill_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(PermissionError),
        connections.connect([], memory_limit="", threads=1, spill=str(tmp_path)),
    ):
        raise PermissionError("a raw file")


def test_no_other_process_takes_a_new_spill_folder_for_a_left_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, others = tempfile.mkdtemp, []

    def made(*words: object, **options: object) -> str:
        """Another one comes just after the folder was made, and before it is held."""
        monkeypatch.setattr(tempfile, "mkdtemp", make)
        folder = make(*words, **options)
        others.append(subprocess.Popen([sys.executable, "-c", ANOTHER, str(tmp_path)]))
        with contextlib.suppress(subprocess.TimeoutExpired):
            others[0].wait(2)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", made)
    with spill_folder(str(tmp_path)) as folder:
        assert others[0].wait(30) == 0
        assert folder.is_dir()


ANOTHER = (
    "import sys; from pipeline.duck.spill import MARK, spill_folder, subfolder; spill_folder(sys.argv[1]).__enter__()"
)


def test_what_a_killed_process_left_is_swept_and_what_another_one_holds_is_not(tmp_path: Path) -> None:
    root = subfolder(str(tmp_path))
    left, held = root / "duckdb-left", root / "duckdb-held"
    for folder in (left, held):
        folder.mkdir(parents=True)
        (folder / MARK).touch()
        (folder / "block.tmp").write_text("x")
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with spill_folder(str(tmp_path)):
            assert not left.exists()
            assert (held / "block.tmp").exists()
    finally:
        os.close(handle)


def test_nothing_of_the_user_s_in_the_folder_to_spill_into_is_ever_removed(tmp_path: Path) -> None:
    archive, unmarked = tmp_path / "duckdb-archive", subfolder(str(tmp_path)) / "duckdb-notes"
    elsewhere, link = tmp_path / "elsewhere", subfolder(str(tmp_path)) / "duckdb-link"
    for folder in (archive, unmarked, elsewhere):
        folder.mkdir(parents=True)
        (folder / "data").write_text("mine")
    (elsewhere / MARK).touch()
    link.symlink_to(elsewhere)
    with spill_folder(str(tmp_path)):
        pass
    assert [(folder / "data").read_text() for folder in (archive, unmarked, elsewhere)] == ["mine"] * 3


def test_a_link_in_place_of_our_subfolder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    subfolder(str(tmp_path)).symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(
            SettingsError,
            match=r"^\[engine\] spill_folder: .*store-clustering-spill-.*set a folder that can be written",
        ),
        connections.connect([], memory_limit="", threads=1, spill=str(tmp_path)),
    ):
        pass


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "Invalid Input Error: CSV Error on Line: 3\nOriginal Line: 4,5\nExpected Number of Columns: 3 Found: 2\nx",
            "/raw/a.csv, line 3: 2 fields where the header has 3; correct the line",
        ),
        (
            "Invalid Input Error: CSV Error on Line: 2\nOriginal Line: 1\nValue with unterminated quote found.\n\nPossible",
            "/raw/a.csv, line 2: a quoted value does not end",
        ),
        (
            "Invalid Input Error: CSV Error on Line: 2\nOriginal Line: ?\nInvalid unicode (byte sequence mismatch) detected.",
            "/raw/a.csv, line 2: bytes that are not text in this encoding; set encoding in [sources.x] csv",
        ),
        (
            "Invalid Input Error: CSV Error on Line: 9\nOriginal Line: x\nMaximum line size of 2000000 bytes exceeded.\nmore",
            "/raw/a.csv, line 9: Maximum line size of 2000000 bytes exceeded.; correct the line",
        ),
        (
            "Invalid Input Error: No magic bytes\n at the end",
            "/raw/a.csv: cannot be read: No magic bytes; write the file",
        ),
        ("IO Error: \x1b[31mred", "/raw/a.csv: cannot be read: ?[31mred; write the file"),
    ],
)
def test_an_error_of_duckdb_becomes_one_line_with_file_and_next_step(message: str, said: str) -> None:
    with pytest.raises(RawDataError) as caught, connections.reading(["/raw/a.csv"], "sources.x"):
        raise duckdb.Error(message)
    assert str(caught.value).startswith(said)
    assert "[sources.x]" in str(caught.value)
    assert len(caught.value.lines) == 1


def test_of_several_files_the_one_in_the_message_is_named() -> None:
    with (
        pytest.raises(RawDataError, match=r"^/raw/b\.parquet: cannot be read"),
        connections.reading(["/raw/a.parquet", "/raw/b.parquet"], "sources.x"),
    ):
        raise duckdb.Error("No magic bytes in '/raw/b.parquet'")
