"""Faults of where the sources are: files, a database, or both or neither; connections that are not secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pipeline.config.faults import ONE_VARIABLE, Key, Origin, dotted
from pipeline.settings import Located, SalesSource, Settings

# The databases that `engine.remote.drivers` can open, by the scheme of a connection's URL.
SCHEMES = (
    "postgresql",
    "postgres",
    "redshift",
    "snowflake",
    "bigquery",
    "databricks",
    "grpc",
    "grpc+tcp",
    "grpc+tls",
    "duckdb",
    "sc",
)
_NAMES = ("internal_sales", "need_states", "overrides")
_PLACES = ("path", "table", "sql")
_OF_DATABASES = ("connection", "version_query")


def without_replaced(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """The content of base.toml without the places of sources that the environment's file puts elsewhere: a table replaces a path."""
    sources, others = below.get("sources"), above.get("sources")
    if not isinstance(sources, dict) or not isinstance(others, dict):
        return below
    remaining = dict(sources)
    for name in _NAMES:
        table, other = sources.get(name), others.get(name)
        if isinstance(table, dict) and isinstance(other, dict) and any(key in other for key in _PLACES):
            dropped = _PLACES if "path" not in other else (*_PLACES, *_OF_DATABASES)
            remaining[name] = {key: value for key, value in table.items() if key not in dropped}
    return {**below, "sources": remaining}


def of_connections(written: dict[str, Any], origin: Origin) -> Iterator[str]:
    """Every connection that is not an environment variable: a URL of a database holds secrets.

    Parameters
    ----------
    written : the content of the files before `${VAR}` was replaced
    origin : the file of each key

    Yields
    ------
    One line per connection, without it.
    """
    sources = written.get("sources")
    if not isinstance(sources, dict):
        return
    external = sources.get("external")
    tables: list[tuple[Key, Any]] = [(("sources", name), sources.get(name)) for name in _NAMES]
    tables += [
        (("sources", "external", at), each) for at, each in enumerate(external if isinstance(external, list) else ())
    ]
    for key, table in tables:
        if not isinstance(table, dict) or "connection" not in table:
            continue
        connection, here = table["connection"], (*key, "connection")
        if not isinstance(connection, str) or not ONE_VARIABLE.fullmatch(connection):
            yield (
                f"{origin(here)}: {dotted(here)}: the URL of a database holds secrets; name an environment variable instead, such as "
                '"${SALES_DATABASE}"'
            )


def of_locations(settings: Settings, origin: Origin) -> Iterator[str]:
    """Every source that is in no place or in two, or whose connection is no URL of a database that can be read."""
    sources = settings.sources
    located: list[tuple[Key, Located]] = [
        (("sources", name), source) for name in _NAMES if (source := getattr(sources, name)) is not None
    ]
    located += [(("sources", "external", position), source) for position, source in enumerate(sources.external)]
    for key, source in located:
        yield from (f"{origin(key)}: {dotted(key)}{fault}" for fault in _of_location(source))


def _of_location(source: Located) -> Iterator[str]:
    named = [name for name in _PLACES if getattr(source, name)]
    if not named:
        yield ": names nothing to read: set path, or table or sql with connection"
    if len(named) > 1:
        yield f": sets {' and '.join(named)}: leave one of them; what an environment's own file sets replaces what base.toml sets"
    if not source.is_in_database:
        yield from (
            f".{name}: goes with table or sql, and there is none: remove it"
            for name in _OF_DATABASES
            if getattr(source, name)
        )
    elif not source.connection:
        yield '.connection: is missing: name the variable with the URL of the database, such as "${SALES_DATABASE}"'
    elif urlsplit(source.connection).scheme.lower() not in SCHEMES:
        yield f".connection: is no URL of a database that can be read; it must begin with one of {', '.join(f'{name}://' for name in SCHEMES)}"
    if isinstance(source, SalesSource) and source.is_in_database and source.week_columns:
        yield ".week_columns: is for files: give sql that returns a row per week, with UNPIVOT or UNION ALL, and set columns.week"
