"""What the leading process is told before it imports what computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipeline.run import process

CODE = """
import gc, json
from pipeline.run.session import session
session.prepare(("numpy", "sklearn.cluster"))
from threadpoolctl import threadpool_info
print(json.dumps([gc.get_freeze_count(), sorted({one["num_threads"] for one in threadpool_info()})]))
"""


def prepared(**environ: str) -> tuple[int, list[int]]:
    """How many objects are not searched for garbage, and the threads that the libraries use."""
    inherited = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**inherited, **environ}, capture_output=True, text=True, check=True
    )
    frozen, threads = json.loads(done.stdout)
    return frozen, threads


def test_libraries_use_one_thread_and_what_they_are_made_of_is_no_garbage() -> None:
    frozen, threads = prepared()
    assert threads == [1]
    assert frozen > 50_000


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor has one thread")
def test_who_asks_for_more_threads_gets_them() -> None:
    _, threads = prepared(OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")
    assert threads == [2]


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    class Other:
        pass

    for variable in process._THREADS:
        monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(process.ctypes, "CDLL", lambda name: asked.append(name) or Other())
    process.set_up()
    assert asked == [None]
