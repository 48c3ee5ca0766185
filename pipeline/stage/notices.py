"""What a process says about the settings when it ends, whatever else it did: that something in them has no effect."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pipeline.config import Config
from pipeline.config_faults import Key, dotted, nearest
from pipeline.freshness import traces
from pipeline.overrides import SECTIONS, key, unknown


def unknown_categories(config: Config) -> Iterator[str]:
    """A line per override for a category that the last clustering did not find; none before there was one."""
    overridden = {name: unknown(config.section(name), ()) for name in SECTIONS}
    if not any(overridden.values()):
        return
    trace = traces.read(config.outputs / ".trace" / "internal_clustering.json")
    if trace is None:
        return
    for section in SECTIONS:
        for name in unknown(config.section(section), trace.children):
            where: Key = (*section.split("."), "category", name)
            yield (
                f"{dotted(where)}: has no effect: the data has no such category{nearest(key(name), trace.children)}; "
                f"correct the name, or remove it (environment {config.env})"
            )


def say(config: Config) -> None:
    """Write the lines to standard error."""
    for line in unknown_categories(config):
        sys.stderr.write(f"warning: {line}\n")
