"""The audit: one line per change that was asked for on the page, allowed or refused: who, when, what, from where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.records import runs
from pipeline.storage import durable


def file(logs: Path, env: str) -> Path:
    """The audit of an environment, beside its log."""
    return logs / f"workbench_{env}.jsonl"


def note(path: Path, action: str, origin: str, **details: Any) -> None:
    """Append a line, and sync it to the disk.

    Parameters
    ----------
    path : the audit
    action : what was asked for, such as `launch`
    origin : the address that asked
    details : what belongs to the action, such as the command

    Raises
    ------
    OSError : it cannot be written
    """
    line = {"at": runs.now().isoformat(timespec="milliseconds"), "who": runs.who(), "action": action, "origin": origin}
    durable.append(path, json.dumps(line | details, ensure_ascii=False))


def read(path: Path, last: int | None = 200) -> list[dict[str, Any]]:
    """The last lines, or all (None), the newest first; a line that is not complete is skipped. Empty without a file."""
    try:
        texts = durable.read(path).decode(errors="replace").splitlines()
    except OSError:
        return []
    lines = []
    for text in texts[-(last or 0) :]:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines[::-1]
