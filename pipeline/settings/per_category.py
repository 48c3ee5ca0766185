"""Settings that hold for one category alone: a `category` table inside a section overrides the section's values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from pipeline.settings import Section, Settings
from pipeline.settings.kinds import override_of

SectionType = TypeVar("SectionType", bound=Section)


def _with_categories(section: type[Section], prefix: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(section):
        below = field.default_factory  # of a section that may be left out: itself
        if isinstance(below, type) and issubclass(below, Section):
            if override_of(below):
                yield prefix + field.name
            yield from _with_categories(below, f"{prefix}{field.name}.")


SECTIONS = tuple(_with_categories(Settings))  # the dotted names of those that have a `category` table


def key(name: str) -> str:
    """A category's name as keys of the data are: trimmed, in NFC."""
    return unicodedata.normalize("NFC", name).strip()


def section_of(settings: Settings, name: str) -> Any:
    """The section of a dotted name, such as `internal.clustering`; None below a source that is not there."""
    found: Any = settings
    for part in name.split("."):
        found = None if found is None else getattr(found, part)
    return found


def for_category(section: SectionType, category: str) -> SectionType:
    """The section with the category's overrides applied and its `category` table emptied.

    Parameters
    ----------
    section : a section that has a `category` table
    category : the category's name, as it stands in the data

    Returns
    -------
    A section of the same type: what holds for this category, so that another category's override is not part of it.
    """
    values: dict[str, Any] = {"category": {}}
    for name, overrides in section.category.items():  # type: ignore[attr-defined]  # only sections that have one
        if key(name) == category:
            values |= {field: value for field, value in msgspec.structs.asdict(overrides).items() if value is not None}
    return msgspec.structs.replace(section, **values)


def unknown(section: Section, categories: Iterable[str]) -> list[str]:
    """The names in the section's `category` table that are none of these categories, as they are written."""
    known = set(categories)
    return [name for name in getattr(section, "category", {}) if key(name) not in known]
