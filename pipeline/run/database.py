"""Whether a run may replace the file at `warehouse.path`: only a database that this environment published."""

from __future__ import annotations

from pathlib import Path

from pipeline.config.environment import Config
from pipeline.errors import SettingsError
from pipeline.storage import durable

_TRACE = "warehouse.json"


def check_replaceable(config: Config) -> None:
    """Refuse a database path with any file but a database that this environment published.

    If the trace of the last load names the file, nothing more is checked, and DuckDB is not imported.

    Raises
    ------
    SettingsError
        The file belongs to another environment, or nothing proves that this environment published it.
    """
    path = config.database
    if not path.exists() or _names(config.outputs / ".trace" / _TRACE, config):
        return
    for trace in sorted((config.home / "outputs").glob(f"*/.trace/{_TRACE}")):
        if _names(trace, config):
            raise SettingsError(
                f"warehouse.path: {_shown(config)} is the database of environment {trace.parent.parent.name}; give "
                f"{config.env} a database of its own, such as outputs/clustering_{{env}}.duckdb"
            )
    from pipeline.warehouse.published import (
        environments_of,
    )  # imports DuckDB, which a run with nothing to do never needs

    if environments_of(path) != {config.env}:
        raise SettingsError(
            f"warehouse.path: {_shown(config)} exists, but environment {config.env} did not publish it, so it is not replaced; "
            "move it away, or choose another path"
        )


def _shown(config: Config) -> Path:
    path = config.database
    return path.relative_to(config.home) if path.is_relative_to(config.home) else path


def _names(trace: Path, config: Config) -> bool:
    """Whether a trace names the database as one of its files."""
    try:
        return f'"{_shown(config)}"'.encode() in durable.read(trace)
    except (OSError, UnicodeEncodeError):
        return False
