"""The raw files of each source: where they are, and whether they are there. Heavy libraries are not needed for that."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import Config
from pipeline.errors import MissingDataError
from pipeline.settings import ExternalSource, NeedStateSource, SalesSource

SUFFIXES = (".parquet", ".pq", ".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


def names(config: Config) -> list[str]:
    """Every source: `internal_sales`, `need_states`, `external.0`, `external.1`..."""
    return ["internal_sales", "need_states", *external_names(config)]


def external_names(config: Config) -> list[str]:
    """The external sources, by position in `[[sources.external]]`."""
    return [f"external.{index}" for index in range(len(config.settings.sources.external))]


def source(config: Config, name: str) -> SalesSource | NeedStateSource | ExternalSource:
    """The settings of a source."""
    if name.startswith("external."):
        return config.settings.sources.external[int(name.split(".")[1])]
    return config.settings.sources.internal_sales if name == "internal_sales" else config.settings.sources.need_states


def setting(name: str) -> str:
    """The name of the setting that says where a source is."""
    return f"sources.external[{name.split('.')[1]}].path" if name.startswith("external.") else f"sources.{name}.path"


def found(config: Config, name: str) -> list[Path]:
    """The files of a source, in order of their names; none where there are none.

    A path may be a file, a folder (every Parquet and CSV file below it) or a glob.
    """
    text = source(config, name).path
    path = Path(text) if Path(text).is_absolute() else config.home / text
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES) and not _hidden(file, path))
    if path.is_file():
        return [path]
    if any(character in text for character in "*?["):
        anchor = Path(path.anchor)
        return sorted(file for file in anchor.glob(str(path.relative_to(anchor))) if file.is_file())
    return []


def _hidden(file: Path, below: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(below).parts)


def require(config: Config, name: str) -> list[Path]:
    """The files of a source.

    Raises
    ------
    MissingDataError
        There are none.
    """
    files = found(config, name)
    if not files:
        raise MissingDataError(
            f"no raw file at {source(config, name).path!r} (setting {setting(name)}, environment {config.env}, below "
            f"{config.home}): put the file there, or correct the path in configs/base.toml or configs/{config.env}.toml"
        )
    return files
