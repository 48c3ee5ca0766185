"""The runs of an environment, from their records. A record is read again only if it changed, or its run ended without a last line."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.records import runs
from pipeline.workbench.configs import Signature, signature

_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class History:
    """The records in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_before: dict[Path, tuple[Signature, runs.Run]] = {}

    def latest(self, last: int) -> list[runs.Run]:
        """The last runs, the newest first."""
        paths = sorted(self._folder.glob("*.jsonl"))
        for gone in self._read_before.keys() - set(paths):
            del self._read_before[gone]
        return [run for path in reversed(paths[-last:]) if (run := self._read(path))]

    def run(self, run_id: str) -> runs.Run | None:
        """The run with this id; None if there is none."""
        return self._read(self._folder / f"{run_id}.jsonl") if _ID.fullmatch(run_id) else None

    def _read(self, path: Path) -> runs.Run | None:
        written = signature(path)
        seen, run = self._read_before.get(path, (None, None))
        if run is None or seen != written or (run.status == "running" and not _goes_on(run)):
            run = runs.read(path)
            if run is not None:
                self._read_before[path] = (written, run)
        return run


def _goes_on(run: runs.Run) -> bool:
    """Whether the process of a run is certainly still there."""
    return run.is_here and bool(run.process_started) and runs.process_started(run.pid) == run.process_started


def summary(run: runs.Run) -> dict[str, Any]:
    """What a list of runs says of one: its outcome with the number of its tasks, and its first error."""
    return {
        "run_id": run.run_id,
        "tags": run.tags,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "status": run.status,
        "user": run.user,
        "host": run.host,
        "tasks": len(run.events),
        "counts": Counter(line["event"] for line in run.events),
        "error": next((line["error"] for line in run.events if line.get("error")), ""),
        "command": shlex.join([Path(run.command[0]).name, *run.command[1:]]) if run.command else "",
    }


def whole(run: runs.Run) -> dict[str, Any]:
    """All that is known of a run."""
    return summary(run) | {"events": run.events, "fresh": len(run.fresh), "alerts": run.alerts}


def failures(run: runs.Run) -> dict[str, str]:
    """The error of each task that failed in a run, by the task's name."""
    return {line["task"]: str(line.get("error", "")) for line in run.tasks(runs.FAILED)}


def builds(all_runs: list[runs.Run], table: str) -> list[dict[str, Any]]:
    """Each build of a table: its run, and how many rows it wrote, why, in how many seconds. Those of single categories are left out."""
    return [
        {
            "run_id": run.run_id,
            "at": line["at"],
            "rows": line["rows"][table],
            "seconds": line["seconds"],
            "reason": line.get("reason", ""),
        }
        for run in all_runs
        for line in run.tasks(runs.BUILT)
        if table in line.get("rows", {}) and "(" not in line["task"]
    ]
