"""The types that settings share, and what a section is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, TypeVar, cast, get_type_hints

from msgspec import Meta, Struct, defstruct, field

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Weight = Annotated[float, Meta(ge=0.0, le=1000.0)]
Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
NonEmpty = Annotated[str, Meta(min_length=1)]
OneCharacter = Annotated[str, Meta(min_length=1, max_length=1)]
if TYPE_CHECKING:
    Names = str  # as `engine.reading.source.flat` makes them before anything reads them
else:
    Names = NonEmpty | Annotated[tuple[NonEmpty, ...], Meta(min_length=1)]
ExcludedRows = dict[NonEmpty, tuple[NonEmpty, ...]]
WeekFormat = Literal["YYYYWW", "WWYYYY", "YMD", "DMY", "MDY", "1YYWW", "YYWW", "WWYY", "excel", "index"]


_MARK = "may differ per category"
Setting = TypeVar("Setting")
PerCategory = Annotated[Setting, _MARK]  # the type of a setting that can also be set for one category


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """A table of the config file: unknown keys are errors."""


SectionType = TypeVar("SectionType", bound=Section)


def with_categories(section: type[SectionType]) -> type[SectionType]:
    """A class decorator: the section's field `category` becomes a table of settings by category.

    Their class is the section's `CategorySettings`: it has every field that is `PerCategory`, None if it is not set.
    """
    options: dict[str, Any] = {"frozen": True, "kw_only": True, "module": section.__module__}
    fields = [(name, Optional[hint], None) for name, hint in _per_category(section).items()]  # noqa: UP045  # at run time
    named = {"__qualname__": f"{section.__qualname__}.CategorySettings"}
    category_settings = defstruct("CategorySettings", fields, bases=(Section,), namespace=named, **options)
    category: tuple[str, Any, Any] = ("category", dict[str, category_settings], field(default_factory=dict))  # type: ignore[valid-type]
    namespace = {"__doc__": section.__doc__, "CategorySettings": category_settings}
    return cast(
        "type[SectionType]", defstruct(section.__name__, [category], bases=(section,), namespace=namespace, **options)
    )


def _per_category(section: type[Section]) -> dict[str, Any]:
    hints = get_type_hints(section, include_extras=True)
    return {name: hint for name, hint in hints.items() if _MARK in getattr(hint, "__metadata__", ())}


def category_settings_of(section: type[Section]) -> Callable[..., Section] | None:
    """The class of the settings for one category; None if the section has no `category` table."""
    return getattr(section, "CategorySettings", None)
