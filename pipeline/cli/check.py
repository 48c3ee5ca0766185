"""`store-clustering check`: check settings and raw files before anything is built."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from pipeline import sample
from pipeline.cli.options import env_option, json_option
from pipeline.cli.text import table
from pipeline.config import environment, raw_files
from pipeline.config.environment import Config, load
from pipeline.errors import DONE, MISSING_DATA, TASK_FAILED, USAGE, MissingDataError, RawDataError, RemoteError
from pipeline.pins import naming
from pipeline.wording import counted, listed

if TYPE_CHECKING:
    from pipeline.engine.checks.all_sources import Report
    from pipeline.engine.checks.findings import SourceSeen

_ALL = "all sources"


@click.command()
@env_option
@json_option
def check(env: str, as_json: bool) -> None:
    """Check settings and raw files before a run.

    Shows the columns and rows of every source, and every error and doubt at once. Builds nothing. An error would fail a run; a doubt would
    not, but deserves a look. Exit code: 0 without errors, 2 if a setting names a pin that cannot be used, 20 if a raw file is missing, 30 with other
    errors.

    \b
    Example:
      store-clustering check --env prod
    """
    sys.exit(say(load(env), as_json=as_json))


def say(config: Config, *, as_json: bool = False) -> int:
    """Check the pins that a config names and its raw files, and print what was seen; returns the exit code."""
    wrong = naming.faults(config)
    config = naming.without(config, wrong)
    environment.use(config)  # what else there is to say does not wait for a pin
    with tempfile.TemporaryDirectory() as folder:
        present = _present(config, Path(folder))
        with _status("reading the raw files"):
            report = _report(config, present)
    pins = [{"source": setting, "text": fault} for setting, fault in wrong.items()]
    errors = [*pins, *present.errors, *({"source": finding.source, "text": finding.text} for finding in report.errors)]
    doubts = [*present.doubts, *({"source": finding.source, "text": finding.text} for finding in report.doubts)]
    if as_json:
        _print_json(config, report, errors, doubts)
    else:
        _print(config, report, errors, doubts)
    codes = {
        USAGE: bool(pins),
        MISSING_DATA: present.is_missing,
        TASK_FAILED: bool(errors),
    }
    return next((code for code, is_so in codes.items() if is_so), DONE)


@dataclass
class _Present:
    """The readable files by source, and the errors and doubts about missing or refused ones."""

    files: dict[str, list[str]]
    errors: list[dict[str, str]]
    doubts: list[dict[str, str]]
    is_missing: bool = False


def _present(config: Config, folder: Path) -> _Present:
    """The files of every source; of what is in a database or a bucket, copies in `folder`."""
    from pipeline.stage import raw_source

    if config.settings.sample_data.when_missing and not raw_source.SampleData(env=config.env).complete():
        where = ", ".join(raw_files.source(config, name).path for name in raw_files.names(config))
        text = (
            f"no raw file at {where}: a run makes sample data there (sample_data.when_missing is true); put your own files "
            "there before"
        )
        return _Present({}, [], [{"source": _ALL, "text": text}])
    present = _Present({}, [], [])
    for name in raw_files.names(config):
        try:
            if raw_files.is_far(config, name):
                from pipeline.stage import far

                present.files[name] = [str(path) for path in far.copies(config, name, folder / name)]
            else:
                present.files[name] = [str(path) for path in raw_source.check(config, name)]
        except (RemoteError, RawDataError) as error:  # noqa: PERF203  # a handful of sources
            present.files[name] = []
            present.errors += [{"source": name, "text": line} for line in error.lines]
        except MissingDataError as error:
            present.is_missing = True
            present.errors.append({"source": name, "text": str(error)})
            refused = [str(path) for path in raw_files.existing(config, name)]
            present.files[name] = (
                refused  # the error is reported already; the columns of refused sample data are worth showing
            )
    return present


def _report(config: Config, present: _Present) -> Report:
    from pipeline.engine.checks.all_sources import look

    engine = config.settings.engine
    engine = msgspec.structs.replace(engine, spill_folder=str(config.home / engine.spill_folder))
    return look(present.files, config.settings, engine)


@contextmanager
def _status(doing: str) -> Iterator[None]:
    """Show on a terminal what takes long."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(doing):
        yield


def _print(config: Config, report: Report, errors: list[dict[str, str]], doubts: list[dict[str, str]]) -> None:
    for source in report.sources:
        if source.files:
            _print_source(config, source)
    for kind, findings in (
        ("error", errors),
        ("doubt", doubts),
        ("not checked", [asdict(finding) for finding in report.not_looked_at] if errors else []),
    ):
        for finding in findings:
            print(f"{kind}: {finding['source']}: {finding['text']}")
    print(_total(len(errors), len(doubts)))


def _print_source(config: Config, source: SourceSeen) -> None:
    rows = "rows unknown" if source.rows is None else counted(source.rows, "row", "rows")
    facts = "".join(f", {count:,} {what}" for what, count in source.facts.items())
    print(f"{source.source}: {_described(config, source)}: {rows}{facts}")
    cells = [
        [
            column.name,
            column.used_as,
            _type(column.type, column.nearest),
            "" if column.nulls is None else f"{column.nulls:,}",
        ]
        for column in source.columns
    ]
    if cells:
        print(table(["column", "as", "type", "nulls"], cells))
    for note in source.notes:
        print(note)
    if source.unused:
        print(f"not used: {', '.join(source.unused)}")
    print()


def _type(type_name: str, nearest: tuple[str, ...]) -> str:
    return f"{type_name}; nearest: {', '.join(nearest)}" if nearest else type_name


def _described(config: Config, source: SourceSeen) -> str:
    files, section = source.files, raw_files.source(config, source.source)
    if section.is_in_database:
        return f"table {section.table}" if section.table else "sql"
    if section.is_in_bucket:
        return f"{section.path} ({counted(len(files), 'object', 'objects')})"
    first = Path(files[0])
    shown = str(first.relative_to(config.home)) if first.is_relative_to(config.home) else str(first)
    planted = ", sample data" if any(sample.is_sample(Path(path)) for path in files) else ""
    kinds = sorted({_format(path) for path in files})
    return f"{listed([shown, *files[1:]], 1)} ({', '.join(kinds)}{planted})"


def _format(path: str) -> str:
    return raw_files.format_of(path) or "unknown type"


def _total(errors: int, doubts: int) -> str:
    if not errors and not doubts:
        return "no errors, no doubts"
    return f"{counted(errors, 'error', 'errors')}, {counted(doubts, 'doubt', 'doubts')}"


def _print_json(config: Config, report: Report, errors: list[dict[str, str]], doubts: list[dict[str, str]]) -> None:
    sources: list[dict[str, Any]] = [
        asdict(source) | {"formats": sorted({_format(path) for path in source.files})} for source in report.sources
    ]
    document = {
        "env": config.env,
        "sources": sources,
        "errors": errors,
        "doubts": doubts,
        "not_looked_at": [asdict(finding) for finding in report.not_looked_at],
    }
    print(json.dumps(document, indent=1, ensure_ascii=False))
