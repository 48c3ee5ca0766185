"""Which columns of the sales are their keys, and what stands for one that they do not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import msgspec

from pipeline.duck.quoting import literal
from pipeline.engine import attributes, need_states
from pipeline.engine.reading.raw import Source
from pipeline.engine.reading.scan import RawColumn, Scan
from pipeline.schema import UNMAPPED
from pipeline.settings import SalesColumns, Sources

KEYS = ("store_id", "sku_id", "category")


def keyed(raw_scans: Sequence[Scan], sources: Sources) -> Keyed:
    """Which columns of the sales are their keys.

    The SKU, or what stands for it where the mix is over columns of the sales. Where no file has the category and the map has one, it
    is the SKU's in the map: the sales then have none, and `take_category` gives it to their sums. Only a column that nobody named, or
    that is called the same in both, can be there and not here: another name is a slip of the pen.
    """
    assert sources.internal_sales is not None  # noqa: S101  # or nothing was read
    columns = sources.internal_sales.columns
    named = list(sources.attributes) if sources.need_states is None else []
    names = {"store_id": columns.store_id}
    names |= {use_of(position, len(named)): name for position, name in enumerate(named)} or {"sku_id": columns.sku_id}
    in_map = sources.need_states.columns.category if sources.need_states else None
    is_elsewhere = in_map is not None and columns.category in (in_map, SalesColumns().category)
    from_map = is_elsewhere and not any(scan.has(columns.category) for scan in raw_scans)
    if not from_map:
        names["category"] = columns.category
    return Keyed(names, tuple(named), from_map)


def use_of(position: int, count: int) -> str:
    """What a column of the sales is used as that the mix is over: `need_state`, or the position among several."""
    return "need_state" if count == 1 else f"need_state {position + 1}"


@dataclass(frozen=True)
class Keyed:
    """The raw names of the sales' keys by their use; the columns that stand for the SKU, none where it is one; where the category is."""

    names: dict[str, str]
    attributes: tuple[str, ...]
    category_from_map: bool

    @property
    def attribute_uses(self) -> list[str]:
        """The uses of the columns that stand for the SKU."""
        return [use for use in self.names if use.startswith("need_state")]

    def ready(self, raw_scans: Sequence[Scan], columns: SalesColumns) -> tuple[list[Scan], SalesColumns]:
        """The scans with the columns that stand for keys, and what these are called."""
        scans = list(raw_scans)
        if self.attributes:
            columns = msgspec.structs.replace(columns, sku_id=self.attributes[0])
        if len(self.attributes) > 1:
            scans = attributes.combined(scans, self.attributes)
            columns = msgspec.structs.replace(columns, sku_id=attributes.COMBINED)
        if self.category_from_map:
            nowhere = RawColumn(literal(UNMAPPED), "VARCHAR")
            scans = [attributes.with_column(scan, columns.category, nowhere) for scan in scans]
        return scans, columns

    def finish(self, connection: duckdb.DuckDBPyConnection, source: Source, mapped: str = "weights") -> None:
        """Give `sums` what their rows could not say: a name for what has no attribute, and the category of the map in `mapped`."""
        if self.attributes:
            attributes.rename(connection)
        if self.category_from_map:
            need_states.take_category(connection, source, mapped)
