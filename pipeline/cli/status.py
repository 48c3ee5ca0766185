"""`store-clustering status`: every target, fresh or stale with the first reason."""

from __future__ import annotations

import json

import click

from pipeline.cli import jobs
from pipeline.cli.options import env_option, json_option
from pipeline.cli.text import table
from pipeline.config import load


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
    from pipeline.stage import walk

    config = load(env)
    task = jobs.task(None, None, env, [])
    if verify:
        walk.reread(task)
    standings = list(walk.standings(task))
    orphans = [str(path.relative_to(config.home)) for path in walk.orphans(config, task)]
    if as_json:
        tasks = [
            {
                "task": one.task,
                "fresh": not one.reasons,
                "reason": str(one.reasons[0]) if one.reasons else None,
                "targets": one.targets,
            }
            for one in standings
        ]
        print(json.dumps({"env": env, "tasks": tasks, "orphans": orphans}, indent=1, ensure_ascii=False))
        return
    rows = [
        [one.task, "stale" if one.reasons else "fresh", str(one.reasons[0]) if one.reasons else ""] for one in standings
    ]
    print(table(["task", "", "because"], rows))
    for path in orphans:
        print(f"orphan: {path}: no task knows this file; delete it if you do not need it")
