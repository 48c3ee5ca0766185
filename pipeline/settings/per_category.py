"""Settings for one category: a `category` table inside a section replaces values of the section for this category."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

import msgspec

from pipeline.settings import Section, Settings
from pipeline.settings.keys import normal
from pipeline.settings.kinds import category_settings_of

SectionType = TypeVar("SectionType", bound=Section)


def _with_categories(section: Section, prefix: str = "") -> Iterator[str]:
    for name in section.__struct_fields__:
        below = getattr(section, name)
        if isinstance(below, Section):
            if category_settings_of(type(below)):
                yield prefix + name
            yield from _with_categories(below, f"{prefix}{name}.")


_BY_DEFAULT = Settings(sources=cast("Any", None))  # nothing of it is per category, and there is no default
SECTIONS = tuple(_with_categories(_BY_DEFAULT))  # the dotted names of those that have a `category` table


def section_of(settings: Settings, name: str) -> Any:
    """The section with a dotted name, such as `internal.clustering`; None below a source that is not there."""
    section: Any = settings
    for part in name.split("."):
        section = None if section is None else getattr(section, part)
    return section


def for_category(section: SectionType, category: str) -> SectionType:
    """The section with the category's settings applied and its `category` table emptied.

    Parameters
    ----------
    section : a section with a `category` table
    category : the category's name, as written in the data

    Returns
    -------
    A section of the same type with the settings for this category, without those of other categories.
    """
    values: dict[str, Any] = {"category": {}}
    for name, own in section.category.items():  # type: ignore[attr-defined]  # only sections with a `category` table
        if normal(name) == category:
            values |= {field: value for field, value in msgspec.structs.asdict(own).items() if value is not None}
    return msgspec.structs.replace(section, **values)


def unknown(section: Section, categories: Iterable[str]) -> list[str]:
    """The names in the section's `category` table, as written, that are not among these categories."""
    keys = set(categories)
    return [name for name in getattr(section, "category", {}) if normal(name) not in keys]
