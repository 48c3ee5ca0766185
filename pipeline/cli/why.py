"""`store-clustering why`: every reason why a target is stale, down to what started it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli import jobs
from pipeline.cli.options import env_option, json_option
from pipeline.freshness.reasons import UPSTREAM
from pipeline.wording import plain

if TYPE_CHECKING:
    from pipeline.inspect.why import Cause


@click.command()
@click.argument(
    "target", help="A task (Merging), a table (store_clusters), a category (Bread), a target's file, or the database."
)
@env_option
@json_option
def why(target: str, env: str, as_json: bool) -> None:
    """Say every reason why a target is stale.

    Old -> new where there are both, and the same of what it is made from. Builds nothing.

    \b
    Examples:
      store-clustering why store_clusters
      store-clustering why Bread --env prod
      store-clustering why outputs/dev/merging/store_clusters.parquet --json
    """
    from pipeline.inspect.why import cause, find

    found = [cause(stage) for stage in find(jobs.task(None, None, env, []), target)]
    if as_json:
        print(json.dumps({"env": env, "tasks": [asdict(one) for one in found]}, indent=1, ensure_ascii=False))
        return
    for one in found:
        _say(one)


def _say(one: Cause) -> None:
    last = f", last built {one.built_at[:19]} UTC by run {one.run_id}" if one.built_at else ""
    print(plain(f"{one.task}: {'stale' if one.reasons else 'fresh'}{last}"))
    for reason in one.reasons:
        if reason.kind != UPSTREAM:
            print(f"  {plain(str(reason))}")
    upstream = [reason.what for reason in one.reasons if reason.kind == UPSTREAM]
    if upstream:
        print(f"  {UPSTREAM}: {_listed(upstream)}")
    for told, tasks in _origins(one).items():
        print(f"  because of {_listed(tasks)}:")
        for line in told:
            print(f"    {plain(line)}")


def _origins(one: Cause) -> dict[tuple[str, ...], list[str]]:
    """Below this task: what is stale for reasons of its own, by these; tasks with the same reasons are told of together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for below in one.below:
        own = tuple(str(reason) for reason in below.reasons if reason.kind != UPSTREAM)
        if own:
            found.setdefault(own, []).append(below.task)
        for told, tasks in _origins(below).items():
            found.setdefault(told, []).extend(tasks)
    return found


def _listed(names: list[str], shown: int = 4) -> str:
    named = ", ".join(plain(name) for name in names[:shown])
    return named if len(names) <= shown else f"{len(names)} tasks, such as {named}"
