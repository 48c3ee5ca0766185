"""Locks, and the ties of a worker to its run."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pipeline.errors import AlreadyRunningError
from pipeline.storage import locks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a" / "b" / "lock"


def is_free(path: Path) -> bool:
    try:
        with locks.held(path, wait=False):
            return True
    except AlreadyRunningError:
        return False


def test_a_lock_is_held_for_the_time_of_the_block_and_its_file_says_by_whom(path: Path) -> None:
    with locks.held(path):
        assert path.read_text() == f"process {os.getpid()}"
        assert not is_free(path)
    assert path.exists()
    assert is_free(path)


def test_a_lock_is_dropped_when_the_block_fails(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locks.held(path):
        raise ZeroDivisionError
    assert is_free(path)


def test_what_an_earlier_holder_wrote_is_replaced(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("process 1234567890123456789")
    with locks.held(path):
        assert path.read_text() == f"process {os.getpid()}"


def test_who_will_not_wait_is_told_who_holds_it(path: Path) -> None:
    said = rf"^process {os.getpid()} is already running here; wait for it, or give --wait \({path}\)$"
    with locks.held(path), pytest.raises(AlreadyRunningError, match=said), locks.held(path, wait=False):
        pass


def test_a_holder_that_left_no_name_is_another_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(locks.os, "ftruncate", full)
    with locks.held(path):
        assert path.read_text() == ""
        with pytest.raises(AlreadyRunningError, match=r"^another process is"), locks.held(path, wait=False):
            pass


def test_who_waits_is_told_for_whom_and_gets_it_afterwards(path: Path) -> None:
    told: list[str] = []
    got, waits = threading.Event(), threading.Event()

    def wait() -> None:
        with locks.held(path, waiting=lambda holder: (told.append(holder), waits.set())):
            got.set()

    with locks.held(path):
        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        assert waits.wait(10)
        assert not got.wait(0.1)
    assert got.wait(10)
    waiter.join(10)
    assert told == [f"process {os.getpid()}"]


def test_who_waits_without_a_word_gets_it_too(path: Path) -> None:
    got = threading.Event()

    def wait() -> None:
        with locks.held(path):
            got.set()

    with locks.held(path):
        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        assert not got.wait(0.1)
    assert got.wait(10)
    waiter.join(10)


def test_a_lock_that_is_free_is_waited_for_by_nobody(path: Path) -> None:
    told: list[str] = []
    with locks.held(path, waiting=told.append):
        assert told == []
