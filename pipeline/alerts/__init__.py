"""Alerts: who is told of a run, and of what.

`findings` says what there is to look at, `message` puts it into words, `send` sends it; here it is decided whether to.

An alert is sent by a process of its own (`python -m pipeline.alerts ENV`): a run ends while Python shuts down, when what
Apprise needs can be neither imported nor started; and whatever a receiver does to its sender, the run's exit code stands.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config.environment import Config
from pipeline.records import runs
from pipeline.records.runs import Run

if TYPE_CHECKING:
    from pipeline.alerts.message import Message
    from pipeline.alerts.send import Kind

LIMIT = 60  # seconds for all receivers together

log = logging.getLogger("luigi-interface.pipeline")


def wanted(config: Config) -> bool:
    """Whether an alert can come of a run at all: there is a URL, and the level is not never."""
    alerts = config.settings.alerts
    return alerts.level != "never" and any(alerts.urls)


def after_run(config: Config, run: Run | None, findings: Sequence[str], problem: str = "") -> None:
    """Send an alert of a run that has ended, where the level asks for one.

    Parameters
    ----------
    config : the environment
    run : the run's record; None where it did nothing that is recorded
    findings : what there is to look at, a line each
    problem : why it did not succeed, where its record does not say so, such as a raw file that is missing
    """
    if not wanted(config):
        return
    from pipeline.alerts.message import compose

    message = compose(config, run, findings, problem)
    if _due(config, run, message, findings):
        _send_apart(config, {"title": message.title, "body": message.body, "kind": _kind(message, findings)})


def _send_apart(config: Config, said: dict[str, str]) -> None:
    command = [sys.executable, "-m", __name__, config.env]
    try:
        sent = subprocess.run(  # noqa: S603  # this program, with the name of an environment that was loaded
            command,
            input=json.dumps(said),
            cwd=Path(__file__).parents[2],
            env={**os.environ, "STORE_CLUSTERING_HOME": str(config.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning("alert not sent: no receiver answered within %s s", LIMIT)
        return
    for line in sent.stdout.splitlines():
        log.warning("%s", line)


def _due(config: Config, run: Run | None, message: Message, findings: Sequence[str]) -> bool:
    level = config.settings.alerts.level
    if message.outcome != "done":
        return True
    if level == "always":
        return bool(findings) or bool(run and run.tasks(runs.BUILT))
    return level == "attention" and bool(findings)


def _kind(message: Message, findings: Sequence[str]) -> Kind:
    if message.outcome != "done":
        return "failure"
    return "warning" if findings else "success"
