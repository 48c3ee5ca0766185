"""A worker process ends with the run that started it."""

import ctypes
import os
import signal
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from pipeline.run import parent_process

PR_GET_PDEATHSIG = 2  # linux/prctl.h


def exit_code(act: Callable[[], int]) -> int:
    """What a forked process ends with; -N where signal N ended it, 99 where `act` failed."""
    child = os.fork()
    if not child:
        code = 99
        try:
            code = act()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dies_with_parent() -> int:
    """The signal that the kernel sends this process when its parent ends."""
    found = ctypes.c_int()
    ctypes.CDLL(None).prctl(PR_GET_PDEATHSIG, ctypes.byref(found))
    return found.value


def forked_by(pid: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = None if pid is None else SimpleNamespace(pid=pid)
    monkeypatch.setattr(parent_process.multiprocessing, "parent_process", lambda: parent)


def test_a_worker_ends_with_the_process_that_forked_it(monkeypatch: pytest.MonkeyPatch) -> None:
    forked_by(os.getpid(), monkeypatch)

    def tie() -> int:
        parent_process.end_with_parent()
        return dies_with_parent()

    assert exit_code(tie) == signal.SIGKILL


def test_a_process_that_nobody_forked_is_tied_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    forked_by(None, monkeypatch)
    parent_process.end_with_parent()
    parent_process.check_parent()
    assert dies_with_parent() == 0


@pytest.mark.parametrize("step", ["end_with_parent", "check_parent"])
@pytest.mark.parametrize(("lives", "code"), [(True, 7), (False, 1)])
def test_a_worker_whose_run_is_gone_leaves_before_it_publishes(
    monkeypatch: pytest.MonkeyPatch, step: str, lives: bool, code: int
) -> None:
    forked_by(os.getpid() if lives else os.getppid(), monkeypatch)

    def work() -> int:
        getattr(parent_process, step)()
        return 7

    assert exit_code(work) == code
