"""Alerts about runs.

`findings` collects what people should look at, `message` writes the text, `send` sends it, `watch` looks after a run that takes too
long; this module decides whether to send.

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

from pipeline.config.environment import Config, alerts_alone
from pipeline.errors import worded
from pipeline.records import runs
from pipeline.records.runs import Run

if TYPE_CHECKING:
    from pipeline.alerts.message import Message
    from pipeline.alerts.send import Kind

LIMIT = 60  # seconds for all receivers together

log = logging.getLogger("luigi-interface.pipeline")


def wanted(config: Config) -> bool:
    """Whether a run can send anything at all: an alert or a heartbeat."""
    return _alerts(config) or bool(config.settings.alerts.heartbeat_url)


def _alerts(config: Config) -> bool:
    """Whether there is a URL for alerts, and the level is not `never`."""
    alerts = config.settings.alerts
    return alerts.level != "never" and any(alerts.urls)


def after_run(config: Config, run: Run | None, findings: Sequence[str], problem: str = "") -> None:
    """Send an alert about a finished run, if the level asks for it, and a heartbeat if it ended well.

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
    is_due = _alerts(config) and _due(config, message, findings)
    is_alive = message.outcome == "done" and bool(config.settings.alerts.heartbeat_url)
    if is_due or is_alive:
        alert = {"title": message.title, "body": message.body, "kind": _kind(message, findings)} if is_due else {}
        problems = _send_apart(config, {"alert": alert, "heartbeat": is_alive})
        if run is not None and is_due:
            runs.record_alert(config, run.run_id, message.title, problems)


def refused(env: str, error: BaseException) -> None:
    """Send an alert about a run that could not begin, such as one with a config that cannot be used.

    If the environment's `[alerts]` can't be read either, a line on standard error says that nothing was sent.
    """
    config = alerts_alone(env)
    if config is None:
        sys.stderr.write(
            f"warning: no alert was sent: [alerts] of environment {env} cannot be read either; correct configs/base.toml or "
            f"configs/{env}.toml\n"
        )
    elif _alerts(config):
        from pipeline.alerts.message import compose_refusal

        message = compose_refusal(config, worded(error))
        _send_apart(
            config, {"alert": {"title": message.title, "body": message.body, "kind": "failure"}, "heartbeat": False}
        )


def _send_apart(config: Config, request: Mapping[str, object]) -> list[str]:
    """Send in a process of its own; returns what went wrong, a line each, which is logged too."""
    command = [sys.executable, "-m", __name__, config.env]
    try:
        sent = subprocess.run(  # noqa: S603  # this program, with the name of an environment
            command,
            input=json.dumps(request),
            cwd=Path(__file__).parents[2],
            env={**os.environ, "STORE_CLUSTERING_HOME": str(config.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problems = [f"alert not sent: no receiver answered within {LIMIT} s"]
    else:
        problems = sent.stdout.splitlines()
    for line in problems:
        log.warning("%s", line)
    return problems


# Whether a run that succeeded is told of, by whether there is something to look at.
SUCCESS_IS_TOLD: Mapping[str, Callable[[bool], bool]] = {
    "never": lambda _noteworthy: False,
    "failure": lambda _noteworthy: False,
    "attention": lambda noteworthy: noteworthy,
    "always": lambda _noteworthy: True,
}


def _due(config: Config, message: Message, findings: Sequence[str]) -> bool:
    return message.outcome != "done" or SUCCESS_IS_TOLD[config.settings.alerts.level](bool(findings))


def _kind(message: Message, findings: Sequence[str]) -> Kind:
    if message.outcome != "done":
        return "failure"
    return "warning" if findings else "success"
