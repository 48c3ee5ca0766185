"""Word the faults of a config: the file, the key, the value, the allowed values, the nearest valid name.

Only a config that cannot be converted is checked here, so that a good one takes no longer than its conversion.
"""

from __future__ import annotations

import os
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.settings import Section, Settings, per_category
from pipeline.settings.keys import normal
from pipeline.settings.per_category import for_category
from pipeline.wording import nearest

Key = tuple[str | int, ...]

DATABASES = (".duckdb", ".db")
_ALERT_URLS: Key = ("alerts", "urls")
_HEARTBEAT: Key = ("alerts", "heartbeat_url")
ONE_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-)?\}")


# Settings of earlier versions, by the first part of their section, and what is done without them.
_OF_CLUSTERING = {
    "algorithm": "clusters are those of a mixture",
    "rule": "the mixture's likelihood decides k; set k to fix it",
    "transform": "shares are always roots, laid flat around the chain's mix",
    "shrinkage": "the mixture knows how noisy small stores are",
}
_OF_MERGING = dict.fromkeys(("k", "k_max"), "no method of merging has a number of clusters of its own")
_REMOVED = {**dict.fromkeys(("internal", "external", "chain"), _OF_CLUSTERING), "merging": _OF_MERGING}


@dataclass(frozen=True)
class Origin:
    """The file that sets a key: the last one that has it."""

    home: Path
    files: tuple[Path, ...]
    contents: list[dict[str, Any]]

    def __call__(self, key: Key) -> str:
        """The file, relative to the project's root; both files if neither has the key."""
        for file, content in reversed(list(zip(self.files, self.contents, strict=True))):
            if _has(content, key):
                return str(file.relative_to(self.home))
        return " or ".join(str(file.relative_to(self.home)) for file in self.files)

    def written(self, key: Key) -> str:
        """The value in the files, with `${VAR}` as written: messages must not show the values of variables."""
        content: Any = next(content for content in reversed(self.contents) if _has(content, key))
        for part in key:
            content = content[part]
        return repr(content)


def _has(content: Any, key: Key) -> bool:
    try:
        for part in key:
            content = content[part]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def dotted(key: Key) -> str:
    """A key in TOML syntax, such as `internal.clustering.category."Bread & Co.".k`."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            text += f".{name}" if text else name
    return text


def of_values(values: Any, kind: type[Section], origin: Origin, key: Key = ()) -> Iterator[str]:
    """Every fault of a table of the config, in the order of its keys.

    Parameters
    ----------
    values : the table, read from TOML
    kind : the type of the section
    origin : the file of each key
    key : the position of the table in the config

    Yields
    ------
    One line per unknown key, missing key, and value of a wrong type or range.
    """
    if not isinstance(values, dict):
        yield f"{origin(key)}: {dotted(key)}: expected a table, found {origin.written(key)}"
        return
    hints = typing.get_type_hints(kind, include_extras=True)
    for name in values:
        removed = _REMOVED.get(str(key[0]), {}).get(name) if key else None
        if name not in hints and removed:
            yield f"{origin((*key, name))}: {dotted((*key, name))}: was removed: {removed}; delete the line"
        elif name not in hints:
            yield (
                f"{origin((*key, name))}: {dotted((*key, name))}: unknown key{nearest(name, list(hints))}; "
                f"allowed are {', '.join(sorted(hints))}"
            )
    for field in msgspec.structs.fields(kind):
        here = (*key, field.name)
        if field.name in values:
            yield from _of_value(values[field.name], hints[field.name], origin, here)
        elif field.required:
            yield f"{origin(key)}: {dotted(here)}: is missing, and has no default"


def _of_value(value: Any, hint: Any, origin: Origin, key: Key) -> Iterator[str]:
    if key in (_ALERT_URLS, _HEARTBEAT) or key[-1] == "connection":  # reported elsewhere, without the value
        return
    while typing.get_origin(hint) in (typing.Annotated, typing.Union, types.UnionType) and _section(
        typing.get_args(hint)[0]
    ):
        hint = typing.get_args(hint)[0]
    kind, below = typing.get_origin(hint), _section(hint)
    if below is None:
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as error:
            text = re.sub(r"^Invalid enum value .*", "Invalid value", str(error).split(" - at ")[0], flags=re.DOTALL)
            yield f"{origin(key)}: {dotted(key)}: {text[0].lower()}{text[1:]}, found {origin.written(key)}{_choices(value, hint)}"
    elif kind is dict and isinstance(value, dict):
        for name, inner in value.items():
            yield from of_values(inner, below, origin, (*key, name))
    elif kind is tuple:
        if not isinstance(value, list):
            yield f"{origin(key)}: {dotted(key)}: expected one or more tables, written [[{dotted(key)}]], found {origin.written(key)}"
            return
        for index, inner in enumerate(value):
            yield from of_values(inner, below, origin, (*key, index))
    else:
        yield from of_values(value, below, origin, key)


def _section(hint: Any) -> type[Section] | None:
    """The section type of a field: direct, optional, in a table by name, or in a list; None if it is not a section."""
    if typing.get_origin(hint) in (dict, tuple, typing.Annotated, typing.Union, types.UnionType):
        return next((section for part in typing.get_args(hint) if (section := _section(part))), None)
    return hint if isinstance(hint, type) and issubclass(hint, Section) else None


def _choices(value: Any, hint: Any) -> str:
    options = [
        option
        for part in (hint, *typing.get_args(hint))
        if typing.get_origin(part) is typing.Literal
        for option in typing.get_args(part)
    ]
    if not options:
        return ""
    return f"; allowed are {', '.join(repr(option) for option in options)}{nearest(str(value), options)}"


def of_urls(written: dict[str, Any], origin: Origin) -> Iterator[str]:
    """Every alert URL that is not an environment variable: URLs hold secrets, and many people read the config files.

    Parameters
    ----------
    written : the content of the files before `${VAR}` was replaced
    origin : the file of each key

    Yields
    ------
    One line per URL, without the URL.
    """
    alerts = written.get("alerts")
    urls = alerts.get("urls", []) if isinstance(alerts, dict) else []
    heartbeat = alerts.get("heartbeat_url", "") if isinstance(alerts, dict) else ""
    if heartbeat != "" and not (isinstance(heartbeat, str) and ONE_VARIABLE.fullmatch(heartbeat)):
        yield _in_clear(_HEARTBEAT, "HEARTBEAT_URL", origin)
    if not isinstance(urls, list):
        yield f'{origin(_ALERT_URLS)}: {dotted(_ALERT_URLS)}: expected a list of variables, such as ["${{ALERT_URL}}"]'
        return
    for index, url in enumerate(urls):
        if not isinstance(url, str) or not ONE_VARIABLE.fullmatch(url):
            yield _in_clear((*_ALERT_URLS, index), "ALERT_URL", origin)


def _in_clear(key: Key, variable: str, origin: Origin) -> str:
    return (
        f"{origin(key)}: {dotted(key)}: URLs hold secrets; name an environment variable instead, such as "
        f'"${{{variable}}}", or "${{{variable}:-}}" if it may be empty'
    )


def of_settings(settings: Settings, origin: Origin) -> Iterator[str]:
    """Every fault of individually valid settings: settings that contradict each other."""
    yield from _of_sources(settings, origin)
    yield from _of_marks(settings, origin)
    if settings.sample_data.when_missing and not settings.sample_data.accept:
        key: Key = ("sample_data", "when_missing")
        yield f"{origin(key)}: {dotted(key)}: cannot be true if sample_data.accept is false; set both, or neither"
    sales = settings.sources.internal_sales
    if settings.internal.preprocessing.last_weeks and sales and not (sales.columns.week or sales.week_columns):
        key = ("internal", "preprocessing", "last_weeks")
        yield f"{origin(key)}: {dotted(key)}: needs the column of the weeks; set sources.internal_sales.columns.week"
    yield from _of_stores(settings, origin)
    yield from _of_paths(settings, origin)
    yield from _of_weights(settings, origin)
    yield from _of_categories(settings, origin)


def _of_sources(settings: Settings, origin: Origin) -> Iterator[str]:
    """No source at all, sources that go with sales where there are none, and two that say what the mix is over."""
    sources = settings.sources
    if sources.internal_sales is None and not sources.external:
        key: Key = ("sources",)
        yield (
            f"{origin(key)}: sources: names neither sales nor outside data: add [sources.internal_sales], [[sources.external]] or both, "
            "or have `store-clustering init FILES` propose them"
        )
    for name in ("need_states", "overrides"):
        if sources.internal_sales is None and getattr(sources, name) is not None:
            key = ("sources", name)
            yield f"{origin(key)}: {dotted(key)}: goes with sales, and there are none: add [sources.internal_sales], or remove it"
    if sources.need_states is None:
        return
    if sources.internal_sales is not None and sources.internal_sales.columns.need_state is not None:
        key = ("sources", "internal_sales", "columns", "need_state")
        yield f"{origin(key)}: {dotted(key)}: [sources.need_states] says what the mix is over too: leave one of them"
    columns = sources.need_states.columns
    if columns.weight is not None and not isinstance(columns.need_state, str):
        key = ("sources", "need_states", "columns", "weight")
        yield f"{origin(key)}: {dotted(key)}: need_state gives each of its columns a weight already: remove one of them"


def _of_marks(settings: Settings, origin: Origin) -> Iterator[str]:
    """A decimal mark that stands between thousands as well: no number could be read."""
    sources = settings.sources
    places: list[tuple[Key, Any]] = [
        (("sources", name), getattr(sources, name)) for name in ("internal_sales", "need_states", "overrides")
    ]
    places += [(("sources", "external", index), source) for index, source in enumerate(sources.external)]
    for entry, kind in ((entry, kind) for entry in places if entry[1] is not None for kind in ("csv", "excel")):
        written = getattr(entry[1], kind)
        if written.decimal and written.decimal == written.thousands:
            key: Key = (*entry[0], kind, "thousands")
            yield f"{origin(key)}: {dotted(key)}: is the decimal mark too, {written.decimal!r}: set one of them to another mark"


def _of_stores(settings: Settings, origin: Origin) -> Iterator[str]:
    """Stores that are both closed (in no result) and held out (in the result, but in no fit)."""
    closed, held_out = (
        {normal(name) for name in names} for names in (settings.stores.closed, settings.stores.held_out)
    )
    key = ("stores", "held_out")
    for name in sorted(closed & held_out):
        yield f"{origin(key)}: {dotted(key)}: store {name!r} is in stores.closed too; leave it in one of them"


def _of_paths(settings: Settings, origin: Origin) -> Iterator[str]:
    """A database path that could be another file; sources in outputs, where a run would make itself stale."""
    sources = settings.sources
    single = {name: getattr(sources, name) for name in ("internal_sales", "need_states", "overrides")}
    paths: list[tuple[Key, str]] = [
        *((("sources", name, "path"), source.path) for name, source in single.items() if source is not None),
        *((("sources", "external", index, "path"), source.path) for index, source in enumerate(sources.external)),
    ]
    if not settings.warehouse.path.endswith(DATABASES):
        here: Key = ("warehouse", "path")
        yield (
            f"{origin(here)}: {dotted(here)}: {settings.warehouse.path!r} is not the name of a database, and a file there would be replaced; "
            f"choose a name that ends in {' or '.join(DATABASES)}"
        )
    outputs = Path(os.path.realpath(origin.home / "outputs"))
    for key, path in paths:
        if Path(os.path.realpath(origin.home / path)).is_relative_to(outputs):
            yield (
                f"{origin(key)}: {dotted(key)}: {path!r} is in outputs, which runs write and replace; save the file "
                "elsewhere, such as in data/raw, and set the path to it"
            )


def _of_weights(settings: Settings, origin: Origin) -> Iterator[str]:
    merging: tuple[tuple[Key, Any], ...] = (
        (("merging",), settings.merging),
        *((("merging", "category", name), for_category(settings.merging, normal(name))) for name in settings.merging.category),
    )  # fmt: skip
    for key, section in merging:
        if section.internal_weight + section.external_weight <= 0:
            yield f"{origin(key)}: {dotted((*key, 'internal_weight'))}: both weights are 0; at least one must be above 0"
            return


def _of_categories(settings: Settings, origin: Origin) -> Iterator[str]:
    """Categories with two tables of settings, whose names are equal when trimmed and in NFC."""
    for section in per_category.SECTIONS:
        names = [normal(name) for name in per_category.section_of(settings, section).category]
        for name in sorted({name for name in names if names.count(name) > 1}):
            key = (*section.split("."), "category", name)
            yield f"{origin(key)}: {dotted(key)}: appears twice, with different blanks or spellings of accents; join the two tables"
