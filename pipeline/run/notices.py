"""Warnings at the end of a process about settings that have no effect."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator

from pipeline import schema
from pipeline.config.environment import Config
from pipeline.config.faults import Key, dotted
from pipeline.freshness import traces
from pipeline.run.session import session
from pipeline.settings.keys import normal
from pipeline.settings.per_category import SECTIONS, unknown
from pipeline.storage import parquet
from pipeline.wording import nearest, plain


def unknown_categories(config: Config) -> Iterator[str]:
    """One line per category in the settings that the last clustering does not have; none before the first clustering."""
    named = {name: unknown(config.section(name), ()) for name in SECTIONS}
    if not any(named.values()):
        return
    trace = traces.read(config.outputs / ".trace" / "internal_clustering.json")
    if trace is None:
        return
    for section in SECTIONS:
        for name in unknown(config.section(section), trace.children):
            where: Key = (*section.split("."), "category", name)
            yield (
                f"{dotted(where)}: has no effect: the data has no such category{nearest(normal(name), trace.children)}; "
                f"correct the name, or remove it (environment {config.env})"
            )


def unknown_stores(config: Config) -> Iterator[str]:
    """One line per store in `[stores]` that the last result does not have; none if this process built nothing.

    A process that built nothing has not read the tables; reading them would take longer than everything else it does.
    """
    named = {"closed": config.settings.stores.closed, "held_out": config.settings.stores.held_out}
    if not any(named.values()) or "pyarrow" not in sys.modules:
        return
    paths = {table: config.outputs / "merging" / f"{table}.parquet" for table in ("store_clusters", "excluded_stores")}
    if not all(path.is_file() for path in paths.values()):
        return
    frames = [parquet.read([path], schema.TABLES[table]) for table, path in paths.items()]
    stores = {str(store) for frame in frames for store in frame["store_id"]}
    for setting, names in named.items():
        for name in names:
            if normal(name) not in stores:
                yield (
                    f"stores.{setting}: {name!r} has no effect: no source has such a store{nearest(normal(name), stores)}; correct "
                    f"the name, or remove it (environment {config.env})"
                )


def at_exit(config: Config) -> None:
    """Register the warnings for the end of this process, once per environment."""
    if config.outputs not in session.noticed:
        session.noticed.add(config.outputs)
        atexit.register(say, config)


def say(config: Config) -> None:
    """Write the lines to standard error."""
    for line in (*unknown_categories(config), *unknown_stores(config)):
        sys.stderr.write(f"warning: {plain(line)}\n")
