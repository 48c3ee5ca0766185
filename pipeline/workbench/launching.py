"""Launch and cancel runs. A run is a process of its own, with the command that a person would give; it survives the server."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import UsageError
from pipeline.records import runs
from pipeline.workbench import activity, audit

_JOB = re.compile(r"[A-Za-z_]{1,60}")
_OUTPUT = r"launched_{env}_\d{{8}}T\d{{6}}-[0-9a-f]{{8}}\.txt"


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A run that somebody asks for: the options of `store-clustering run`."""

    job: str = ""
    category: str = ""
    tags: list[str] = []
    workers: int = 1


def wanted(fields: Mapping[str, Any] | bytes) -> Wanted:
    """The fields as a `Wanted`.

    Raises
    ------
    UsageError : they are not those of a run; what a job or a category may be, the command itself checks
    """
    try:
        asked = (
            msgspec.json.decode(fields, type=Wanted) if isinstance(fields, bytes) else msgspec.convert(fields, Wanted)
        )
    except msgspec.MsgspecError as error:
        raise UsageError(f"this is no run that can be launched: {error}") from None
    if asked.job and not _JOB.fullmatch(asked.job):
        raise UsageError(f"job {asked.job!r} is no name of a job: choose one of the list")
    if not 1 <= asked.workers <= 64:
        raise UsageError(f"workers {asked.workers} is not possible: give a number from 1 to 64")
    return asked


def words(env: str, asked: Wanted) -> list[str]:
    """The command line of a run. Every value is joined to its option, so that none can be an option itself."""
    return [
        "store-clustering",
        "run",
        *([asked.job] if asked.job else []),
        "--env",
        env,
        *([f"--category={asked.category}"] if asked.category else []),
        *(f"--tag={tag}" for tag in asked.tags),
        *(["--workers", str(asked.workers)] if asked.workers != 1 else []),
    ]


def by_hand(command: list[str]) -> str:
    """The same command for a terminal."""
    return f"uv run {shlex.join(command)}"


def program() -> str:
    """The program `store-clustering` of this installation."""
    return str(Path(sys.executable).with_name("store-clustering"))


@dataclass
class Launched:
    """A run that was launched: its process, and the file with what it prints."""

    process: subprocess.Popen[bytes]
    output: Path


def launch(home: Path, logs: Path, env: str, command: list[str]) -> Launched:
    """Start a run in a session of its own.

    Raises
    ------
    OSError : the process cannot be started, or the file of its output cannot be written
    """
    logs.mkdir(parents=True, exist_ok=True)
    output = logs / f"launched_{env}_{runs.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.txt"
    with output.open("xb") as file:
        process = subprocess.Popen(  # noqa: S603  # our own program
            [program(), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=home,
            env={**os.environ, "STORE_CLUSTERING_HOME": str(home)},
            start_new_session=True,
        )
    return Launched(process, output)


def is_output(env: str, name: str) -> bool:
    """Whether a file has the name of one that a launch in this environment makes."""
    return re.fullmatch(_OUTPUT.format(env=re.escape(env)), name) is not None


def prune(logs: Path, env: str, keep: int) -> None:
    """Remove the oldest outputs of launched runs but for the last `keep`; only those that the audit says were made by a launch."""
    outputs = sorted(path for path in logs.glob(f"launched_{env}_*.txt") if is_output(env, path.name))
    audited = {line.get("output") for line in audit.read(audit.file(logs, env), last=None)} if outputs[:-keep] else ()
    for path in outputs[:-keep]:
        if path.name in audited:
            path.unlink(missing_ok=True)


def interrupt(outputs: Path, run_id: str) -> int:
    """Interrupt a run as Ctrl-C does; returns the number of its process.

    Parameters
    ----------
    outputs : the environment's output folder
    run_id : the run; empty is the process that holds the environment, which has no record before its first task

    Raises
    ------
    UsageError
        No such run goes on, it runs on another machine, or it belongs to another user.
    """
    now = activity.activity(outputs)
    if not run_id:
        pid, started = now.holder, runs.process_started(now.holder) if now.holder else ""
    else:
        run = next((run for run in now.running if run.run_id == run_id), None)
        pid, started = (run.pid, run.process_started) if run and run.is_here else (None, "")
    if pid is None or not started:
        raise UsageError("this run is not running any more, or runs on another machine: cancel it there")
    try:
        # The descriptor means this process for ever; its number could be given to another one in between.
        descriptor = os.pidfd_open(pid)
        with contextlib.closing(os.fdopen(descriptor, "rb", buffering=0)):
            if runs.process_started(pid) != started:
                raise UsageError("this run is not running any more")
            signal.pidfd_send_signal(descriptor, signal.SIGINT)
    except ProcessLookupError:
        raise UsageError("this run is not running any more") from None
    except PermissionError:
        raise UsageError(f"process {pid} belongs to another user, who can cancel it: kill -INT {pid}") from None
    return pid
