"""Alerts about runs.

`findings` collects what people should look at, `message` writes the text, `send` sends it; this module decides whether to send.

A separate process sends the alert (`python -m pipeline.alerts ENV`): a run ends while Python shuts down, when Apprise's imports
and threads no longer work. A failing receiver cannot change the exit code of the run.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
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
    """Whether a run can send an alert at all: there is a URL, and the level is not `never`."""
    alerts = config.settings.alerts
    return alerts.level != "never" and any(alerts.urls)


def after_run(config: Config, run: Run | None, findings: Sequence[str], problem: str = "") -> None:
    """Send an alert about a finished run, if the level asks for it.

    Parameters
    ----------
    config : the environment
    run : the run's record; None if the run built nothing
    findings : what people should look at, one line each
    problem : why the run failed, if its record does not say it, such as a missing raw file
    """
    if not wanted(config):
        return
    from pipeline.alerts.message import compose

    message = compose(config, run, findings, problem)
    if _due(config, run, message, findings):
        _send_apart(config, {"title": message.title, "body": message.body, "kind": _kind(message, findings)})


def _send_apart(config: Config, message: dict[str, str]) -> None:
    command = [sys.executable, "-m", __name__, config.env]
    try:
        sent = subprocess.run(  # noqa: S603  # this program, with the name of a loaded environment
            command,
            input=json.dumps(message),
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


# Whether a run that succeeded is told of: by whether there is something to look at, and whether it built something.
SUCCESS_IS_TOLD: Mapping[str, Callable[[bool, bool], bool]] = {
    "never": lambda _noteworthy, _built: False,
    "failure": lambda _noteworthy, _built: False,
    "attention": lambda noteworthy, _built: noteworthy,
    "always": lambda noteworthy, built: noteworthy or built,
}


def _due(config: Config, run: Run | None, message: Message, findings: Sequence[str]) -> bool:
    built = bool(run and run.tasks(runs.BUILT))
    return message.outcome != "done" or SUCCESS_IS_TOLD[config.settings.alerts.level](bool(findings), built)


def _kind(message: Message, findings: Sequence[str]) -> Kind:
    if message.outcome != "done":
        return "failure"
    return "warning" if findings else "success"
