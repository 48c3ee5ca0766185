"""The raw files of each source: their paths, and whether they exist. This needs no heavy library.

Rows of a database and files of a bucket have local copies, which stages make (`stage.remote`); they are the source's raw files.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.config.environment import Config
from pipeline.errors import MissingDataError
from pipeline.settings import ExternalSource, NeedStateSource, OverridesSource, SalesSource
from pipeline.wording import listed

# The suffixes of every format; `engine.reading.raw.READERS` has a reader for each.
FORMATS = {
    "Parquet": (".parquet", ".pq"),
    "CSV": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".csv.zip", ".tsv.zip", ".txt.zip", ".zip"),
    "Excel": (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
HIDDEN = (".", "_", "~$")  # the last is Excel's prefix for the lock file of an open workbook
_WILD = "*?["


def names(config: Config) -> list[str]:
    """Every source of the config, of `internal_sales`, `need_states`, `external.0`, `external.1`..., `overrides`."""
    before, after = (
        [name for name in single if getattr(config.settings.sources, name) is not None]
        for single in (("internal_sales", "need_states"), ("overrides",))
    )
    return [*before, *external_names(config), *after]


def external_names(config: Config) -> list[str]:
    """The external sources, by position in `[[sources.external]]`."""
    return [f"external.{index}" for index in range(len(config.settings.sources.external))]


def source(config: Config, name: str) -> SalesSource | NeedStateSource | ExternalSource | OverridesSource:
    """The settings of a source, one of `names`."""
    if name.startswith("external."):
        return config.settings.sources.external[int(name.split(".")[1])]
    source_settings: SalesSource | NeedStateSource | OverridesSource = getattr(config.settings.sources, name)
    return source_settings


def setting(name: str) -> str:
    """The name of the setting with the path of a source."""
    return f"sources.external[{name.split('.')[1]}].path" if name.startswith("external.") else f"sources.{name}.path"


def format_of(path: str) -> str | None:
    """The format of a file, a key of `FORMATS`, by its suffix in any case; None where that is none of a format's."""
    name = path.lower()
    return next((format_ for format_, suffixes in FORMATS.items() if name.endswith(suffixes)), None)


def existing(config: Config, name: str) -> list[Path]:
    """The existing files of a source, in order of their names; may be empty.

    A path may be a file, a folder (every Parquet, CSV and Excel file below it) or a glob. Files and folders whose names
    start with `.`, `_` or `~$` do not count, unless the glob itself has such a name, as in `_*.csv`.
    """
    section = source(config, name)
    if section.is_in_database:
        return [copy] if (copy := extract(config, name)).is_file() else []
    if section.is_in_bucket:
        return _in_folder(mirror(config, name))
    text = section.path
    path = Path(text) if Path(text).is_absolute() else config.home / text
    if path.is_dir():
        return _in_folder(path)
    if path.is_file():
        return [path]
    return sorted(_globbed(config.home, Path(text))) if any(character in text for character in _WILD) else []


def is_far(config: Config, name: str) -> bool:
    """Whether a source is in a database or a bucket, and what is here is a copy."""
    section = source(config, name)
    return section.is_in_database or section.is_in_bucket


def extract(config: Config, name: str) -> Path:
    """The local copy of a source that is in a database."""
    return config.outputs / "source_extract" / f"{name}.parquet"


def mirror(config: Config, name: str) -> Path:
    """The folder with the local copies of a source whose files are in a bucket."""
    return config.outputs / "bucket_mirror" / name


def _in_folder(folder: Path) -> list[Path]:
    every = (file for file in folder.rglob("*") if file.name.lower().endswith(SUFFIXES) and file.is_file())
    return sorted(file for file in every if not _hidden(file, folder))


def holder(config: Config, path: Path) -> str | None:
    """The first source for which a file of this path is, or would be, a raw file; None if there is none."""
    wanted = path.resolve()
    for name in (each for each in names(config) if not is_far(config, each)):
        text = config.home / source(config, name).path
        in_folder = text.is_dir() and wanted.is_relative_to(text.resolve())
        if in_folder or wanted in (text.resolve(), *(file.resolve() for file in existing(config, name))):
            return name
        if any(character in str(text) for character in _WILD) and fnmatch.fnmatch(str(wanted), str(text)):
            return name
    return None


def _globbed(home: Path, glob: Path) -> Iterator[Path]:
    start, steps = (Path(glob.anchor), glob.parts[1:]) if glob.is_absolute() else (home, glob.parts)
    first = next(n for n, step in enumerate(steps) if any(character in step for character in _WILD))
    base = start.joinpath(*steps[:first])
    asked = any(step.startswith(HIDDEN) for step in steps[first:])
    return (
        file for file in base.glob(str(Path(*steps[first:]))) if file.is_file() and (asked or not _hidden(file, base))
    )


def _hidden(file: Path, below: Path) -> bool:
    return any(part.startswith(HIDDEN) for part in file.relative_to(below).parts)


def require(config: Config, name: str) -> list[Path]:
    """The files of a source.

    Raises
    ------
    MissingDataError
        No file exists.
    """
    files = existing(config, name)
    if not files:
        raise MissingDataError(
            f"no raw file at {source(config, name).path!r} (setting {setting(name)}, environment {config.env}, below "
            f"{config.home}): put the file there, or correct the path in configs/base.toml or configs/{config.env}.toml"
        )
    return files


def copies(files: Sequence[Path], content: Callable[[Path], str]) -> list[str]:
    """Warnings about duplicate files of sales: one line for each content that several files have.

    Parameters
    ----------
    files : the files of the internal sales; rows with equal keys are summed, so a copy doubles them
    content : gives the content hash of a file; called only for files of equal size
    """
    of_size: dict[int, list[Path]] = {}
    for file in files:
        of_size.setdefault(file.stat().st_size, []).append(file)
    alike: dict[str, list[Path]] = {}
    for file in (file for same in of_size.values() if len(same) > 1 for file in same):
        alike.setdefault(content(file), []).append(file)
    return [
        f"{same[0]}: byte for byte the same as {listed([str(file) for file in same[1:]], 10)}: every sale in it is counted "
        f"{len(same)} times; remove the copies"
        for same in alike.values()
        if len(same) > 1
    ]
