"""A `[sources]` table and its files: how they are written, and which columns the config speaks of.

A key of several columns, a product of two and a column per week are columns that no file has; scans have them under the names that
`Source.names` gives (`virtual` makes them), so that nothing else knows of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from pipeline.settings import (
    CsvSettings,
    ExcelSettings,
    ExternalSource,
    NeedStateSource,
    OverridesSource,
    SalesSource,
    Sources,
)

Section = SalesSource | NeedStateSource | ExternalSource | OverridesSource

S = TypeVar("S", SalesSource, NeedStateSource, ExternalSource, OverridesSource)

WEEK = "week"  # of a column per week, where the config does not name it
_PRODUCT = " * "
# What files of a source have in any case, by which the right sheet and the right row of names are told.
_CERTAIN = ("store_id", "sku_id", "need_state", "cluster", "reason")


def flat(section: S) -> S:
    """The section with one name for each column, that under which scans have it."""
    columns = section.columns
    names = {use: name_of(value) for use, value in msgspec.structs.asdict(columns).items() if isinstance(value, tuple)}
    if isinstance(section, SalesSource) and section.week_columns and section.columns.week is None:
        names["week"] = WEEK
    return msgspec.structs.replace(section, columns=msgspec.structs.replace(columns, **names))


def flat_sources(sources: Sources) -> Sources:
    """The sources of sales and need states with one name for each column."""
    sales, mapped = sources.internal_sales, sources.need_states
    return msgspec.structs.replace(sources, internal_sales=sales and flat(sales), need_states=mapped and flat(mapped))


def name_of(names: str | Sequence[str]) -> str:
    """The name of a column, or of several that are read as one."""
    return names if isinstance(names, str) else " + ".join(names)


@dataclass(frozen=True)
class Source:
    """A `[sources]` table and its files."""

    setting: str
    files: tuple[str, ...]
    section: Section

    @classmethod
    def of(cls, setting: str, files: Sequence[str], section: Section) -> Source:
        """The source that a section of the config tells how to read."""
        return cls(setting, tuple(files), section)

    @property
    def csv(self) -> CsvSettings:
        """How its CSV files are written."""
        return self.section.csv

    @property
    def excel(self) -> ExcelSettings:
        """How its workbooks are written."""
        return self.section.excel

    @property
    def title(self) -> str:
        """The source in a message: its file, or the first and how many more; of a database its table or query."""
        if self.section.table:
            return f"table {self.section.table}"
        if self.section.sql:
            return f"sql of [{self.setting}]"
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0]}{more}"

    @property
    def rewrite(self) -> str:
        """What to do where there are no rows."""
        if self.section.is_in_database:
            return f"see what is in it, or change {'table' if self.section.table else 'sql'} in [{self.setting}]"
        return f"write the file again, or change path in [{self.setting}]"

    @property
    def names(self) -> dict[str, str]:
        """The name under which scans have each column, by its use; of those that the config names."""
        values = msgspec.structs.asdict(self.section.columns)
        names = {use: name_of(value) for use, value in values.items() if isinstance(value, str | tuple)}
        return {"week": WEEK, **names} if self.week_columns else names

    @property
    def joined(self) -> dict[str, tuple[str, ...]]:
        """The columns that are read as one, by their name in scans; those of year and week excepted."""
        values = msgspec.structs.asdict(self.section.columns)
        return {name_of(value): value for use, value in values.items() if isinstance(value, tuple) and use != "week"}

    @property
    def year_and_week(self) -> tuple[str, ...] | None:
        """The columns of the year and of the week in it, where the config names two."""
        week = getattr(self.section.columns, "week", None)
        return week if isinstance(week, tuple) else None

    @property
    def factors(self) -> tuple[str, str] | None:
        """The two columns whose product is the sales value, where the config says so."""
        parts = str(getattr(self.section.columns, "sales_value", "")).split(_PRODUCT)
        return (parts[0].strip(), parts[1].strip()) if len(parts) == 2 else None

    @property
    def week_columns(self) -> tuple[str, ...]:
        """Names and patterns of columns that are weeks."""
        return self.section.week_columns if isinstance(self.section, SalesSource) else ()

    @property
    def certain(self) -> tuple[str, ...]:
        """The columns that every file of the source must have, whatever is made of others."""
        values = msgspec.structs.asdict(self.section.columns)
        names = [values[use] for use in _CERTAIN if isinstance(values.get(use), str | tuple)]
        listed_ones = [name for use in ("features", "labels") for name in getattr(self.section, use, None) or ()]
        return tuple(
            name for value in (*names, *listed_ones) for name in ([value] if isinstance(value, str) else value)
        )

    def parts(self, name: str) -> tuple[str, ...]:
        """The columns of the file behind a name of a scan."""
        if name in self.joined:
            return self.joined[name]
        if self.year_and_week and name == name_of(self.year_and_week):
            return self.year_and_week
        return self.factors if self.factors and _PRODUCT in name else (name,)
