"""The end of a run: its record is closed, and whoever wants to know is told."""

from __future__ import annotations

import atexit
import os
import sys

from pipeline import alerts, runs
from pipeline.config import Config
from pipeline.stage import interrupts, session

_ended: set[str] = set()


def at_exit(config: Config) -> None:
    """Have this process, which leads a run, end it when the process ends."""
    runs.current()
    interrupts.heed()
    atexit.register(_end, config, os.getpid())


def _end(config: Config, leader: int) -> None:
    if os.getpid() == leader:
        end(config)
        interrupts.end_by_it()


def end(config: Config, *, interrupted: bool = False) -> None:
    """Write the last line of the run's record, where it has one, and send the alerts that are due; once per run."""
    if runs.current() in _ended:
        return
    _ended.add(runs.current())
    interrupted = interrupted or interrupts.came() or getattr(sys, "last_type", None) is KeyboardInterrupt
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
