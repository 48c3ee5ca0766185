"""`store-clustering run`: build what is stale."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import luigi
import luigi.configuration

from pipeline import alerts
from pipeline.cli import jobs, progress
from pipeline.cli.grouped import grouped
from pipeline.cli.options import env_option, json_option
from pipeline.cli.text import duration, table
from pipeline.config.environment import Config, load
from pipeline.errors import DONE, MISSING_DATA, NOT_RUN, SCHEDULING_ERROR, TASK_FAILED, UNHANDLED, UsageError
from pipeline.records import runs
from pipeline.run import ending, summary
from pipeline.run.beginning import begin
from pipeline.run.session import session
from pipeline.storage import locks
from pipeline.wording import printable

_CUT_OFF = "what it reads is unchanged"


@click.command()
@click.argument(
    "job",
    required=False,
    help="What to build: InternalPreprocessing, InternalClustering, ExternalPreprocessing, ExternalClustering, "
    "Merging or FullPipeline (the default); merging_job and its like are accepted.",
)
@env_option
@click.option("--category", help="Cluster only this category.")
@click.option("--tag", multiple=True, help="KEY=VALUE, stored in the run's record; repeatable.")
@click.option("--dry-run", is_flag=True, help="Show what would be built, and why; build nothing.")
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="How many tasks to build at a time."
)
@click.option("--wait", is_flag=True, help="Wait until no other run uses the environment.")
@click.option("--accept", is_flag=True, help="Take the raw files as they are, whatever fail_on in [deliveries] says.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing unless something is wrong.")
@json_option
@click.option("--job", "named", help="The job as an option, as in the old runner.")
def run(
    job: str | None,
    env: str,
    category: str | None,
    tag: tuple[str, ...],
    dry_run: bool,
    workers: int,
    wait: bool,
    accept: bool,
    quiet: bool,
    as_json: bool,
    named: str | None,
) -> None:
    """Build what is stale.

    At the end it shows what was built and what was cut off (its inputs are unchanged), with the reasons, and where the
    database, the report and the workbook are.

    \b
    Examples:
      store-clustering run
      store-clustering run Merging --env prod --workers 2 --tag reason=nightly
      store-clustering run --category Bread --dry-run
    """
    if job and named and jobs.name(job) != jobs.name(named):
        raise UsageError(f"two jobs are given, {job} and --job {named}: give one")
    with _alerting(env, wanted=not dry_run):
        config = load(env)
        if accept:
            luigi.configuration.get_config().set("Deliveries", "accept", "true")
        task = jobs.task(job or named, category, env, list(tag))
        task.check_asked()
        if dry_run:
            _print_stale(task, as_json=as_json)
            return
        with locks.held(config.outputs / ".locks" / "run", wait=wait):
            begin(config, owns_process=True)
            try:
                code = _build(task, workers, progress_wanted=not quiet and not as_json)
            except BaseException as error:
                ending.end(config, interrupted=isinstance(error, KeyboardInterrupt), code=UNHANDLED)
                raise
            ending.end(config, code=code)
    if session.interrupted:  # during the build, where it had no effect
        raise KeyboardInterrupt
    try:
        if as_json:
            print(json.dumps(_summary(config, code), indent=1, ensure_ascii=False), flush=True)
        elif not quiet:
            _print_outcome(config, code)
    except BrokenPipeError:  # the reader closed the pipe; the run is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


@contextmanager
def _alerting(env: str, *, wanted: bool) -> Iterator[None]:
    """Alert of an error before the run began; a mistyped command line is said to who typed it alone."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        if wanted and not session.over:
            alerts.refused(env, error)
        raise


def _print_stale(task: luigi.Task, *, as_json: bool) -> None:
    from pipeline.inspect import standings

    stale = [[standing.task, str(standing.reasons[0])] for standing in standings.standings(task) if standing.reasons]
    if as_json:
        tasks = [{"task": name, "reason": reason} for name, reason in stale]
        print(json.dumps({"would_build": tasks}, indent=1, ensure_ascii=False))
    else:
        lines = [line for line, _ in grouped(stale)]
        print(table(["would build", "because"], lines) if stale else "nothing to do: every target is fresh")


def _build(task: luigi.Task, workers: int, *, progress_wanted: bool) -> int:
    from luigi.execution_summary import LuigiStatusCode

    logger, console = _quieten_luigi()
    with progress.shown(logger, console, wanted=progress_wanted):
        done = luigi.build([task], local_scheduler=True, workers=workers, detailed_summary=True)
    return {
        LuigiStatusCode.SUCCESS: DONE,
        LuigiStatusCode.SUCCESS_WITH_RETRY: DONE,
        LuigiStatusCode.FAILED: TASK_FAILED,
        LuigiStatusCode.FAILED_AND_SCHEDULING_FAILED: SCHEDULING_ERROR,
        LuigiStatusCode.SCHEDULING_FAILED: SCHEDULING_ERROR,
        LuigiStatusCode.NOT_RUN: NOT_RUN,
        LuigiStatusCode.MISSING_EXT: MISSING_DATA,
    }[done.status]


class _Lowercase(logging.Formatter):
    """Lowercase level names, as in the command's own lines: error, warning."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        return super().formatMessage(logging.makeLogRecord(record.__dict__ | {"levelname": record.levelname.lower()}))


def _quieten_luigi() -> tuple[logging.Logger, logging.StreamHandler[Any]]:
    """Show only warnings and errors on the console: the command prints its own summary. The log file has everything."""
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(_Lowercase("%(levelname)s: %(message)s"))
    logger = logging.getLogger("luigi-interface")
    logger.addHandler(console)
    logger.setLevel(logging.INFO)
    luigi.configuration.get_config().set("core", "no_configure_logging", "true")
    return logger, console


def _summary(config: Config, code: int) -> dict[str, object]:
    run = runs.this(config)
    return {
        "env": config.env,
        "exit_code": code,
        "run_id": run.run_id if run else None,
        "tasks": run.events if run else [],
        "fresh": run.fresh if run else [],
        **{name: str(path) if path.exists() else None for name, path in _results(config).items()},
    }


def _results(config: Config) -> dict[str, Path]:
    """The files for people, by kind."""
    from pipeline import tasks

    documents = {stage.__name__.lower(): stage(env=config.env).document for stage in (tasks.Report, tasks.Workbook)}
    return {"database": config.database, **documents}


def _print_outcome(config: Config, code: int) -> None:
    run = runs.this(config)
    if run is not None and run.events:
        rows = [
            [line["task"], line["event"], line.get("reason") or line.get("error") or _CUT_OFF] for line in run.events
        ]
        lines = grouped(rows, [line.get("seconds", 0.0) for line in run.events])
        print(table(["task", "", "because", "took"], [[*row, duration(took) if took else ""] for row, took in lines]))
        if code == DONE:
            print("".join(f"{line}\n" for line in summary.of_result(config)), end="")
        counts = Counter(line["event"] for line in run.events)
        counted = [f"{counts[event]} {event}" for event in (runs.BUILT, runs.CUT_OFF, runs.FAILED) if counts[event]]
        print(f"{', '.join([*counted, f'{len(run.fresh)} fresh'])}; run {run.run_id}")
        print("".join(f"{line}\n" for line in summary.remarks(run)), end="")
    elif code == DONE:
        print("nothing to do: every target is fresh")
    state = "" if code == DONE else " (of the last good run)"
    for name, path in _results(config).items():
        if path.exists():
            print(f"{name}: {printable(str(path))}{state}")
    if sys.stdout is not None:
        sys.stdout.flush()
