"""`store-clustering why`: every reason why a target is stale, down to the first cause."""

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
    """Show every reason why a target is stale.

    Changed values are shown as old -> new. The stale tasks it depends on are explained in the same way. Builds nothing.

    \b
    Examples:
      store-clustering why store_clusters
      store-clustering why Bread --env prod
      store-clustering why outputs/dev/merging/store_clusters.parquet --json
    """
    from pipeline.inspect.why import cause, find

    causes = [cause(stage) for stage in find(jobs.task(None, None, env, []), target)]
    if as_json:
        print(json.dumps({"env": env, "tasks": [asdict(item) for item in causes]}, indent=1, ensure_ascii=False))
        return
    for item in causes:
        _print(item)


def _print(cause: Cause) -> None:
    last = f", last built {cause.built_at[:19]} UTC by run {cause.run_id}" if cause.built_at else ""
    print(plain(f"{cause.task}: {'stale' if cause.reasons else 'fresh'}{last}"))
    for reason in cause.reasons:
        if reason.kind != UPSTREAM:
            print(f"  {plain(str(reason))}")
    upstream = [reason.what for reason in cause.reasons if reason.kind == UPSTREAM]
    if upstream:
        print(f"  {UPSTREAM}: {_listed(upstream)}")
    for reasons, tasks in _origins(cause).items():
        print(f"  because of {_listed(tasks)}:")
        for line in reasons:
            print(f"    {plain(line)}")


def _origins(cause: Cause) -> dict[tuple[str, ...], list[str]]:
    """The tasks below that are stale for reasons of their own, grouped by equal reasons."""
    origins: dict[tuple[str, ...], list[str]] = {}
    for below in cause.below:
        own = tuple(str(reason) for reason in below.reasons if reason.kind != UPSTREAM)
        if own:
            origins.setdefault(own, []).append(below.task)
        for reasons, tasks in _origins(below).items():
            origins.setdefault(reasons, []).extend(tasks)
    return origins


def _listed(names: list[str], shown: int = 4) -> str:
    named = ", ".join(plain(name) for name in names[:shown])
    return named if len(names) <= shown else f"{len(names)} tasks, such as {named}"
