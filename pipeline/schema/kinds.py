"""What a table and its columns are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Type = Literal["text", "integer", "float", "boolean", "money", "timestamp"]

RARE = "(rare)"  # the need state of all need states that are too rare to be one
UNMAPPED = "UNMAPPED"  # the need state of SKUs that are not in the need-state map
NO_CATEGORY = "(none)"  # the category of stores that are only in the outside data
ALL_CATEGORIES = "(all)"  # the category of rows about all categories together
ALL_WEEKS = "(all)"  # the week of rows about no single week
NO_CLUSTER = 0  # the external cluster of a store without outside data
BLOCKS = 8  # of weeks, in `sales_by_block`
BLOCK_CENTS = tuple(f"block_{block}_cents" for block in range(1, BLOCKS + 1))  # its columns in a DataFrame


@dataclass(frozen=True)
class Column:
    """A column of a published table; `in_frames` is its name in a DataFrame where that is another one."""

    name: str
    type: Type
    comment: str
    nullable: bool = False
    unit: str = ""
    in_frames: str = ""

    @property
    def frame_name(self) -> str:
        """The column's name in a DataFrame, where money is in whole cents."""
        return self.in_frames or (self.name.replace("_value", "_cents") if self.type == "money" else self.name)

    def of_side(self, side: str) -> Column:
        """The cluster of one side, as published: the side stands before `cluster` in its name, so that nobody takes it for a final one.

        `side` is internal, external or chain. In frames the column keeps its short name.
        """
        return replace(self, name=self.name.replace("cluster", f"{side}_cluster"), in_frames=self.frame_name)

    def described(self, comment: str, *, nullable: bool | None = None, unit: str | None = None) -> Column:
        """The same field as one table has it."""
        return replace(
            self,
            comment=comment,
            nullable=self.nullable if nullable is None else nullable,
            unit=self.unit if unit is None else unit,
        )


@dataclass(frozen=True)
class Table:
    """A published table. `more` describes the columns that depend on the data (wide tables); None if there are none."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    comment: str
    more: Column | None = None

    @property
    def frame_key(self) -> tuple[str, ...]:
        """The key, by the columns' names in a DataFrame."""
        return tuple(self.column(name).frame_name for name in self.key)

    def column(self, name: str) -> Column:
        """The column of this name; also for the data-dependent columns of a wide table."""
        for column in self.columns:
            if column.name == name:
                return column
        if self.more is None:
            raise KeyError(f"table {self.name} has no column {name!r}")
        return Column(name, self.more.type, self.more.comment, self.more.nullable, self.more.unit)
