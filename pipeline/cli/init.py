"""`store-clustering init`: propose a config from raw files without a description."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from pipeline.cli import check as checking
from pipeline.config import environment, raw_files
from pipeline.config.environment import Config, tomllib
from pipeline.errors import TASK_FAILED, MissingDataError, RawDataError, UsageError
from pipeline.sample.files import TRUTH
from pipeline.settings import Settings
from pipeline.storage.replacement import addition, replacement
from pipeline.wording import printable

if TYPE_CHECKING:
    from pipeline.engine.proposing.samples import Sample

_BASE, _FORMER = "base.toml", "base.toml.before-init"


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE_OR_FOLDER]...")
@click.option("--write", is_flag=True, help="Write the proposal to configs/base.toml.")
@click.option(
    "--force", is_flag=True, help="With --write: replace a base.toml that exists; it stays as base.toml.before-init."
)
def init(paths: tuple[str, ...], write: bool, force: bool) -> None:
    """Propose a config from raw files.

    Looks at the beginning of each file (default: those below data/raw) and proposes which is the sales, the need states and the outside data, which column is which, and how they are written: encoding, delimiter, marks in numbers, sheet, header row. Says what it is unsure of, and runs `check` on the proposal. Nothing is written without --write. Exit code: 0 where check finds no error, 20 where there is no file, 30 else.

    \b
    Examples:
      store-clustering init exports/
      store-clustering init sales.csv products.xlsx stores.csv --write
    """
    from pipeline.engine.proposing import as_toml, roles

    home = environment.home()
    if force and not write:
        raise UsageError("init: --force goes with --write, and says what may be replaced")
    base = home / "configs" / _BASE
    if write and base.exists() and not force:
        raise UsageError(
            f"init: {base} exists, and is not replaced: run without --write to see the proposal, or with --write --force; the former file "
            f"stays as {_FORMER}"
        )
    files, other = _files(paths, home)
    samples, unreadable = _samples(files)
    unreadable += [f"{path}: not a known type of file; give Parquet, CSV or Excel files" for path in other]
    proposal = roles.propose(samples)
    text = as_toml.written(proposal, home)
    print(text)
    for line in unreadable:
        print(f"not looked at: {printable(line)}")
    unsure = [f"{part.group.sample.path.name}: {doubt}" for part in proposal.parts for doubt in part.unsure]
    for line in (*unsure, *proposal.missing, *proposal.left_out):
        print(f"unsure: {printable(line)}")
    if not proposal.parts:
        raise RawDataError(
            "init: none of the files looks like sales or outside data; write configs/base.toml by hand: docs/own-data.md"
        )
    if write:
        _write(base, text)
        print(f"written: {printable(str(base))}")
    code = _check(text, home)
    if not write:
        print(f"nothing is written: run again with --write to have it in {printable(str(base))}")
    sys.exit(code)


def _files(paths: tuple[str, ...], home: Path) -> tuple[list[Path], list[Path]]:
    """The raw files, and those of folders that are of no type that is read."""
    files: list[Path] = []
    for given in [Path(path) for path in paths] or [home / "data" / "raw"]:
        if given.is_dir():
            below = sorted(file for file in given.rglob("*") if file.is_file())
            files += [
                file
                for file in below
                if not any(part.startswith(raw_files.HIDDEN) for part in file.relative_to(given).parts)
            ]
        elif given.is_file():
            files.append(given)
        else:
            raise MissingDataError(
                f"init: {given}: no such file or folder; give the raw files, or the folder that they are in"
            )
    files = list(
        dict.fromkeys(file for file in files if file.name != TRUTH)
    )  # of sample data: what a run is to find out
    raw = [file for file in files if raw_files.format_of(file.name)]
    if not raw:
        raise MissingDataError(
            f"init: no Parquet, CSV or Excel file at {', '.join(paths) or home / 'data' / 'raw'}; give files, or the folder that they are in"
        )
    return raw, [file for file in files if file not in raw]


def _samples(files: list[Path]) -> tuple[list[Sample], list[str]]:
    from pipeline.engine.proposing import sample_process

    read, failed = [], []
    for file in files:
        try:
            read.append(sample_process.read(file))
        except RawDataError as error:  # noqa: PERF203  # a handful of files
            failed += error.lines
    return read, failed


def _write(base: Path, text: str) -> None:
    """Write the config atomically; the former config stays beside it, under the first free name."""
    base.parent.mkdir(parents=True, exist_ok=True)
    if base.exists():
        names = (f"{_FORMER}-{number}" if number > 1 else _FORMER for number in itertools.count(1))
        former = next(path for name in names if not (path := base.with_name(name)).exists())
        with addition(former) as path:
            path.write_bytes(base.read_bytes())
    with replacement(base) as path:
        path.write_text(text, encoding="utf-8")
    if not (dev := base.with_name("dev.toml")).exists():
        dev.touch()


def _check(text: str, home: Path) -> int:
    """Run `check` on the proposal, with defaults for all other settings."""
    try:
        settings = msgspec.convert(tomllib.loads(text), Settings)
    except msgspec.ValidationError as error:
        print(f"error: the proposal is no config yet: {error}; correct it by hand")
        return TASK_FAILED
    config = Config("dev", home, (), settings, {})
    print()
    return checking.say(config)
