"""Run records: who ran what, when, with which tags, and the outcome of each task.

One file per run that built something, failed or has tags, `outputs/<env>/.runs/<run_id>.jsonl`: a line at the start, a line per task that was
built, cut off or failed, and a line at the end. Every process of the run may append lines. The settings, with defaults, are
stored beside it as `<run_id>.toml`.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import secrets
import socket
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import msgspec

from pipeline.config.environment import Config
from pipeline.storage import durable
from pipeline.storage.durable import naming
from pipeline.wording.variables import all_hidden

BUILT, CUT_OFF, FAILED = "built", "cut off", "failed"

_SETTINGS_OF = "# The settings of run {}"

_run_id = ""
_leader = 0


def now() -> datetime:
    """The time, UTC, without a zone."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def current() -> str:
    """The id of this process's run; a worker process has the id of its leader."""
    global _run_id, _leader
    if not _run_id:
        _run_id = _new_id(now())
        _leader = os.getpid()
    return _run_id


def _new_id(moment: datetime) -> str:
    """The second, the millisecond in three hexadecimal digits, and five random ones: in the order of their names, runs are oldest first."""
    return f"{moment:%Y%m%dT%H%M%S}-{moment.microsecond // 1000:03x}{secrets.token_hex(3)[:5]}"


def renew() -> None:
    """Begin another run in this process."""
    global _run_id
    _run_id = ""
    current()


def folder(config: Config) -> Path:
    """The folder of an environment's run records."""
    return config.outputs / ".runs"


def record(config: Config, tags: dict[str, str], event: str, task: str, **details: Any) -> None:
    """Append the outcome of a task; the first event of a run starts its record.

    Parameters
    ----------
    config : the environment
    tags : the run's tags
    event : `BUILT`, `CUT_OFF` or `FAILED`
    task : the task's name
    details : further fields, such as the reason and the seconds
    """
    begin(config, tags)
    path = folder(config) / f"{current()}.jsonl"
    _append(path, {"event": event, "task": task, "at": now().isoformat(timespec="milliseconds"), **details})


def begin(config: Config, tags: dict[str, str]) -> None:
    """Start the record of a run, if no event has."""
    path = folder(config) / f"{current()}.jsonl"
    if not path.exists():
        _start(config, tags, path)


def _start(config: Config, tags: dict[str, str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return
    os.close(descriptor)
    _append(
        path,
        {
            "event": "started",
            "run_id": current(),
            "env": config.env,
            "tags": tags,
            "at": now().isoformat(timespec="milliseconds"),
            "user": who(),
            "host": socket.gethostname(),
            "pid": _leader,
            "process_started": process_started(_leader),
            "command": sys.argv,
        },
    )
    _store_settings(config, path.with_suffix(".toml"))
    _prune(config)


def _prune(config: Config) -> None:
    """Remove the oldest records beyond `[logging] keep_runs`, with their settings; never a file that is no record of a run that ended."""
    for path in sorted(folder(config).glob("*.jsonl"))[: -config.settings.logging.keep_runs]:
        run = read(path)
        if run is None or run.run_id != path.stem or run.status == "running":
            continue
        settings = path.with_suffix(".toml")
        for file, start in ((settings, _SETTINGS_OF.format(run.run_id)), (path, "")):
            with suppress(OSError):
                if file.is_file() and file.read_text(encoding="utf-8", errors="replace").startswith(start):
                    file.unlink()


def who() -> str:
    """The user who runs this process: the name, or the number if there is no name (as in a container)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _store_settings(config: Config, path: Path) -> None:
    import tomli_w

    resolved = _without_none(_as_written(msgspec.to_builtins(config.settings), config.written))
    path.write_text(
        f"{_SETTINGS_OF.format(current())}, defaults included; ${{...}} is as written.\n" + tomli_w.dumps(resolved),
        encoding="utf-8",
    )


def _as_written(resolved: Any, written: Any) -> Any:
    """The resolved settings; texts with environment variables stay as written in the config."""
    if isinstance(resolved, dict):
        keys = written if isinstance(written, dict) else {}
        return {key: _as_written(value, keys.get(key)) for key, value in resolved.items()}
    if isinstance(resolved, list | tuple):
        items = written if isinstance(written, list) else []
        return [_as_written(value, items[i] if i < len(items) else None) for i, value in enumerate(resolved)]
    return written if isinstance(written, str) and "${" in written else resolved


def _without_none(value: Any) -> Any:
    """TOML has no null: a setting without a value is left out."""
    if isinstance(value, dict):
        return {key: _without_none(below) for key, below in value.items() if below is not None}
    return [_without_none(below) for below in value] if isinstance(value, list | tuple) else value


def _append(path: Path, line: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        with naming(path):
            # a letter that UTF-8 cannot encode, for example in a file name, becomes a question mark, so that the line is not lost
            os.write(descriptor, (json.dumps(all_hidden(line), ensure_ascii=False) + "\n").encode(errors="replace"))
    finally:
        os.close(descriptor)


def finish(config: Config, fresh: Collection[str], status: str | None = None) -> None:
    """Write the last line of the record, if there is one, with the `status`; default: failed if a task failed, else done."""
    run = this(config)
    if run is not None and run.finished_at is None:
        status = status or ("failed" if run.tasks(FAILED) else "done")
        untouched = sorted(set(fresh) - {line["task"] for line in run.events})
        last = {"event": "finished", "status": status, "fresh": untouched}
        _append(folder(config) / f"{run.run_id}.jsonl", last | {"at": now().isoformat(timespec="milliseconds")})


def record_alert(config: Config, run_id: str, title: str, problems: list[str]) -> None:
    """Append that an alert about a run was sent; `problems` are the receivers that it did not reach. An error of the disk is let go."""
    with contextlib.suppress(OSError):
        line = {"event": "alert", "title": title, "problems": problems, "at": now().isoformat(timespec="milliseconds")}
        _append(folder(config) / f"{run_id}.jsonl", line)


@dataclass(frozen=True)
class Run:
    """A run, read from its record.

    `status` is running, done, failed or interrupted (its process is gone, but the record has no end). `events` are the lines
    of its tasks, in order; `fresh` are the fresh tasks, recorded at the end. `pid` and `process_started` identify its process on `host`.
    `alerts` are the lines of the alerts about it.
    """

    run_id: str
    env: str
    tags: dict[str, str]
    started_at: datetime
    finished_at: datetime | None
    status: str
    user: str
    host: str
    events: list[dict[str, Any]] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    pid: int = 0
    process_started: str = ""
    command: list[str] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_here(self) -> bool:
        """Whether it ran on this machine."""
        return self.host == socket.gethostname()

    def tasks(self, event: str) -> list[dict[str, Any]]:
        """The events of this kind."""
        return [line for line in self.events if line["event"] == event]


class _Started(msgspec.Struct):
    run_id: str
    env: str
    tags: dict[str, str]
    at: str
    user: str
    host: str
    pid: int
    process_started: str = ""
    command: list[str] = []


class _Task(msgspec.Struct):
    task: str
    reason: str = ""
    error: str = ""
    seconds: float = 0.0
    findings: list[str] = []
    notes: list[str] = []


class _Finished(msgspec.Struct):
    at: str
    status: Literal["done", "failed", "interrupted"]
    fresh: list[str] = []


class _Alert(msgspec.Struct):
    title: str
    problems: list[str] = []


_Line = _Started | _Task | _Finished | _Alert
_LINES: dict[str, type[_Line]] = {
    "started": _Started,
    BUILT: _Task,
    CUT_OFF: _Task,
    FAILED: _Task,
    "finished": _Finished,
    "alert": _Alert,
}


def read(path: Path) -> Run | None:
    """The run in this file; None if this is not a run record. Incomplete lines, as after a kill, are skipped."""
    try:
        lines = [pair for pair in map(_parse, durable.read(path).split(b"\n")) if pair]
        first = next(content for _, content in lines if isinstance(content, _Started))
        last = next((content for _, content in lines if isinstance(content, _Finished)), None)
        return Run(
            first.run_id,
            first.env,
            first.tags,
            _moment(first.at),
            _moment(last.at) if last else None,
            last.status if last else ("running" if _is_running(first) else "interrupted"),
            first.user,
            first.host,
            [line for line, content in lines if isinstance(content, _Task)],
            last.fresh if last else [],
            first.pid,
            first.process_started,
            first.command,
            [line for line, content in lines if isinstance(content, _Alert)],
        )
    except (OSError, StopIteration, ValueError, OverflowError):
        return None


def _parse(text: bytes) -> tuple[dict[str, Any], _Line] | None:
    """A line as a mapping, and converted; None if it is not a line of a run record."""
    try:
        line: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        return line, msgspec.convert(line, _LINES[line["event"]])
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeDecodeError, RecursionError):
        return None


def _moment(text: str) -> datetime:
    """A time of a record, in UTC; another time zone is converted."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else moment


def process_started(pid: int) -> str:
    """When a process started, in clock ticks since the machine did: the number of a process is given again. Empty where unknown."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_running(first: _Started) -> bool:
    if first.host != socket.gethostname():
        return True
    if first.process_started and process_started(first.pid) not in ("", first.process_started):
        return False
    try:
        os.kill(max(first.pid, 1), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def this(config: Config) -> Run | None:
    """This process's run, read from its record; None if it built nothing."""
    path = folder(config) / f"{current()}.jsonl"
    return read(path) if path.exists() else None


def every(config: Config, last: int | None = None) -> Iterator[Run]:
    """The environment's runs, oldest first; only the last `last` of them, if given."""
    for path in sorted(folder(config).glob("*.jsonl"))[-(last or 0) :]:
        run = read(path)
        if run is not None:
            yield run
