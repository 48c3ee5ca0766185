"""Who runs what now, whoever started it: from run records and from the locks that runs hold."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.records import runs

_LOCK = re.compile(r"^\d+: FLOCK +\S+ +\S+ +(?P<pid>\d+) +(?P<device>[0-9a-f]+:[0-9a-f]+):(?P<inode>\d+) ")
RUN_LOCK = "run"


def holders(folder: Path) -> dict[str, int]:
    """The process that holds each locked file of a folder, by the file's name, as the kernel lists it. Takes no lock itself.

    Empty if the folder does not exist, or where the kernel has no list.
    """
    try:
        inodes = {entry.inode(): entry.name for entry in os.scandir(folder)}
        number, lines = folder.stat().st_dev, Path("/proc/locks").read_text().splitlines()
    except OSError:
        return {}
    device = f"{os.major(number):02x}:{os.minor(number):02x}"
    locks = [match for line in lines if (match := _LOCK.match(line))]
    return {
        inodes[int(lock["inode"])]: int(lock["pid"])
        for lock in locks
        # some file systems (Btrfs) list another device, an anonymous one, than a file's status has
        if int(lock["inode"]) in inodes and (lock["device"] == device or lock["device"].startswith("00:"))
    }


@dataclass(frozen=True)
class Activity:
    """What runs now in an environment.

    Attributes
    ----------
    running : the runs that have a record and have not ended; a run gets its record with its first task
    holder : the process that holds the environment for its run; None if there is none, as for plain `luigi`
    building : the lock files of the tasks that are being built
    """

    running: list[runs.Run]
    holder: int | None
    building: list[str]

    @property
    def is_any(self) -> bool:
        """Whether any run goes on."""
        return bool(self.running or self.holder or self.building)


def activity(outputs: Path) -> Activity:
    """What runs now in the environment with this output folder."""
    locked = holders(outputs / ".locks")
    holder = locked.pop(RUN_LOCK, None)
    return Activity([run for run in _latest(outputs) if run.status == "running"], holder, sorted(locked))


def _latest(outputs: Path, last: int = 5) -> list[runs.Run]:
    paths = sorted((outputs / ".runs").glob("*.jsonl"))[-last:]
    return [run for path in paths if (run := runs.read(path))]


def fields(run: runs.Run) -> dict[str, Any]:
    """A run as JSON can hold it."""
    return {
        "run_id": run.run_id,
        "tags": run.tags,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "status": run.status,
        "user": run.user,
        "host": run.host,
        "events": run.events,
        "fresh": len(run.fresh),
        "alerts": run.alerts,
        "command": shlex.join([Path(run.command[0]).name, *run.command[1:]]) if run.command else "",
    }
