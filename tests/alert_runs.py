"""Runs as their records tell them, for the tests of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline.records.runs import Run


def a_run(*events: dict[str, Any], status: str = "done", tags: dict[str, str] | None = None) -> Run:
    began = datetime(2026, 11, 25, 2, 0, 5)
    return Run(
        "20261125T020005-0a1b2c3d", "dev", tags or {}, began, began.replace(minute=3), status, "ann", "box", [*events]
    )


def event(kind: str, task: str, **details: Any) -> dict[str, Any]:
    return {"event": kind, "task": task, "at": "2026-11-25T02:00:06", **details}
