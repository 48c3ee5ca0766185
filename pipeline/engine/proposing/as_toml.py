"""A proposal as the text of a config, with what is unsure as comments."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from pipeline.config.raw_files import SUFFIXES
from pipeline.engine.proposing.amounts import Value
from pipeline.engine.proposing.roles import EXTERNAL, NEED_STATES, SALES, Group, Part, Proposal


def written(proposal: Proposal, home: Path) -> str:
    """Return the config. Paths below `home` are relative to it; files that are read alike are named by their folder or a pattern."""
    lines = [
        "# Proposed by `store-clustering init` from the files below. Look at every line, and at what `check` says.",
        "",
    ]
    sales = next((part for part in proposal.parts if part.source == SALES), None)
    for part in proposal.parts:
        lines += _part(part, home, has_map=any(each.source == NEED_STATES for each in proposal.parts), sales=sales)
    lines += [f"# {text}" for text in (*proposal.missing, *proposal.left_out)]
    return "\n".join(lines).rstrip() + "\n"


def _part(part: Part, home: Path, *, has_map: bool, sales: Part | None) -> list[str]:
    columns = dict(part.columns)
    if part.source == SALES and has_map:
        columns.pop("need_state", None)
    if part.source == SALES and "need_state" in columns:
        columns.pop("sku_id", None)
    if (
        part.source == NEED_STATES
        and sales is not None
        and "category" not in sales.columns
        and "category" not in columns
    ):
        columns.pop("category", None)
    lines = [f"# unsure: {text}" for text in part.unsure]
    lines.append(f"[[sources.{EXTERNAL}]]" if part.source == EXTERNAL else f"[sources.{part.source}]")
    lines.append(f"path = {_value(path_of(part.group, home))}")
    lines.append(f"columns = {_table(columns)}")
    for name, values in (("ignore", part.ignore), ("labels", part.labels)):
        if values:
            lines.append(f"{name} = {_value(list(values))}")
    lines += [f"{name} = {_value(value)}" for name, value in part.settings.items()]
    for name, settings in (("csv", part.group.sample.csv), ("excel", part.group.sample.excel)):
        if settings:
            lines.append(f"{name} = {_table(settings)}")
    return [*lines, ""]


def path_of(group: Group, home: Path) -> str:
    """Return a file, the folder that holds these files and no other raw ones, or a pattern of what their names have in common."""
    paths = [Path(os.path.abspath(path)) for path in group.paths]  # noqa: PTH100  # links stay as they are named
    if len(paths) == 1:
        return _below(paths[0], home)
    folder = paths[0].parent
    there = [file for file in folder.rglob("*") if file.is_file() and file.name.lower().endswith(SUFFIXES)]
    if len(there) == len(paths):
        return _below(folder, home)
    first, last = min(paths).name, max(paths).name
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    start = "".join(letter for letter, _ in alike).rstrip("0123456789")
    return _below(folder / f"{start}*{paths[0].suffix}", home)


def _below(path: Path, home: Path) -> str:
    return str(path.relative_to(home)) if path.is_relative_to(home) else str(path)


def _table(values: Mapping[str, Any]) -> str:
    return f"{{ {', '.join(f'{_key(key)} = {_value(value)}' for key, value in values.items())} }}"


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _value(value: Value) -> str:
    if isinstance(value, Mapping):
        return _table(value)
    return json.dumps(value, ensure_ascii=False)  # of texts, whole numbers and lists of texts, TOML writes the same
