"""Alerts: who is told of a run, and of what.

`findings` says what there is to look at, `message` puts it into words, `send` sends it; here it is decided whether to.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import runs
from pipeline.alerts.message import Message, compose
from pipeline.alerts.send import Kind, send
from pipeline.config import Config
from pipeline.runs import Run


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
    message = compose(config, run, findings, problem)
    if _due(config, run, message, findings):
        send(config, message.title, message.body, kind=_kind(message, findings))


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
