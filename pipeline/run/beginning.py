"""How a run begins, by `store-clustering run`, by `luigi`, and by `luigi.build` in a program of the user's."""

from __future__ import annotations

import functools
import gc
from typing import Any

import luigi.worker

from pipeline.config.environment import Config
from pipeline.errors import SettingsError
from pipeline.pins import naming
from pipeline.run import ending, interrupts, log_file, notices, standard_output
from pipeline.run.command_line import refuse, root_task
from pipeline.run.database import check_replaceable
from pipeline.run.parameters import KnownParameters
from pipeline.run.session import session


def begin(config: Config, *, owns_process: bool) -> None:
    """Begin the run of an environment in this process, once: its pins are checked, its log is opened, its end is prepared.

    Parameters
    ----------
    config : of the environment
    owns_process : whether the process is there for this run, and not a program of the user's that also runs the pipeline

    Raises
    ------
    SettingsError
        The settings name a pin that is not there, a database that is not this environment's, or a folder of logs that cannot
        be written.
    """
    if config.outputs in session.begun:
        return
    naming.check_references(config)
    check_replaceable(config)
    log_file.open_log(config)
    session.begun[config.outputs] = config
    session.owns_process = owns_process
    if owns_process:
        # What was imported stays: nobody has to look through it again, least of all as the process ends. Nor is what a look at
        # targets makes worth a search: `session.prepare` has garbage collected again.
        gc.freeze()
        gc.disable()
        standard_output.hold_any_name()
        interrupts.heed()
        ending.at_exit(config)
        notices.at_exit(config)


def install() -> None:
    """Have a run begin as a Luigi worker gets its first task of ours, and, in a program of the user's, end with that worker.

    Luigi has no event for either, and knows the environment only as a parameter of its tasks.
    """
    add, leave = luigi.worker.Worker.add, luigi.worker.Worker.__exit__

    @functools.wraps(add)
    def begin_and_add(worker: luigi.worker.Worker, task: luigi.Task, *args: Any, **kwargs: Any) -> Any:
        if isinstance(task, KnownParameters):
            _begin_with(worker, task)
        return add(worker, task, *args, **kwargs)

    @functools.wraps(leave)
    def leave_and_end(worker: luigi.worker.Worker, *args: Any) -> Any:
        left = leave(worker, *args)
        if worker is session.worker and not session.owns_process:
            for config in session.begun.values():
                ending.end(config)
        return left

    luigi.worker.Worker.add = begin_and_add  # type: ignore[method-assign, assignment]  # as said above
    luigi.worker.Worker.__exit__ = leave_and_end  # type: ignore[method-assign]


def _begin_with(worker: luigi.worker.Worker, task: KnownParameters) -> None:
    """Begin the run that this worker works for; where an earlier one is over, anew, with the settings as they are now."""
    if session.over or session.worker not in (None, worker):
        session.renew()
    session.worker = worker
    try:
        begin(task.config, owns_process=bool(root_task()) or session.owns_process)
    except SettingsError as error:
        refuse(error)
