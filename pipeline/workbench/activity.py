"""Who runs what now, whoever started it: from run records and from the locks that runs hold."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.records import runs
from pipeline.workbench.history import History

_LOCK = re.compile(r"^\d+: FLOCK +\S+ +\S+ +(?P<pid>\d+) +(?P<device>[0-9a-f]+:[0-9a-f]+):(?P<inode>\d+) ")
RUN_LOCK = "run"
_LATEST = 5  # runs among which those that go on are


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
    return of(outputs, History(outputs / ".runs"))


def of(outputs: Path, history: History) -> Activity:
    """The same, from a history that remembers the runs that ended."""
    locked = holders(outputs / ".locks")
    holder = locked.pop(RUN_LOCK, None)
    return Activity(
        [run for run in reversed(history.latest(_LATEST)) if run.status == "running"], holder, sorted(locked)
    )
