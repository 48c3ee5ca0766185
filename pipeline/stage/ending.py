"""The end of a run: its record is closed, and whoever wants to know is told."""

from __future__ import annotations

import atexit
import os
import sys

from pipeline import alerts, runs
from pipeline.config import Config
from pipeline.stage import session

_ended: set[str] = set()


def at_exit(config: Config) -> None:
    """Have this process, which leads a run, end it when the process ends."""
    runs.current()
    leader = os.getpid()
    atexit.register(lambda: end(config) if os.getpid() == leader else None)


def end(config: Config, *, interrupted: bool = False) -> None:
    """Write the last line of the run's record, where it has one, and send the alerts that are due; once per run."""
    if runs.current() in _ended:
        return
    _ended.add(runs.current())
    interrupted = interrupted or getattr(sys, "last_type", None) is KeyboardInterrupt
    try:
        for problem, (task, tags) in session.problems().items():
            runs.record(config, tags, runs.FAILED, task, error=problem)
        runs.finish(config, session.fresh, "interrupted" if interrupted else None)
    except OSError as error:
        sys.stderr.write(f"warning: {error.filename}: {error.strerror}; the run's record has no end\n")
    if alerts.wanted(config):
        run = runs.this(config)
        findings = [finding for event in run.events for finding in event.get("findings", [])] if run else []
        alerts.after_run(config, run, findings, "; ".join(session.problems()))
