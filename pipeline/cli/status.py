"""`store-clustering status`: whether each target is fresh, or the first reason why it is stale."""

from __future__ import annotations

import json

import click

from pipeline.cli import jobs
from pipeline.cli.grouped import grouped
from pipeline.cli.options import env_option, json_option
from pipeline.cli.text import table
from pipeline.config.environment import load


@click.command()
@env_option
@click.option("--verify", is_flag=True, help="Read every file again; trust no remembered hash.")
@json_option
def status(env: str, verify: bool, as_json: bool) -> None:
    """Show which targets are stale, and why.

    Shows the first reason of each task, in build order (`why` shows all), then files that belong to no task. Many categories with the same
    reason are one line.

    \b
    Example:
      store-clustering status --env prod --verify
    """
    from pipeline.inspect.standings import orphans_of, reread, standings

    config = load(env)
    task = jobs.task(None, None, env, [])
    if verify:
        reread(task)
    rows = list(standings(task))
    orphans = [str(path.relative_to(config.home)) for path in orphans_of(config, task)]
    if as_json:
        tasks = [
            {
                "task": standing.task,
                "fresh": not standing.reasons,
                "reason": str(standing.reasons[0]) if standing.reasons else None,
                "targets": standing.targets,
            }
            for standing in rows
        ]
        print(json.dumps({"env": env, "tasks": tasks, "orphans": orphans}, indent=1, ensure_ascii=False))
        return
    lines = grouped(
        [standing.task, "stale" if standing.reasons else "fresh", str(standing.reasons[0]) if standing.reasons else ""]
        for standing in rows
    )
    print(table(["task", "", "because"], [line for line, _ in lines]))
    for path in orphans:
        print(f"orphan: {path}: no task makes this file; delete it if you do not need it")
