"""Console commands in processes of their own, forked from one that has imported the libraries that compute.

Importing them takes longer than what most of these commands do. The process that forks imports nothing of the project or
of Luigi: from there on, a command starts, reads its configuration and ends as it does from a shell.

    python tests/prepared_process.py [MODULE...]    # reads an order per line, answers with the exit code of each

Modules that are named are imported too: with them a command that many tests start costs little beside what it does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

_PREPARED = (
    "duckdb",
    "pandas",
    "pyarrow.parquet",
    "scipy.optimize",
    "scipy.spatial",
    "sklearn.cluster",
    "sklearn.ensemble",
    "sklearn.metrics",
)
# What a process reads of its environment as it starts cannot be given to one that has started.
_READ_AT_START = ("PYTHON", "LANG", "LC_", "MALLOC", "OPENBLAS", "OMP_")


@cache
def _server(_owner: int, modules: tuple[str, ...]) -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, __file__, *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    atexit.register(server.communicate)  # it ends where there is nothing left to read
    return server


def can_run(environ: dict[str, str]) -> bool:
    """Whether a process that has started can take on this environment, and is there for this thread."""
    differing = {
        name
        for name in environ.keys() | os.environ.keys()
        if name.startswith(_READ_AT_START) and environ.get(name) != os.environ.get(name)
    }
    alone = threading.current_thread() is threading.main_thread()
    return alone and differing <= {"OMP_NUM_THREADS"} and environ.get("OMP_NUM_THREADS") == "1"


def run(
    words: list[str],
    cwd: Path | str,
    environ: dict[str, str],
    timeout: float,
    *,
    modules: tuple[str, ...] = (),
    under: Sequence[str] = (),
    kill_after: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Like `subprocess.run` with text captured; `words` begin with the path of a console script of Python's.

    Parameters
    ----------
    modules : imported before the command starts, beside the libraries
    under : a tracer's command line, in which `{pid}` stands for the process; it is attached before the command starts
    kill_after : seconds after which the process is killed, it alone
    """
    server = _server(os.getpid(), modules)
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        streams = [f"/proc/{os.getpid()}/fd/{stream.fileno()}" for stream in (said, errors)]
        order = {"words": words, "cwd": str(cwd), "environ": environ, "streams": streams}
        order |= {"under": list(under), "kill_after": kill_after}
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        if not select.select([server.stdout], [], [], timeout)[0]:
            os.killpg(server.pid, 9)
            server.wait()
            atexit.unregister(server.communicate)
            _server.cache_clear()
            raise subprocess.TimeoutExpired(words, timeout)
        code = int(server.stdout.readline())
        texts = []
        for stream in (said, errors):
            stream.seek(0)
            texts.append(stream.read().decode())
    return subprocess.CompletedProcess(words, code, *texts)


def _ordered() -> dict[str, Any]:
    """Fork for every order; returns the order in the process that is to carry it out."""
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        child = os.fork()
        if not child:
            return order
        if order["kill_after"] is not None:
            time.sleep(order["kill_after"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    sys.exit()


def _become(order: dict[str, Any]) -> None:
    """Take on the surroundings of an ordered command."""
    os.setsid()
    for number, path in enumerate(("/dev/null", *order["streams"])):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    os.chdir(order["cwd"])
    sys.argv = list(order["words"])
    if order["under"]:
        _be_traced(order["under"])


def _be_traced(tracer: list[str]) -> None:
    """Have a tracer attach itself to this process."""
    quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    words = [word.replace("{pid}", str(os.getpid())) for word in tracer]
    attached = subprocess.Popen([*words, "-p", str(os.getpid())], **quiet)
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
        if attached.poll() is not None:
            sys.exit(f"the tracer ended: {tracer}")
        time.sleep(0.005)


def _carry_out(script: str) -> int:
    """Run a console script to its end; its exit code, as the interpreter would give it."""
    import runpy

    sys.path.insert(0, str(Path(script).parent))
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # an interpreter ends like this: the hook, and a 1
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _end(code: int) -> None:
    """End as an interpreter does, but for taking apart the libraries, which takes longer than most commands."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file: a console script has its own there
    _modules, sys.argv = sys.argv[1:], sys.argv[:1]
    for _name in (*_PREPARED, *_modules):
        importlib.import_module(_name)
    gc.collect()
    gc.freeze()
    _become(_ordered())
    _end(_carry_out(sys.argv[0]))
