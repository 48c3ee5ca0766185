"""What a table and its columns are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Type = Literal["text", "integer", "float", "boolean", "money", "timestamp"]

RARE = "(rare)"  # the need state of all need states that are too rare to be one
UNMAPPED = "UNMAPPED"  # the need state of SKUs that are not in the need-state map
NO_CATEGORY = "(none)"  # the category of stores that are only in the outside data
ALL_CATEGORIES = "(all)"  # the category of rows about all categories together
ALL_FEATURES = "(all)"  # the feature of rows about no single feature
ALL_WEEKS = "(all)"  # the week of rows about no single week
NO_CLUSTER = 0  # the external cluster of a store without outside data
# Digits and decimals of money in files and the database: whole cents up to what 64 bits hold, and millionths.
MONEY = (22, 6)
CENT_PARTS = 10_000  # money is exact to a millionth of a unit, the ten-thousandth part of a cent
BLOCKS = 8  # of weeks, in `sales_by_block`
BLOCK_CENTS = tuple(f"block_{block}_cents" for block in range(1, BLOCKS + 1))  # its columns in a DataFrame


@dataclass(frozen=True)
class Column:
    """A column of a published table; `side` is whose clusters it numbers, where these are not the final ones."""

    name: str
    type: Type
    comment: str
    nullable: bool = False
    unit: str = ""
    side: str = ""

    @property
    def frame_name(self) -> str:
        """The column's name in a DataFrame, where money is in cents."""
        return self.name.replace("_value", "_cents") if self.type == "money" else self.name

    def of_side(self, side: str) -> Column:
        """The number of a cluster of one side: internal, external or chain. Its comment says so, and so does its title."""
        return replace(
            self, side=side, comment=f"{self.comment}; numbered by the {side} clusters, not by the final ones"
        )

    @property
    def title(self) -> str:
        """The name for people, in words: the number of a cluster that is not a final one has its side before it."""
        named = self.name.replace("cluster", f"{self.side}_cluster") if self.side else self.name
        return named.replace("_", " ")

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

    def column(self, name: str) -> Column:
        """The column of this name; also for the data-dependent columns of a wide table."""
        for column in self.columns:
            if column.name == name:
                return column
        if self.more is None:
            raise KeyError(f"table {self.name} has no column {name!r}")
        return Column(name, self.more.type, self.more.comment, self.more.nullable, self.more.unit)
