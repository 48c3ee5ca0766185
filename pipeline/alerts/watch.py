"""Watch a run from another process: one that hangs cannot say so itself."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from pipeline.config.environment import Config

_SECONDS_PER_HOUR = 3600
_PATIENCE = 5  # seconds that a watcher has to end


def start(config: Config) -> subprocess.Popen[bytes] | None:
    """Start to watch this run; None if its settings have no `max_hours`, or no receiver."""
    alerts = config.settings.alerts
    if alerts.max_hours is None or alerts.level == "never" or not any(alerts.urls):
        return None
    from pipeline.alerts.message import compose_overdue

    message = compose_overdue(config, alerts.max_hours)
    watcher = subprocess.Popen(  # noqa: S603  # this program, with the name of a loaded environment
        [sys.executable, "-m", "pipeline.alerts", config.env, str(alerts.max_hours * _SECONDS_PER_HOUR)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "STORE_CLUSTERING_HOME": str(config.home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is for the run
    )
    request = {"alert": {"title": message.title, "body": message.body, "kind": "failure"}, "heartbeat": False}
    _write(watcher, json.dumps(request).encode() + b"\n")
    return watcher


def stop(watcher: subprocess.Popen[bytes]) -> None:
    """Say that the run ended."""
    _write(watcher, b"ended\n")
    with contextlib.suppress(OSError):
        if watcher.stdin:
            watcher.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        watcher.wait(_PATIENCE)


def _write(watcher: subprocess.Popen[bytes], text: bytes) -> None:
    with contextlib.suppress(OSError):  # it has sent its alert, and ended
        if watcher.stdin:
            watcher.stdin.write(text)
            watcher.stdin.flush()
