"""Other systems than Linux, and machines that lack something: emulated, since the tests run on Linux."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from projects import Project

from pipeline.machine import processes, system

RUN = ("store-clustering", "run", "ExternalPreprocessing", "--workers", "2")
LUIGI = ("luigi", "--module", "pipeline.tasks", "ExternalPreprocessing", "--env", "dev", "--local-scheduler", "--workers", "2")  # fmt: skip
FORKSERVER = "import multiprocessing; multiprocessing.set_start_method('forkserver')"  # the default of Python 3.14
WINDOWS = "import sys; sys.platform = 'win32'"
# Libraries of Linux have to be imported before they are told that they are on macOS.
MACOS = """
import ctypes, multiprocessing, resource, sys
import duckdb, luigi, pandas, pyarrow.parquet, pyarrow.compute
multiprocessing.set_start_method('spawn')  # the default there
class NoFunctions:
    def __init__(self, *names, **options): pass
ctypes.CDLL = NoFunctions  # neither prctl nor mallopt
limit = resource.setrlimit
def setrlimit(kind, limits):
    if kind == resource.RLIMIT_AS: raise ValueError('current limit exceeds maximum limit')
    limit(kind, limits)
resource.setrlimit = setrlimit
sys.platform = 'darwin'
"""
NO_SEMAPHORES = """
import multiprocessing.synchronize
def refuse(*values): raise PermissionError(13, 'Permission denied')
multiprocessing.synchronize._multiprocessing.SemLock = refuse
"""


def on(system: str, project: Project, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a Python that is first made to be what this says."""
    site = tmp_path / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(system)
    environment = {**os.environ, "STORE_CLUSTERING_HOME": str(project.home), "PYTHONPATH": str(site)}
    program = Path(sys.executable).parent / words[0]
    return subprocess.run([str(program), *words[1:]], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("words", [RUN, LUIGI], ids=["run", "luigi"])
@pytest.mark.parametrize("system", [FORKSERVER, MACOS], ids=["Python 3.14", "macOS"])
def test_two_workers_build_whatever_the_default_start_of_processes_is(
    project: Project, tmp_path: Path, system: str, words: tuple[str, ...]
) -> None:
    done = on(system, project, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert project.path("outputs/dev/external_preprocessing/external_features.parquet").is_file()
    note = "note: this is tested on Linux; on darwin only by emulation"
    assert done.stderr.splitlines().count(note) == (1 if system == MACOS else 0)


def test_windows_is_refused_in_one_line_before_anything_is_imported(project: Project, tmp_path: Path) -> None:
    done = on(WINDOWS, project, tmp_path, "store-clustering", "status")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: this runs on Linux, and not on win32; on Windows, run it in WSL2\n"
    code = "import luigi, sys; sys.platform = 'win32'; import pipeline.tasks"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


@pytest.mark.parametrize("words", [RUN, LUIGI], ids=["run", "luigi"])
def test_a_machine_without_semaphores_is_said_in_one_line(
    project: Project, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = on(NO_SEMAPHORES, project, tmp_path, *words)
    assert done.returncode == 2
    assert done.stderr == (
        "error: processes cannot share a queue (Permission denied): /dev/shm is not there, or cannot be written; mount it, or start "
        "the container with --shm-size\n"
    )


def test_a_process_without_prctl_looks_for_its_parent_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "sys", SimpleNamespace(platform="darwin"))
    begun = tmp_path / "pid"
    parent = os.fork()
    if not parent:
        child = os.fork()
        if not child:
            processes.end_with(os.getppid())
            begun.write_text(str(os.getpid()))
            time.sleep(60)
            os._exit(0)
        while not begun.exists():
            time.sleep(0.01)
        os._exit(0)
    os.waitpid(parent, 0)
    pid, end = int(begun.read_text()), time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_a_limit_that_the_system_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    limited: list[int] = []

    def setrlimit(kind: int, limits: tuple[int, int]) -> None:
        if kind == processes.resource.RLIMIT_AS:
            raise ValueError
        limited.append(kind)

    monkeypatch.setattr(processes.resource, "setrlimit", setrlimit)
    processes.limit(1 << 30, 60)
    assert limited == [processes.resource.RLIMIT_CORE, processes.resource.RLIMIT_CPU]


def test_linux_says_nothing_of_itself(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    system.check()
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="freebsd14", stderr=sys.stderr))
    with pytest.raises(system.MachineError, match="this runs on Linux, and not on freebsd14"):
        system.check()
    assert capsys.readouterr().err == ""
