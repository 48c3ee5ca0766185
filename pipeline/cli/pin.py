"""`store-clustering pin`: keep today's clusters as a reference."""

from __future__ import annotations

import json

import click
import msgspec

from pipeline.cli import results
from pipeline.cli.options import json_option
from pipeline.cli.text import table
from pipeline.config import environment
from pipeline.errors import OutputError, UsageError
from pipeline.freshness import traces
from pipeline.pins import kept, making
from pipeline.wording import plain


@click.command()
@click.argument("name", required=False, help="The pin's name: letters, digits, '_' and '-'.")
@click.option("--env", help="The environment whose clusters are pinned (dev), or whose pins are listed (all).")
@click.option("--anyway", is_flag=True, help="Pin clusters that are stale, and note that.")
@click.option("--list", "listed", is_flag=True, help="List the pins there are; make none.")
@json_option
def pin(name: str | None, env: str | None, anyway: bool, listed: bool, as_json: bool) -> None:
    """Keep today's clusters as a reference.

    They are copied to pins/ENV/NAME: deleting outputs keeps them, and nothing overwrites them.

    \b
    Examples:
      store-clustering pin 2026-spring --env prod
      store-clustering pin --list
      store-clustering compare 2026-spring prod
    """
    if (name is None) == (not listed):
        raise UsageError("pin: give a NAME to pin under, such as 2026-spring, or --list, and not both")
    if name is None:
        _list(env, as_json)
        return
    made = _make(environment.load(env or "dev"), name, anyway)
    if as_json:
        print(json.dumps(msgspec.to_builtins(made), indent=1, ensure_ascii=False))
    else:
        note = f" (stale: {made.stale})" if made.stale else ""
        print(
            plain(
                f"pinned: pins/{made.env}/{made.name}, {len(made.files)} tables of run {made.run_id or 'unknown'}{note}"
            )
        )


def _make(found: environment.Config, name: str, anyway: bool) -> kept.Pin:
    making.check_name(found, name)
    files = results.files(found.env)
    making.require(found, files)
    stale = results.stale_because(found.env)
    if stale and not anyway:
        raise UsageError(
            f"the clusters of {found.env} are stale ({stale}): run `store-clustering run Merging --env {found.env}` first, "
            "or pin them as they are with --anyway"
        )
    trace = traces.read(results.final(found.env).trace_path)
    return making.create(found, name, files, run_id=trace.run_id if trace else "", stale=stale)


def _list(env: str | None, as_json: bool) -> None:
    if env is not None:
        environment.load(env)
    home = environment.home()
    references = [one for one in kept.every(home) if env in (None, one.env)]
    if as_json:
        print(json.dumps({"pins": [_told(one) for one in references]}, indent=1, ensure_ascii=False))
    elif not references:
        print("no pins yet: store-clustering pin NAME --env ENV makes one")
    else:
        rows = [[str(one), *(_told(one).get(key, "") for key in _SHOWN)] for one in references]
        print(table(["pin", "created", "run", "who", "note"], rows))


_SHOWN = ("created_at", "run_id", "who", "stale")


def _told(reference: kept.Reference) -> dict[str, str]:
    """What is listed of a pin; of one that cannot be read, why."""
    try:
        told: dict[str, str] = msgspec.to_builtins(kept.read(environment.home(), reference))
    except OutputError as error:
        return {"name": reference.pin, "env": reference.env, "stale": str(error)}
    return told
