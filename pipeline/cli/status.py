"""`store-clustering status`: every target, fresh or stale with the first reason."""

from __future__ import annotations

import json

import click

from pipeline.cli import jobs
from pipeline.cli.options import env_option, json_option
from pipeline.cli.text import table
from pipeline.config.environment import load


@click.command()
@env_option
@click.option("--verify", is_flag=True, help="Read every file again, whatever is remembered of it.")
@json_option
def status(env: str, verify: bool, as_json: bool) -> None:
    """Say which targets are stale, and why.

    Of each task the first reason, in the order of a build (`why` tells all); then the files that no task knows.

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
                "task": one.task,
                "fresh": not one.reasons,
                "reason": str(one.reasons[0]) if one.reasons else None,
                "targets": one.targets,
            }
            for one in rows
        ]
        print(json.dumps({"env": env, "tasks": tasks, "orphans": orphans}, indent=1, ensure_ascii=False))
        return
    lines = [
        [one.task, "stale" if one.reasons else "fresh", str(one.reasons[0]) if one.reasons else ""] for one in rows
    ]
    print(table(["task", "", "because"], lines))
    for path in orphans:
        print(f"orphan: {path}: no task knows this file; delete it if you do not need it")
