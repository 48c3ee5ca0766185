"""Write settings.md, tables.md, commands.md and queries.md from the code that they describe.

    uv run python docs/generate.py
    uv run python docs/generate.py --check    # exit code 1, and the name of each file that is out of date

The effect of a setting is its `#:` comment in `pipeline/settings`: at the end of the field's line, or on lines of
its own right above.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from pipeline import settings
from pipeline.cli import main as cli
from pipeline.schema import TABLES, Column, Table
from pipeline.settings import Section, Settings
from pipeline.settings.kinds import category_settings_of
from pipeline.workbench import assets

FOLDER = Path(__file__).resolve().parent
_WIDTH = 100
_MARK = "#:"
_DICTIONARY = ["column", "type", "null", "unit", "what it is"]
_PATTERNS = {
    r"^(v\d+\.\d+\.\d+|latest)$": "a version of DuckDB, such as `v1.2.0`, or `latest`",
    r"^((s3|gs|abfss?|az)://[^/]+(/.*)?)?$": "empty, or a URL that begins with `s3://`, `gs://`, `abfs://`, `abfss://` or `az://`",
    r"^(\d+(\.\d+)?\s?([KMGT]i?B))?$": "empty, or a number and KB, MB, GB or TB",
}

_SETTINGS = """\
# Settings

`docs/generate.py` writes this page from [`pipeline/settings`](../pipeline/settings). Do not edit it by hand.

A run reads `configs/base.toml` first, and `configs/<env>.toml` on top of it. A setting that stands in neither has its default. An
unknown key, a wrong type and a value out of range are errors that name the file, the key, what was found and what is allowed.
`${VAR}` and `${VAR:-default}` in a text are replaced from the environment. Relative paths start at the project's root: the folder
of `luigi.cfg`, or `STORE_CLUSTERING_HOME`.

A share is a number from 0 to 1. If the last column says *yes*, the setting can also be a category setting: it stands in a table
for one category, such as `[internal.clustering.category."Bread"]`, and makes only this category stale.

`[logging]`, `[engine]` and `[alerts]` change no result, and make nothing stale."""

_TABLES = """\
# Tables

`docs/generate.py` writes this page from [`pipeline/schema`](../pipeline/schema). Do not edit it by hand.

All tables are in `outputs/clustering_<env>.duckdb`, with these texts as comments. All but `lineage` and `runs` are also Parquet files
below `outputs/<env>/`, sorted by their key. There, `sales_by_need_state` is one file per category; `categories` names the files.
Money is `decimal(22,6)`: exact, with as many decimals as the raw amounts of its category have, at least two and at most six."""

_COMMANDS = """\
# Commands

`docs/generate.py` writes this page from the help of the commands. Do not edit it by hand. Their exit codes:
[operations.md](operations.md#exit-codes). Completion in bash: `eval "$(_STORE_CLUSTERING_COMPLETE=bash_source store-clustering)"`;
for other shells use `zsh_source` or `fish_source`."""

_QUERIES = """\
# Query the database

`docs/generate.py` writes this page from [`examples.sql`](../pipeline/workbench/examples.sql), which the
[workbench](workbench.md#tables-and-sql) offers too. Do not edit it by hand.

You can open `outputs/clustering_<env>.duckdb` read-only in the DuckDB command line, Python, R, DBeaver or any tool with a DuckDB
driver. Tables and columns have comments, the same as in [tables.md](tables.md):
`FROM duckdb_columns() SELECT table_name, column_name, comment`. A test runs every query on this page."""

# ---------------------------------------------------------------- settings


def settings_page() -> str:
    """Every section, in the order of `Settings`; one that several sources share stands once."""
    places: dict[type[Section], list[str]] = {}
    for place, section in _sections(Settings, ""):
        places.setdefault(section, []).append(place)
    pages = [_SETTINGS]
    for section, where in places.items():
        pages += [f"## {', '.join(f'`{place}`' for place in where)}", _settings_table(section)]
    return "\n\n".join(pages) + "\n"


def _sections(kind: type[Section], place: str) -> Iterator[tuple[str, type[Section]]]:
    """Each section below `kind` that has settings of its own, and where it stands, as TOML writes it."""
    hints = typing.get_type_hints(kind)
    own = [name for name, hint in hints.items() if _section_in(hint) is None]
    if own:
        yield (place if place.startswith("[[") else f"[{place}]"), kind
    for name, hint in hints.items():
        below = _section_in(hint)
        if below is None or name == "category":
            continue
        if typing.get_origin(hint) is tuple:
            yield from _sections(below, f"[[{place}.{name}]]")
        elif place.startswith("[["):
            yield f"{place} {name}", below
        else:
            yield from _sections(below, f"{place}.{name}" if place else name)


def _section_in(hint: Any) -> type[Section] | None:
    for part in (hint, *typing.get_args(hint)):
        if isinstance(part, type) and issubclass(part, Section):
            return part
    return None


def _settings_table(section: type[Section]) -> str:
    hints = typing.get_type_hints(section, include_extras=True)
    override: Any = category_settings_of(section)
    per_category = override.__struct_fields__ if override else ()
    effects = _effects(section)
    header = ["setting", "type", "allowed", "default", "effect", *(["per category"] if override else [])]
    rows = []
    for field in msgspec.structs.fields(section):
        if _section_in(typing.get_type_hints(section)[field.name]):
            continue
        effect = effects.get(field.name)
        if effect is None:
            raise SystemExit(
                f"pipeline/settings: {section.__name__}.{field.name} has no `{_MARK}` comment that says its effect"
            )
        kind, allowed = _words(hints[field.name])
        row = [f"`{field.name}`", kind, allowed, _default(field), effect]
        rows.append([*row, *(["yes" if field.name in per_category else ""] if override else [])])
    return _markdown(header, rows)


def _effects(section: type[Section]) -> dict[str, str]:
    """The `#:` comment of each field, those of the sections it extends included."""
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if not (isinstance(kind, type) and issubclass(kind, Section)):
            continue
        lines = inspect.getsource(kind).splitlines()
        for node in ast.parse("\n".join(lines)).body[0].body:  # type: ignore[attr-defined]  # a class
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            above: list[str] = []
            for line in reversed(lines[: node.lineno - 1]):
                if not line.strip().startswith(_MARK):
                    break
                above.insert(0, line.strip().removeprefix(_MARK).strip())
            last = lines[(node.end_lineno or node.lineno) - 1].encode()[node.end_col_offset or 0 :].decode()
            beside = last.partition(_MARK)[2].strip()
            said = " ".join([*above, beside]).strip()
            if said:
                found[node.target.id] = said
    return found


def _words(hint: Any) -> tuple[str, str]:
    """A type and what it allows, in words."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    ranges = tuple(part for part in parts[1:] if isinstance(part, msgspec.Meta))
    if origin is typing.Annotated and len(ranges) < len(parts) - 1:  # with a mark, such as that of PerCategory
        return _words(typing.Annotated[(parts[0], *ranges)] if ranges else parts[0])
    if origin in (typing.Union, types.UnionType):
        ways = [_words(part) for part in parts if part is not type(None)]
        return " or ".join(kind for kind, _ in ways), "; ".join(
            dict.fromkeys(allowed for _, allowed in ways if allowed)
        )
    if origin is Literal:
        return "one of", ", ".join(f"`{_toml(option)}`" for option in parts)
    if origin is tuple:
        kind, allowed = _words(parts[0])
        return f"list of {kind}s", f"each {allowed}" if allowed else ""
    if origin is typing.Annotated and typing.get_origin(parts[0]) is tuple:
        return _words(parts[0])
    if origin is dict:
        return _table_words(*_words(parts[1]))
    if hint == settings.Share:
        return "share", "0 to 1"
    if hint == settings.OneCharacter:
        return "text", "one character"
    meta = parts[1] if origin is typing.Annotated else msgspec.Meta()
    plain = parts[0] if origin is typing.Annotated else hint
    if plain is str and meta.pattern:
        return "text", _PATTERNS[meta.pattern]
    return {str: "text", bool: "true or false", int: "whole number", float: "number"}[plain], _range(meta)


def _table_words(kind: str, allowed: str) -> tuple[str, str]:
    """A table of values of this kind."""
    if kind.startswith("list "):
        return f"table of {kind.replace('list', 'lists', 1)} by name", allowed
    return f"table of {'values' if kind == 'one of' else f'{kind}s'} by name", f"each {allowed}" if allowed else ""


def _range(meta: msgspec.Meta) -> str:
    if meta.min_length:
        return "not empty"
    if meta.ge is not None and meta.le is not None:
        return f"{meta.ge:,} to {meta.le:,}"
    if meta.ge is not None:
        return f"from {meta.ge:g}"
    return f"above {meta.gt:g}" if meta.gt is not None else ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "has to be given"
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return "none" if default is None else f"`{_toml(default)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if '"' in value else f'"{value}"'
    return str(list(value)) if isinstance(value, tuple) else str(value)


# ---------------------------------------------------------------- tables


def tables_page() -> str:
    """The data dictionary."""
    index = [[f"[`{table.name}`](#{table.name})", table.comment] for table in TABLES.values()]
    pages = [
        _TABLES,
        _markdown(["table", "what it holds"], index),
        *(_dictionary(table) for table in TABLES.values()),
    ]
    return "\n\n".join(pages) + "\n"


def _dictionary(table: Table) -> str:
    rows = [_column(column, column.name in table.key) for column in table.columns]
    if table.more:
        rows.append([f"*one per {table.more.name}*", *_column(table.more, False)[1:]])
    key = ", ".join(f"`{name}`" for name in table.key)
    about = textwrap.fill(f"{table.comment}. {table.grain.capitalize()}; key: {key}.", 130, break_on_hyphens=False)
    return f"## {table.name}\n\n{about}\n\n{_markdown(_DICTIONARY, rows)}"


def _column(column: Column, in_key: bool) -> list[str]:
    return [
        f"`{column.name}`",
        column.type,
        "may be" if column.nullable and not in_key else "",
        column.unit,
        column.comment,
    ]


# ---------------------------------------------------------------- commands


def commands_page() -> str:
    """What every command says of itself."""
    group = cli.app
    top = click.Context(group, info_name="store-clustering", terminal_width=_WIDTH)
    pages = [
        _COMMANDS,
        f"```text\n{_clean(group.get_help(top))}\n```",
    ]
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        context = click.Context(command, info_name=name, parent=top, terminal_width=_WIDTH)
        pages.append(f"## {name}\n\n```text\n{_clean(command.get_help(context))}\n```")
    return "\n\n".join(pages) + "\n"


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def queries_page() -> str:
    """Every example query, with what it shows."""
    queries = [f"{example['title']}:\n\n```sql\n{example['sql']}\n```" for example in assets.examples()]
    return "\n\n".join([_QUERIES, *queries]) + "\n"


# ---------------------------------------------------------------- all


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in (header, *rows)]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])


def main() -> int:
    """Write the pages, or with --check name those that are out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is out of date")
    check = parser.parse_args().check
    pages = {
        "settings.md": settings_page(),
        "tables.md": tables_page(),
        "commands.md": commands_page(),
        "queries.md": queries_page(),
    }
    stale = 0
    for name, text in pages.items():
        path = FOLDER / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            sys.stderr.write(f"docs/{name} is out of date: run `uv run python docs/generate.py`\n")
        else:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"docs/{name}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
