"""What is remembered of files: when it vouches for them, and how it is kept."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.freshness import memory as memories
from pipeline.freshness.memory import Memory

HOUR = 3_600_000_000_000


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was written an hour ago, as the clock has it."""
    path = tmp_path / "f"
    path.write_text("x")
    later = time.time_ns() + HOUR
    monkeypatch.setattr("pipeline.freshness.memory.time.time_ns", lambda: later)
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "below" / ".memory.json"


def numbered() -> Callable[[object], str]:
    """A different answer at each call."""
    calls: Iterator[int] = iter(range(100))
    return lambda _path: str(next(calls))


def test_a_file_that_changes_while_it_is_hashed_is_hashed_again(file: Path, kept: Path) -> None:
    memory, hashes = Memory(kept), numbered()

    def hashing(path: Path | str) -> str:
        file.write_text("longer")
        return hashes(path)

    assert memory.hash(file, hashing) == "0"
    assert not memory.changed
    assert memory.hash(file, hashes) == "1"
    assert memory.changed


def test_what_was_learnt_is_kept_and_nothing_is_written_without_news(file: Path, kept: Path) -> None:
    memory, hashes = Memory(kept), numbered()
    memory.save()
    assert not kept.exists()
    memory.hash(file, hashes)
    memory.save()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    before = kept.stat()
    again = Memory(kept)
    assert again.hash(file, hashes) == "0"
    assert not again.changed
    again.save()
    memory.save()
    assert kept.stat() == before


def test_what_a_killed_process_left_is_swept_and_other_files_stay(file: Path, kept: Path) -> None:
    kept.parent.mkdir()
    for name in ("..memory.json.77.tmp", ".other.77.tmp", ".memory.json.tmp"):
        (kept.parent / name).touch()
    memory = Memory(kept)
    memory.hash(file, numbered())
    memory.save()
    assert sorted(path.name for path in kept.parent.iterdir()) == [".memory.json", ".memory.json.tmp", ".other.77.tmp"]


def test_what_a_process_leaves_that_is_killed_while_it_saves_is_swept_by_the_next(
    file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(self: Path, target: Path) -> None:
        raise KilledError

    memory = Memory(kept)
    memory.hash(file, numbered())
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        patched.setattr(Path, "unlink", lambda *_, **__: None)  # a killed process removes nothing
        patched.setattr(os, "getpid", lambda: 77)
        with pytest.raises(KilledError):
            memory.save()
    assert len(list(kept.parent.iterdir())) == 1
    memory.save()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_memory_is_kept_where_not_even_the_folder_above_is_there(file: Path, kept: Path) -> None:
    below = kept.parent / "dev" / "trace" / "memory.json"
    memory = Memory(below)
    memory.hash(file, numbered())
    memory.save()
    assert below.is_file()


def test_a_memory_that_cannot_be_put_in_place_leaves_nothing_beside_it(file: Path, kept: Path) -> None:
    kept.mkdir(parents=True)
    memory = Memory(kept)
    memory.hash(file, numbered())
    memory.save()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert not memory.changed


def test_a_file_that_is_to_be_forgotten_is_read_again(file: Path, kept: Path) -> None:
    memory, hashes = Memory(kept), numbered()
    memory.forget(file)
    assert not memory.changed
    memory.hash(file, hashes)
    memory.save()
    memory.forget(file)
    assert memory.changed
    memory.save()
    assert Memory(kept).hash(file, hashes) == "1"
    memory.hash(file, hashes)
    memory.forget(file.with_name("unknown"))
    assert memory.changed, "what was learnt before is news still"


def test_a_module_is_parsed_once_per_change_and_across_processes(file: Path, kept: Path) -> None:
    hashes = numbered()

    def parse(path: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        return hashes(path), ("pipeline.core",), ("a.sql",)

    memory = Memory(kept)
    first = memory.module(file, parse)
    assert (first.hash, first.imports, first.files) == ("0", ("pipeline.core",), ("a.sql",))
    assert memory.changed
    assert memory.module(file, parse) == first
    memory.save()
    again = Memory(kept)
    assert again.module(file, parse) == first
    assert not again.changed
    file.write_text("other")
    assert again.module(file, parse).hash == "1"
    assert again.changed


def test_a_module_that_was_just_written_is_parsed_each_time(
    file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    hashes = numbered()
    memory = Memory(kept)
    found = [memory.module(file, lambda path: (hashes(path), (), ())).hash for _ in range(2)]
    assert found == ["0", "1"]


def test_versions_are_read_once_per_change_of_a_folder_and_across_processes(
    file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, versions = [str(file.parent / name) for name in ("one", "two")], numbered()
    for folder in folders:
        Path(folder).mkdir()

    def read() -> dict[str, str]:
        return {"pandas": versions("")}

    memory = Memory(kept)
    assert memory.libraries(folders, read) == {"pandas": "0"}
    assert memory.changed
    memory.save()
    again = Memory(kept)
    assert again.libraries(folders, read) == {"pandas": "0"}
    assert not again.changed
    (Path(folders[1]) / "new").touch()
    assert again.libraries(folders, read) == {"pandas": "1"}
    assert again.changed
    assert again.libraries(folders[:1], read) == {"pandas": "2"}, "another set of folders"
    monkeypatch.undo()
    (Path(folders[0]) / "newer").touch()
    assert [again.libraries(folders, read)["pandas"] for _ in range(2)] == ["3", "4"], "just changed: no stat vouches"


def test_a_memory_of_unknown_rules_is_none(file: Path, kept: Path) -> None:
    memory, hashes = Memory(kept, "rules"), numbered()
    memory.hash(file, hashes)
    memory.save()
    assert Memory(kept, "rules").hash(file, hashes) == "0"
    assert Memory(kept).hash(file, hashes) == "1"
    kept.write_bytes(b"\xff\xfe")
    assert Memory(kept, "rules").hash(file, hashes) == "2"


def test_the_stat_is_device_inode_size_and_both_times(file: Path) -> None:
    found = os.stat(file)  # noqa: PTH116  # as the memory asks
    times = (found.st_mtime_ns, found.st_ctime_ns)
    assert memories.signature(str(file)) == (found.st_dev, found.st_ino, found.st_size, *times)


@pytest.mark.parametrize("large", [1, 10**9], ids=["side by side", "one by one"])
def test_several_files_are_each_read_once_and_one_that_is_gone_has_no_hash(tmp_path, monkeypatch, large) -> None:
    monkeypatch.setattr("pipeline.freshness.memory._LARGE", large)
    later = time.time_ns() + 3_000_000_000
    monkeypatch.setattr("pipeline.freshness.memory.time.time_ns", lambda: later)
    paths = [tmp_path / str(number) for number in range(9)]
    for path in paths:
        path.write_text(path.name)
    read: list[str] = []

    def compute(path: Path | str) -> str:
        read.append(str(path))
        return Path(path).read_text()

    memory, threads = Memory(tmp_path / "memory.json"), threading.active_count()
    wanted = {path: path.name for path in paths} | {tmp_path / "gone": None}
    for _ in range(2):
        found = memory.hashes([*paths, tmp_path / "gone"], compute)
        assert found == wanted
        assert list(found) == list(wanted)
    assert sorted(read) == sorted(map(str, paths))
    assert threading.active_count() == threads, "no thread is left that a fork could lose"


def test_a_seal_holds_for_its_evidence_alone_and_is_kept(file: Path, kept: Path) -> None:
    memory = Memory(kept)
    assert not memory.sealed("task", "a")
    memory.seal("task", "a", [memories.signature(file)])
    memory.save()
    again = Memory(kept)
    assert again.sealed("task", "a")
    assert not again.sealed("task", "b")
    assert not again.sealed("other", "a")
    assert not again.changed


def test_nothing_is_sealed_while_a_file_may_change_without_a_new_stat(tmp_path: Path, file: Path, kept: Path) -> None:
    memory, seen = Memory(kept), memories.signature(file)
    now = time.time_ns()
    for times in ((now, seen[4]), (seen[3], now)):
        memory.seal("task", "a", [seen, (*seen[:3], *times)])
        assert not memory.sealed("task", "a")
    assert not memory.changed


def test_who_forgets_a_file_forgets_every_seal(file: Path, kept: Path) -> None:
    memory = Memory(kept)
    memory.seal("task", "a", [memories.signature(file)])
    memory.forget(file)
    assert not memory.sealed("task", "a")


def test_while_a_look_lasts_a_file_is_looked_at_once(file: Path, kept: Path) -> None:
    memory = Memory(kept)
    memory.stats = {}
    missing = file.with_name("missing")
    before = memory.stat(str(file))
    assert before == memories.signature(file)
    assert memory.stat(str(missing)) is None
    file.write_text("longer")
    missing.write_text("there now")
    assert memory.stat(str(file)) == before
    assert memory.stat(str(missing)) is None
    memory.stats = None
    assert memory.stat(str(file)) == memories.signature(file) != before
    assert memory.stat(str(missing)) is not None


def test_a_hash_is_known_where_it_was_remembered_and_the_stat_vouches_for_it(file: Path, kept: Path) -> None:
    memory = Memory(kept)
    assert memory.remembered(str(file)) is None
    assert memory.remembered(str(file.with_name("missing"))) is None
    memory.hash(file, lambda _: "a hash")
    assert memory.remembered(str(file)) == "a hash"
    file.write_text("longer")
    assert memory.remembered(str(file)) is None
