"""The end of a run: close its record, print announcements and send alerts."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys

import luigi

from pipeline import alerts
from pipeline.alerts import watch
from pipeline.config.environment import Config
from pipeline.errors import DONE, NOT_RUN, worded
from pipeline.records import runs
from pipeline.run import interrupts, run_number, summary
from pipeline.run.session import session
from pipeline.wording import plain

log = logging.getLogger("luigi-interface.pipeline")


def _died(task: luigi.Task, message: str) -> None:
    """A worker process died: only the leading process can report it."""
    code = message.rpartition(" ")[2]
    how = (
        f"was ended by signal {code[1:]} ({signal.strsignal(-int(code))})"
        if code[0] == "-"
        else f"ended with code {code}"
    )
    note_failure(
        task,
        f"{_name(task)}: its process {how} before the task was done; if the machine ran out of memory, use fewer --workers or a "
        "lower memory_limit in [engine]; run again",
    )


def _took_too_long(task: luigi.Task, _message: str) -> None:
    note_failure(
        task,
        f"{_name(task)}: was ended because it took longer than the timeout in [worker] of luigi.cfg; raise the timeout, and run again",
    )


luigi.Task.event_handler(luigi.Event.PROCESS_FAILURE)(_died)
luigi.Task.event_handler(luigi.Event.TIMEOUT)(_took_too_long)


def note_failure(task: luigi.Task, problem: str | Exception) -> None:
    """Log a failure that its task cannot record, and note it, once, for the run's record and alert."""
    text = worded(problem) if isinstance(problem, Exception) else problem
    if session.note_problem(text, _name(task), dict(getattr(task, "tag", ()))):
        log.error("%s", plain(text))


def _name(task: luigi.Task) -> str:
    return str(getattr(task, "name", task.task_family))


def at_exit(config: Config) -> None:
    """Register the end of the run at the end of this leading process."""
    runs.current()
    atexit.register(_leave, config, os.getpid())


def _leave(config: Config, leader: int) -> None:
    if os.getpid() == leader:
        if session.announces and not session.problems:
            _say_result(config)
        session.announce()
        end(config, code=worker_code())
        if not session.interrupted:
            run_number.release()
        interrupts.end_by_it()


def worker_code() -> int:
    """The exit code that Luigi's worker stands for, where the process's own is not known."""
    return DONE if session.worker is None or session.has_succeeded else NOT_RUN


def _say_result(config: Config) -> None:
    """In plain `luigi`, after a run that built something: what came out, and what to look at."""
    run = runs.this(config)
    if run is None or run.tasks(runs.FAILED):
        return
    for line in (*summary.of_result(config), *summary.remarks(run)):
        sys.stdout.write(f"{line}\n")


def end(config: Config, *, interrupted: bool = False, code: int = DONE) -> None:
    """Write the last line of the run's record, if there is one or the run has tags, and send due alerts; once per run.

    `code` is the exit code, if known: a run with an exit code other than 0 is never done.
    """
    if session.over:
        return
    session.over = True
    interrupted = interrupted or session.interrupted or getattr(sys, "last_type", None) is KeyboardInterrupt
    if session.watcher is not None:
        watch.stop(session.watcher)
        session.watcher = None
    try:
        if session.tags:
            runs.begin(config, session.tags)
        for problem, (task, tags) in session.problems.items():
            runs.record(config, tags, runs.FAILED, task, error=problem)
        runs.finish(config, session.fresh, "interrupted" if interrupted else None if code == DONE else "failed")
    except OSError as error:
        sys.stderr.write(f"warning: {error.filename}: {error.strerror}; the end of the run is not in its record\n")
    if alerts.wanted(config):
        run = runs.this(config)
        findings = [finding for event in run.events for finding in event.get("findings", [])] if run else []
        problem = "; ".join(session.problems) or (_unexplained(code) if code != DONE and not interrupted else "")
        alerts.after_run(config, run, findings, "" if run and run.tasks(runs.FAILED) else problem)


def _unexplained(code: int) -> str:
    return "Luigi did not run every task: see the log" if code == NOT_RUN else f"it ended with exit code {code}"
