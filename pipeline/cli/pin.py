"""`store-clustering pin`: store today's clusters as a reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click
import msgspec

from pipeline.cli import results
from pipeline.cli.options import json_option
from pipeline.cli.text import table
from pipeline.config import environment
from pipeline.errors import MissingDataError, OutputError, UsageError
from pipeline.freshness import traces
from pipeline.pins import archive, making, naming
from pipeline.wording import listed, plain


@click.command()
@click.argument("name", required=False, help="The pin's name: letters, digits, '_' and '-'.")
@click.option("--env", help="The environment whose clusters are pinned (dev), or whose pins are listed (all).")
@click.option("--anyway", is_flag=True, help="Pin the clusters even if they are stale, and note it.")
@click.option("--list", "listing", is_flag=True, help="List the existing pins; create none.")
@json_option
def pin(name: str | None, env: str | None, anyway: bool, listing: bool, as_json: bool) -> None:
    """Store today's clusters as a reference.

    They are copied to pins/ENV/NAME. Deleting outputs does not delete them, and nothing overwrites them.

    \b
    Examples:
      store-clustering pin 2026-spring --env prod
      store-clustering pin --list
      store-clustering compare 2026-spring prod
    """
    if (name is None) == (not listing):
        raise UsageError("pin: give a NAME to pin under, such as 2026-spring, or --list, and not both")
    if name is None:
        _list(env, as_json)
        return
    stored = _create(environment.load(env or "dev"), name, anyway)
    if as_json:
        print(json.dumps(msgspec.to_builtins(stored), indent=1, ensure_ascii=False))
    else:
        note = f" (stale: {stored.stale})" if stored.stale else ""
        print(
            plain(
                f"pinned: pins/{stored.env}/{stored.name}, {len(stored.files)} tables of run {stored.run_id or 'unknown'}{note}"
            )
        )


def _create(config: environment.Config, name: str, anyway: bool) -> archive.Pin:
    making.check_name(config, name)
    missing = naming.faults(config)
    environment.use(naming.without(config, missing))  # a reference may wait for the pin that is created here
    files = results.files(config.env)
    with _explained(config, missing):
        making.require(config, files)
    stale = results.stale_because(config.env)
    if stale and not anyway and missing:
        raise UsageError(
            f"the clusters of {config.env} are stale ({stale}): {_in_steps(config, missing)}, or pin them as they are with --anyway"
        )
    if stale and not anyway:
        raise UsageError(
            f"the clusters of {config.env} are stale ({stale}): run `store-clustering run Merging --env {config.env}` first, "
            "or pin them as they are with --anyway"
        )
    trace = traces.read(results.final(config.env).trace_path)
    return making.create(config, name, files, run_id=trace.run_id if trace else "", stale=stale)


@contextmanager
def _explained(config: environment.Config, missing: Mapping[str, str]) -> Iterator[None]:
    """Where a reference is missing no run can start, so that more is to be done than to run."""
    try:
        yield
    except MissingDataError as error:
        if not missing:
            raise
        raise MissingDataError(f"{str(error).partition(':')[0]}: {_in_steps(config, missing)}") from None


def _in_steps(config: environment.Config, missing: Mapping[str, str]) -> str:
    """How to get clusters to pin while the settings name a pin that is not there."""
    return (
        f"remove {listed(missing)} from the settings, which no run can have yet, run `store-clustering run Merging --env {config.env}`, pin, and "
        "set it again"
    )


def _list(env: str | None, as_json: bool) -> None:
    if env is not None:
        environment.load(env)
    home = environment.home()
    references = [reference for reference in archive.every(home) if env in (None, reference.env)]
    if as_json:
        print(json.dumps({"pins": [_fields(reference) for reference in references]}, indent=1, ensure_ascii=False))
    elif not references:
        print("no pins yet: store-clustering pin NAME --env ENV creates one")
    else:
        rows = [[str(reference), *(_fields(reference).get(key, "") for key in _SHOWN)] for reference in references]
        print(table(["pin", "created", "run", "who", "note"], rows, whole=["run"]))


_SHOWN = ("created_at", "run_id", "who", "stale")


def _fields(reference: archive.Reference) -> dict[str, str]:
    """The fields of a pin in the list; if its pin.toml cannot be read, the error."""
    try:
        fields: dict[str, str] = msgspec.to_builtins(archive.read(environment.home(), reference))
    except OutputError as error:
        return {"name": reference.pin, "env": reference.env, "stale": str(error)}
    return fields
