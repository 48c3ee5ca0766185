"""The window of `last_weeks`: which rows are in it, counted back from the last week in the data.

- Days, however they are written: the n x 7 days that end with the latest; with n = 1 and a latest day of 31 January, 25 to 31
  January. The week starts where that puts it, not on a Monday.
- Years with weeks, 202452: the n latest that occur in the data, since calendars differ in which years have 53 weeks.
- Numbers of periods: the latest and the n - 1 before it.

How a column writes them is told by its distinct values (`week_recognition`), of all files together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeVar

import duckdb

from pipeline.duck.quoting import literal
from pipeline.engine.connections import rows
from pipeline.engine.reading import keys, week_formats, week_recognition, week_slips, week_windows
from pipeline.engine.reading.scan import Scan
from pipeline.engine.reading.source import Source
from pipeline.engine.reading.week_formats import WeekFormatError, Weeks
from pipeline.engine.reading.week_windows import Window
from pipeline.errors import RawDataError
from pipeline.schema import BLOCKS
from pipeline.settings import SalesSource
from pipeline.wording import counted, quoted

T = TypeVar("T", str, "str | None")

_LARGEST_SPAN = 100_000  # between the first integer or day and the last: 270 years of days
_MOST = 100_000  # distinct texts; no retailer has as many weeks or days
_TIME = r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[AaPp][.]?[Mm][.]?)?$"
_ZONED = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]+ ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_ISO = week_formats.FORMATS["YMD"]


@dataclass(frozen=True)
class _Week:
    """The week column of a scan.

    Attributes
    ----------
    sql : the SQL of its values, or of their texts where those are too many to be listed
    type : DuckDB's
    texts : the text of each value; of texts that are too many, their own
    counts : how many rows have each text
    """

    sql: str
    type: str
    texts: Mapping[str, str]
    counts: Mapping[str | None, int]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, source: Source, scan: Scan, name: str) -> _Week:
        """Read the distinct values of a column: each distinct text is parsed once."""
        column = scan[name]
        values = f"SELECT {column.sql} AS v, {scan.row_count} AS n FROM {scan.sql} GROUP BY 1"
        text = f"CAST({_text(source, scan, name, 'v')} AS VARCHAR)"
        distinct = rows(connection, f"SELECT CAST(v AS VARCHAR), {text}, n FROM ({values}) d LIMIT {_MOST + 1}")
        if len(distinct) <= _MOST:
            texts = {value: text for value, text, _ in distinct if value is not None and text is not None}
            return cls(column.sql, column.type, texts, _summed([{text: count} for _, text, count in distinct]))
        distinct = rows(
            connection,
            f"SELECT {text}, SUM(n) FROM ({values}) d GROUP BY 1 LIMIT {_MOST + 1}",
        )
        counts = {text: int(count) for text, count in distinct}
        sql = _text(source, scan, name, column.sql)
        return cls(sql, column.type, {text: text for text in counts if text is not None}, counts)

    def condition(self, window: Window) -> str:
        """Return the SQL of whether a row is in the window: a comparison where the values have the order of the weeks, else a list."""
        inside = [value for value, text in self.texts.items() if text in window.kept]
        outside = [value for value, text in self.texts.items() if text not in window.kept]
        if not outside:
            return "TRUE"
        if not inside:
            return "FALSE"
        if keys.is_number(self.type):
            if max(map(float, outside)) < min(map(float, inside)):
                return f"{self.sql} >= {min(inside, key=float)}"
            return f"{self.sql} IN ({', '.join(inside)})"
        if not keys.is_text(self.type):
            day = min(text for text in self.texts.values() if text in window.kept)
            return f"{_day(self.sql, self.type)} >= DATE {literal(day)}"
        return f"{self.sql} IN ({', '.join(literal(value) for value in sorted(inside))})"

    def block(self, blocks: Mapping[str, int]) -> str:
        """Return the SQL of a row's block, by the text of its week; null where a week has none."""
        if keys.is_text(self.type):
            of_block: dict[int, list[str]] = {}
            for value, text in self.texts.items():
                if text in blocks:
                    of_block.setdefault(blocks[text], []).append(literal(value))
            cases = " ".join(
                f"WHEN {self.sql} IN ({', '.join(sorted(of_block[n]))}) THEN {n}" for n in sorted(of_block)
            )
            return f"CASE {cases} END" if cases else "NULL"
        if keys.is_number(self.type):
            position = f"CAST({self.sql} AS BIGINT)"
            block_of = {int(float(value)): blocks[text] for value, text in self.texts.items() if text in blocks}
        else:
            position = f"(DATE_DIFF('day', DATE '0001-01-01', {_day(self.sql, self.type)}) + 1)"
            block_of = {
                date.fromisoformat(text).toordinal(): blocks[text] for text in self.texts.values() if text in blocks
            }
        if not block_of:
            return "NULL"
        first = min(block_of)
        numbers = ", ".join(str(block_of.get(value, "NULL")) for value in range(first, max(block_of) + 1))
        return f"CASE WHEN {position} >= {first} THEN [{numbers}][{position} - {first - 1}] END"


class SalesWeeks(NamedTuple):
    """The weeks of a source.

    `columns` : per scan, its week column
    `read` : the format, and the place in time of each text; None where there is no row
    """

    columns: tuple[_Week, ...]
    read: Weeks | None

    def window(self, last: int) -> Window | None:
        """Return the last weeks, at least 1; None without rows."""
        return None if self.read is None else week_windows.window(self.read, last)

    def span(self, last: int | None) -> Window | None:
        """Return the last weeks, or all of them; None without rows."""
        return self.window(_LARGEST_SPAN if last is None else last)

    def in_last(self, last: int) -> list[str]:
        """For each scan, the SQL that says whether a row is in the last weeks, at least 1."""
        window = self.window(last)
        if window is None:
            return ["TRUE"] * len(self.columns)  # no rows: the caller says so
        return [column.condition(window) for column in self.columns]

    def blocks(self, last: int | None) -> list[str] | None:
        """For each scan, the SQL of a row's block of weeks, from 1 to `BLOCKS`; null before the last weeks, where `last` says how many.

        The weeks that occur are in order in four periods of as many weeks, and in each period they alternate between two blocks: 1 and 2
        are the first period's. Days make weeks of seven that end with the latest of them. None where there are fewer weeks than
        blocks, or what occurs lies too far apart to be weeks.
        """
        if self.read is None:
            return None
        window = None if last is None else self.window(last)
        places = {
            text: position for text, position in self.read.positions.items() if window is None or text in window.kept
        }
        latest = max(places.values())
        weeks = {
            text: -((latest - position) // 7) if self.read.format.unit == "day" else position
            for text, position in places.items()
        }
        ranks = {week: rank for rank, week in enumerate(sorted(set(weeks.values())))}
        if len(ranks) < BLOCKS or latest - min(places.values()) > _LARGEST_SPAN:
            return None
        periods = BLOCKS // 2
        block = {text: 2 * (ranks[week] * periods // len(ranks)) + ranks[week] % 2 + 1 for text, week in weeks.items()}
        return [column.block(block) for column in self.columns]

    def positions(self) -> list[str] | None:
        """For each scan, the SQL of a row's position in time; None where what occurs lies too far apart to be weeks."""
        if self.read is None or not self.read.positions:
            return None
        every = self.read.positions.values()
        if max(every) - min(every) > _LARGEST_SPAN:
            return None
        return [column.block(self.read.positions) for column in self.columns]

    def doubts(self, source: Source, last: int | None) -> list[str]:
        """Return what to doubt of the weeks that are read: the `last` ones, or all of them.

        A window with fewer weeks than asked for, although there are older ones; without a window, a few rows long before all others. Empty
        without rows.
        """
        if self.read is None:
            return []
        name = source.names["week"]
        if last is None:
            counts = _summed([_without_null(column.counts) for column in self.columns])
            slip = week_slips.early(self.read, counts)
            return [f"{source.title}: column '{name}': {slip}; correct them, or set last_weeks"] if slip else []
        window = week_windows.window(self.read, last)
        if not window.has_older or window.count >= window.asked:
            return []
        return [
            f"{source.title}: the last {window.asked} weeks of column '{name}' hold sales of {counted(window.count, 'week', 'weeks')}, "
            f"{quoted(window.first)} to {quoted(window.last)}, although there are older ones: see whether the last weeks are right, or "
            f"set week_format in [{source.setting}]"
        ]


def weeks_of(connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan], week: str) -> SalesWeeks:
    """Return the weeks that occur; only the week column is read.

    Parameters
    ----------
    week : the name of the week column

    Raises
    ------
    RawDataError : the column cannot be read as weeks, or lacks values
    """
    columns = tuple(_Week.of(connection, source, scan, week) for scan in raw_scans)
    counts = [column.counts for column in columns]
    if not any(counts):
        return SalesWeeks(columns, None)
    missing = sum(every.get(None, 0) for every in counts)
    if missing:
        text = f"{counted(missing, 'row', 'rows')} without a week in column '{week}'"
        raise _fault(source, text, "fill them in, or remove the rows")
    try:
        read = _positions([_without_null(every) for every in counts], source)
    except WeekFormatError as fault:
        raise _fault(source, f"column '{week}': {fault}", fault.advice.format(setting=source.setting)) from None
    return SalesWeeks(columns, read)


def _without_null(counts: Mapping[str | None, int]) -> dict[str, int]:
    return {text: count for text, count in counts.items() if text is not None}


def _fault(source: Source, text: str, advice: str) -> RawDataError:
    return RawDataError(f"{source.title}: {text}; {advice}")


def _text(source: Source, scan: Scan, week: str, value: str) -> str:
    """Return the SQL of a value as it is written: a number or a text without the time of day, a date as in ISO 8601."""
    type_ = scan[week].type
    if keys.is_text(type_):
        trimmed = keys.text(value)
        moment = f"CAST(CAST(TRY_CAST({trimmed} AS TIMESTAMP) AS DATE) AS VARCHAR)"
        zoned = f"WHEN REGEXP_FULL_MATCH({trimmed}, {literal(_ZONED)}) THEN COALESCE({moment}, {trimmed})"
        return f"CASE {zoned} ELSE REGEXP_REPLACE({trimmed}, {literal(_TIME)}, '') END"
    if keys.is_number(type_):
        return value
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return _day(value, type_)
    raise RawDataError(
        f"{scan.title}: column '{week}' is of type {type_}, where a week must be a whole number, a date or a text; set "
        f"columns.week in [{source.setting}]"
    )


def _day(value: str, type_: str) -> str:
    """Return the SQL of the day of a date or an instant, which is told in UTC."""
    zone = " AT TIME ZONE 'UTC'" if "TIME ZONE" in type_ else ""
    return f"CAST({value}{zone} AS DATE)"


def _positions(counts: Sequence[Mapping[str, int]], source: Source) -> Weeks:
    """Every text's position in time; files that write dates as ISO does are read beside others that write them another way."""
    section = source.section
    name = section.week_format if isinstance(section, SalesSource) else None
    every = _summed(counts)
    if len(every) > _MOST:
        raise WeekFormatError(f"more than {_MOST:,} different values", "name the column of weeks or dates")
    iso = [each for each in counts if each and all(_is_iso(text) for text in each)]
    if name is not None or not iso or len(iso) == sum(map(bool, counts)):
        return week_recognition.recognise(every, name)
    dates = week_recognition.recognise(_summed(iso))
    others = week_recognition.recognise(_summed([each for each in counts if each and each not in iso]))
    if others.format.unit != dates.format.unit:
        example = min(others.positions)
        raise WeekFormatError(
            f"some files have dates, such as '{min(dates.positions)}', and others '{example}' ({others.format.name})",
            "write one of them in all files",
        )
    return Weeks(dates.format, {**dates.positions, **others.positions})


def _is_iso(text: str) -> bool:
    return len(text) == 10 and text[4] == "-" and _ISO.position(text) is not None


def _summed(counts: Collection[Mapping[T, int]]) -> dict[T, int]:
    total: dict[T, int] = {}
    for each in counts:
        for text, count in each.items():
            total[text] = total.get(text, 0) + count
    return total
