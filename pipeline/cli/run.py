"""`store-clustering run`: build what is stale."""

from __future__ import annotations

import logging
from typing import Annotated

import luigi
import luigi.configuration
import typer

from pipeline import runs
from pipeline.cli import jobs
from pipeline.cli.text import table
from pipeline.config import Config, load
from pipeline.errors import DONE, MISSING_DATA, NOT_RUN, SCHEDULING_ERROR, TASK_FAILED
from pipeline.freshness import locks


def run(
    job: Annotated[
        str | None,
        typer.Argument(
            help="What to build: InternalPreprocessing, InternalClustering, ExternalPreprocessing, ExternalClustering, "
            "Merging or FullPipeline (the default); merging_job and its like are accepted."
        ),
    ] = None,
    env: Annotated[str, typer.Option(help="The environment: a file configs/<env>.toml.")] = "dev",
    category: Annotated[str | None, typer.Option(help="Cluster this category alone.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="KEY=VALUE, kept in the run's record; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be built and why; build nothing.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Tasks to build side by side.")] = 1,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for a run that holds the environment.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
) -> None:
    """Build what is stale.

    Examples: store-clustering run; store-clustering run Merging --env prod --workers 2 --tag reason=nightly;
    store-clustering run --category Bread --dry-run
    """
    config = load(env)
    task = jobs.task(job, category, env, tag or [])
    if dry_run:
        _say_what_is_stale(task)
        return
    with locks.held(config.outputs / ".locks" / "run", wait=wait):
        code = _build(task, workers)
        runs.finish(config)
    if not quiet:
        _say_what_was_done(config, code)
    raise typer.Exit(code)


def _say_what_is_stale(task: luigi.Task) -> None:
    from pipeline.stage import walk

    stale = [[one.task, str(one.reasons[0])] for one in walk.standings(task) if one.reasons]
    print(table(["would build", "because"], stale) if stale else "nothing to do: every target is fresh")


def _build(task: luigi.Task, workers: int) -> int:
    from luigi.execution_summary import LuigiStatusCode

    _quieten_luigi()
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


def _quieten_luigi() -> None:
    """Warnings and errors on the console, everything in the log file: the command has a summary of its own."""
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("luigi-interface")
    logger.addHandler(console)
    logger.setLevel(logging.INFO)
    luigi.configuration.get_config().set("core", "no_configure_logging", "true")


def _say_what_was_done(config: Config, code: int) -> None:
    path = runs.folder(config) / f"{runs.current()}.jsonl"
    run = runs.read(path) if path.exists() else None
    if run is not None:
        rows = [
            [line["task"], line["event"], line.get("reason") or line.get("error") or "what it reads is unchanged",
             f"{line['seconds']:.1f} s" if "seconds" in line else ""]
            for line in run.events
        ]  # fmt: skip
        print(table(["task", "", "because", "took"], rows))
    elif code == DONE:
        print("nothing to do: every target is fresh")
    if config.database.exists():
        state = "" if code == DONE else " (of the last good run)"
        print(f"database: {config.database}{state}")
