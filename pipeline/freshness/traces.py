"""A trace: the inputs, settings, code and outputs of a task's last build.

One small JSON file per task in `outputs/<env>/.trace/`, written after the targets, by rename. A file that is not a trace of
this version counts as no trace, and the task is stale. Nothing in it is executed.
"""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Any

import msgspec

from pipeline.storage import durable
from pipeline.storage.replacement import replacement

VERSION = 1


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What a build read and wrote. Paths below the project's root are relative to it.

    Attributes
    ----------
    task : the task's class, with the category for a task per category
    settings : dotted key -> value, of the settings the stage reads
    code : module or file -> fingerprint
    libraries : name -> version
    inputs, outputs : path -> content hash
    children : the categories whose tasks this task asked for
    built_at : UTC, ISO 8601
    seconds : how long the build took
    run_id : the run that built it
    rows : path -> rows, of the outputs that are tables; empty in traces of earlier versions
    """

    version: int = VERSION
    task: str
    settings: dict[str, Any]
    code: dict[str, str]
    libraries: dict[str, str]
    inputs: dict[str, str]
    outputs: dict[str, str]
    children: list[str] = []
    built_at: str = ""
    seconds: float = 0.0
    run_id: str = ""
    rows: dict[str, int] = {}


@functools.cache
def slug(name: str) -> str:
    """A file name for a name from the data: readable where possible, and unique by its hash.

    >>> slug("Bread & Co.")
    'bread-co-02e87823e7'
    """
    normal = unicodedata.normalize("NFC", name)
    readable = re.sub(r"[^a-z0-9]+", "-", normal.lower()).strip("-")[:40]
    return f"{readable or 'x'}-{hashlib.sha256(normal.encode()).hexdigest()[:10]}"


def is_slug(name: str) -> bool:
    """Whether this can be the slug of a name.

    >>> is_slug(slug("Bread & Co.")), is_slug("bread, my copy")
    (True, False)
    """
    return re.fullmatch(r"[a-z0-9-]+-[0-9a-f]{10}", name) is not None


def read(path: Path) -> Trace | None:
    """The trace in this file; None if there is no readable trace."""
    try:
        trace = msgspec.json.decode(durable.read(path), type=Trace)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return trace if trace.version == VERSION else None


def write(path: Path, trace: Trace) -> None:
    """Write the trace, by rename."""
    with replacement(path) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(trace, order="sorted"), indent=1))


def flatten(values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys; lists of tables by position.

    >>> flatten({"a": {"b": 1, "c": [{"d": 2}]}})
    {'a.b': 1, 'a.c[0].d': 2}
    """
    if isinstance(values, dict):
        parts = [(f"{prefix}.{key}" if prefix else str(key), value) for key, value in values.items()]
    elif isinstance(values, list | tuple) and any(isinstance(value, dict) for value in values):
        parts = [(f"{prefix}[{index}]", value) for index, value in enumerate(values)]
    else:
        return {prefix: list(values) if isinstance(values, tuple) else values}
    return {key: value for name, below in parts for key, value in flatten(below, name).items()}
