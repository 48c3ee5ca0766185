"""Begin a run: from `store-clustering run`, from `luigi`, and from `luigi.build` in a user's program."""

from __future__ import annotations

import functools
import gc
from typing import Any

import luigi.worker

from pipeline import alerts
from pipeline.alerts import watch
from pipeline.config.environment import Config
from pipeline.errors import MachineError, SettingsError, UsageError
from pipeline.pins import naming
from pipeline.run import ending, interrupts, log_file, notices, parent_process, standard_output
from pipeline.run.command_line import refuse, root_task
from pipeline.run.database import check_replaceable
from pipeline.run.parameters import CachedParameters
from pipeline.run.session import session


def begin(config: Config, *, owns_process: bool) -> None:
    """Begin the run of an environment in this process, once: check its pins, open its log, prepare its end.

    Parameters
    ----------
    config : the environment
    owns_process : whether the process exists for this run; false in a user's program that also runs the pipeline

    Raises
    ------
    SettingsError
        The settings name a pin that does not exist, a database of another environment or program, or a log folder that cannot
        be written.
    """
    if config.outputs in session.begun:
        return
    if (
        config.home,
        config.env,
    ) not in session.references_checked:  # else as its first task was made, with the same settings
        naming.check_references(config)
    check_replaceable(config)
    log_file.open_log(config)
    session.watcher = session.watcher or watch.start(config)
    session.begun[config.outputs] = config
    session.owns_process = owns_process
    if owns_process:
        # Imported modules stay, so they need no garbage collection, least of all when the process ends. Checking targets leaves
        # little garbage; `session.prepare` enables collection again.
        gc.freeze()
        gc.disable()
        standard_output.hold_any_name()
        interrupts.heed()
        ending.at_exit(config)
        notices.at_exit(config)


def install() -> None:
    """Begin a run when a Luigi worker gets its first task of ours; in a user's program, end it with that worker.

    Its processes are forked, whatever the default of this Python is. Luigi has no event for either, and has the environment only as a parameter of its tasks.
    """
    session.on_refused = alerts.refused
    make, add = luigi.worker.Worker.__init__, luigi.worker.Worker.add
    leave, work = luigi.worker.Worker.__exit__, luigi.worker.Worker.run

    @functools.wraps(make)
    def make_forking(worker: luigi.worker.Worker, *args: Any, **kwargs: Any) -> None:
        try:
            parent_process.fork_workers()
        except MachineError as error:
            refuse(error)
        make(worker, *args, **kwargs)

    @functools.wraps(add)
    def begin_and_add(worker: luigi.worker.Worker, task: luigi.Task, *args: Any, **kwargs: Any) -> Any:
        if isinstance(task, CachedParameters):
            _begin_with(worker, task)
        return add(worker, task, *args, **kwargs)

    @functools.wraps(work)
    def work_and_note(worker: luigi.worker.Worker) -> bool:
        succeeded = bool(work(worker))
        if worker is session.worker:
            session.has_succeeded = succeeded
        return succeeded

    @functools.wraps(leave)
    def leave_and_end(worker: luigi.worker.Worker, *args: Any) -> Any:
        left = leave(worker, *args)
        if worker is session.worker and not session.owns_process:
            for config in session.begun.values():
                ending.end(config, code=ending.worker_code())
        return left

    luigi.worker.Worker.__init__ = make_forking  # type: ignore[method-assign, assignment]  # as below
    luigi.worker.Worker.add = begin_and_add  # type: ignore[method-assign, assignment]  # Luigi has no event, see above
    luigi.worker.Worker.__exit__ = leave_and_end  # type: ignore[method-assign]
    luigi.worker.Worker.run = work_and_note  # type: ignore[method-assign]


def _begin_with(worker: luigi.worker.Worker, task: CachedParameters) -> None:
    """Begin the run of this worker; if an earlier run is over, begin again with the current settings."""
    if session.over or session.worker not in (None, worker):
        session.renew()
    is_asked_for = session.worker is None
    session.worker = worker
    env, tags = task.env, dict(getattr(task, "tag", ()))  # type: ignore[attr-defined]
    session.tags = session.tags or tags
    try:
        if is_asked_for:
            task.check_asked()
        begin(task.config, owns_process=bool(root_task()) or session.owns_process)
    except (SettingsError, UsageError) as error:
        refuse(error, env)
