"""`store-clustering history`: the runs of an environment, and the outcome of each task."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pipeline.cli.grouped import grouped
from pipeline.cli.options import env_option, json_option
from pipeline.cli.text import duration, table
from pipeline.config.environment import Config, load, tomllib
from pipeline.errors import UsageError
from pipeline.freshness.traces import flatten
from pipeline.records import runs
from pipeline.run import summary
from pipeline.wording import nearest, plain


@click.command()
@click.argument("run", required=False, help="A run's id, or the beginning of it: show this run in full.")
@env_option
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list; the newest is last.",
)
@json_option
def history(run: str | None, env: str, last: int, as_json: bool) -> None:
    """List the runs, or show one in full.

    For one run: each task with its reason, and the settings that changed since the run before. A run with nothing to do
    leaves no record.

    \b
    Examples:
      store-clustering history --env prod --last 5
      store-clustering history 20261125T0300
    """
    config = load(env)
    if run is not None:
        _print_run(config, run, as_json=as_json)
        return
    records = list(runs.every(config, last))
    if as_json:
        print(json.dumps({"env": env, "runs": [_fields(record) for record in records]}, indent=1, ensure_ascii=False))
    elif records:
        rows = [
            [record.run_id, _took(record), record.status, record.user, _tags(record), _counts(record)]
            for record in records
        ]
        print(
            table(
                ["run, by its start in UTC", "took", "", "who", "tags", "tasks"],
                rows,
                whole=["run, by its start in UTC"],
            )
        )
    else:
        print(f"no run of {env} built anything yet: store-clustering run --env {env}")


def _print_run(config: Config, run_id: str, *, as_json: bool) -> None:
    paths = sorted(runs.folder(config).glob("*.jsonl"))
    matching = [path for path in paths if path.stem.startswith(run_id)]
    if len(matching) != 1:
        which = (
            f"means {len(matching)} runs" if matching else f"is unknown{nearest(run_id, [path.stem for path in paths])}"
        )
        raise UsageError(f"run {run_id!r} {which}: `store-clustering history --env {config.env}` lists them")
    record = runs.read(matching[0])
    if record is None:
        raise UsageError(f"{matching[0]}: this run record cannot be read; choose another run")
    before = [path for path in paths if path < matching[0]]
    changes = _changes(before[-1] if before else None, matching[0])
    if as_json:
        print(json.dumps(_fields(record) | {"settings_changed": changes}, indent=1, ensure_ascii=False))
        return
    print(plain(f"run {record.run_id} of {record.env}: {record.status}, by {record.user} on {record.host}"))
    took = _took(record) or "unknown"
    print(plain(f"started {_when(record.started_at)} UTC, took {took}; tags: {_tags(record) or 'none'}"))
    for key, (old, new) in changes.items():
        print(plain(f"setting changed since the run before: {key} ({old!r} -> {new!r})"))
    events = [
        [line["task"], line["event"], line.get("reason") or line.get("error") or "what it reads is unchanged"]
        for line in record.events
    ]
    rows = grouped(
        [*events, *([name, "fresh", ""] for name in record.fresh)],
        [*(line.get("seconds", 0.0) for line in record.events), *(0.0 for _ in record.fresh)],
    )
    print(table(["task", "", "because", "took"], [[*row, duration(took) if took else ""] for row, took in rows]))
    print("".join(f"{line}\n" for line in summary.remarks(record)), end="")


def _fields(run: runs.Run) -> dict[str, Any]:
    fields = asdict(run)
    return fields | {key: value.isoformat() for key, value in fields.items() if isinstance(value, datetime)}


def _when(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")


def _took(run: runs.Run) -> str:
    return duration((run.finished_at - run.started_at).total_seconds()) if run.finished_at else ""


def _counts(run: runs.Run) -> str:
    """How many tasks had each outcome, as far as there are any."""
    counts = {event: len(run.tasks(event)) for event in (runs.BUILT, runs.CUT_OFF, runs.FAILED)} | {
        "fresh": len(run.fresh)
    }
    return ", ".join(f"{count} {event}" for event, count in counts.items() if count)


def _tags(run: runs.Run) -> str:
    return " ".join(f"{key}={value}" for key, value in run.tags.items())


def _changes(before: Path | None, after: Path) -> dict[str, tuple[Any, Any]]:
    """Old and new value, by dotted key, of the settings that changed between two runs; empty if either run stored none."""
    if before is None:
        return {}
    try:
        old, new = (
            flatten(tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))) for path in (before, after)
        )
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        print(plain(f"warning: settings of a run cannot be read: {error}"), file=sys.stderr)
        return {}
    return {key: (old.get(key), new.get(key)) for key in sorted(old | new) if old.get(key) != new.get(key)}
