"""Columns in the names of folders: `week=202401/part.parquet`, as Hive, Spark and others write tables.

The folders right above a file count, up from it as long as each is named `key=value`. A value is text, percent-decoded;
`__HIVE_DEFAULT_PARTITION__` is null. DuckDB's own reading of them is off: it takes every such folder of the whole path,
and lets it replace a column of the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePath
from urllib.parse import unquote

from pipeline.duck.quoting import identifier, literal

FILE = "(file)"
WITH_FILE = f"hive_partitioning = false, filename = {literal(FILE)}"
WITHOUT_FILE = "hive_partitioning = false"
_NAMED = re.compile("([^=]+)=(.*)", re.DOTALL)
_NULL = "__HIVE_DEFAULT_PARTITION__"


def keys(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the keys in the folder names of all these files; none if the files have different keys."""
    keys = {tuple(_pairs(path)) for path in paths}
    return keys.pop() if len(keys) == 1 else ()


def without(keys: Sequence[str], columns: Collection[str]) -> tuple[str, ...]:
    """Return the keys that are not columns of the file itself, ignoring case."""
    taken = {name.casefold() for name in columns}
    return tuple(key for key in keys if key.casefold() not in taken)


def value(paths: Sequence[str], key: str) -> str:
    """Return the SQL of a key's value in a scan of these files that is `WITH_FILE`."""
    written = {_pairs(path)[key] for path in paths}
    value = f"REGEXP_EXTRACT({identifier(FILE)}, {literal(f'(?s).*/{re.escape(key)}=([^/]*)/')}, 1)"
    others = [(text, _decoded(text)) for text in sorted(written)]
    cases = " ".join(f"WHEN {literal(text)} THEN {sql}" for text, sql in others if sql != literal(text))
    return f"CASE {value} {cases} ELSE {value} END" if cases else value


def value_of(path: str, key: str) -> str:
    """Return the SQL of a key's value for one file, whatever is scanned."""
    return f"CAST({_decoded(_pairs(path)[key])} AS VARCHAR)"


def _decoded(text: str) -> str:
    return "NULL" if text == _NULL else literal(unquote(text))


def _pairs(path: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for folder in PurePath(path).parents:
        named = _NAMED.fullmatch(folder.name)
        if named is None:
            break
        pairs.setdefault(named[1], named[2])
    return dict(sorted(pairs.items()))
