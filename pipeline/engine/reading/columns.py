"""The kind of a column of the outside data: a number, a date, a text, or unusable as a feature.

Parquet says it by its type. In CSV and Excel, and in the names of folders, all values that are not empty say it together. Numbers
that are written so that they cannot be read with certainty are no feature: the reason names the setting that settles it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import duckdb

from pipeline.duck.quoting import literal
from pipeline.engine.connections import rows
from pipeline.engine.reading import amounts, keys, number_formats, week_formats
from pipeline.engine.reading.number_formats import NumberFormat
from pipeline.engine.reading.scan import RawColumn, Scan
from pipeline.engine.reading.week_formats import WeekFormatError
from pipeline.wording import quoted

_MOST = 20_000  # distinct texts that are looked at; a column with more is what the first ones are
_FEWEST = 3  # distinct numbers beside which a single word stands for a missing value
_FIRST_DAY, _LAST_DAY = 19_000_101, 21_001_231  # between which whole numbers of eight digits may be days
_DAYS = ("YMD", "DMY", "MDY")
_ROW_NUMBER = re.compile(r"__index_level_[0-9]+__|level_[0-9]+|index|Unnamed: [0-9]+|rownames?|row[ _.-]?(?:id|nr|no|num|number|index)|#|[.]{3}[0-9]+", re.IGNORECASE)  # fmt: skip
_PERCENT = re.compile(r"(.*[0-9].*?)[ \u00a0\u202f]*%[ ]*|%[ ]*(.*[0-9].*)", re.DOTALL)
_UNIT_BEHIND = re.compile(r"[-+]?[0-9][0-9.,' \u00a0\u202f]*[ \u00a0\u202f][^0-9]+")  # 12 km, and not 12A


@dataclass(frozen=True)
class Kind:
    """A column that was offered as a feature.

    Attributes
    ----------
    name : its name
    is_number : whether it is a feature of numbers: one, a share in per cent, or a date as a year and its fraction
    reason : why it can be no feature; "" where it can
    values : the number of each text, where texts are not read as numbers are: dates and per cents
    """

    name: str
    is_number: bool = False
    reason: str = ""
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_unread(self) -> bool:
        """Whether it is no feature because it cannot be read with certainty, which a setting settles."""
        return self.reason.startswith(("numbers", "dates", "by its name"))

    def sql(self, scan: Scan) -> str:
        """Return the SQL of its value: DOUBLE, or text (numbers among texts are written as keys are)."""
        column = scan[self.name]
        if not self.is_number:
            return keys.text(column.sql) if _is_written(column) else column.key
        if _is_date(column):
            return f"YEAR({_day(column)}) + (DAYOFYEAR({_day(column)}) - 1) / {_DAYS_OF_YEAR.format(_day(column))}"
        if self.values:
            cases = " ".join(f"WHEN {literal(text)} THEN {value!r}" for text, value in self.values.items())
            return f"CASE {_text(column)} {cases} END"
        if column.written is not None:
            return column.number  # never NaN
        return f"CASE WHEN ISNAN({column.number}) THEN NULL ELSE {column.number} END"


_DAYS_OF_YEAR = "DAYOFYEAR(MAKE_DATE(CAST(YEAR({}) AS BIGINT), 12, 31))"


def classify(
    connection: duckdb.DuckDBPyConnection,
    raw_scans: Sequence[Scan],
    names: Sequence[str],
    categorical: Collection[str] = (),
    *,
    asked: bool = False,
) -> list[Kind]:
    """Find the kind of each column, over all files of its source.

    Parameters
    ----------
    raw_scans : the scans of a source; all have the columns
    names : of the columns
    categorical : those that are levels, whatever they look like
    asked : whether the config names them one by one; then a row number is used as well
    """
    return [
        Kind(name, reason=reason)
        if (reason := _reason(raw_scans, name, asked=asked))
        else _kind(connection, raw_scans, name, categorical)
        for name in names
    ]


def label(scan: Scan, name: str) -> str:
    """Return the SQL of a label: text, trimmed; numbers as keys are written; other types as DuckDB writes them."""
    column = scan[name]
    return column.key if keys.is_number(column.type) else keys.text(column.sql)


def _is_written(column: RawColumn) -> bool:
    return keys.is_text(column.type) or column.type == "BOOLEAN"


def _is_date(column: RawColumn) -> bool:
    return column.type == "DATE" or column.type.startswith("TIMESTAMP")


def _day(column: RawColumn) -> str:
    """Return the SQL of a date, null where it is not of a year from 1 to 9999."""
    day = f"CAST({column.sql} AS DATE)"
    return f"(CASE WHEN {day} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {day} END)"


def _text(column: RawColumn) -> str:
    """Return the SQL of a value by which `Kind.values` knows it."""
    return f"NULLIF(TRIM(CAST({column.sql} AS VARCHAR)), '')"


def _reason(raw_scans: Sequence[Scan], name: str, *, asked: bool) -> str:
    if name.casefold() == "store_id":
        return "its name is that of the key; rename it to use it"
    if _ROW_NUMBER.fullmatch(name) and not asked:
        return "by its name the number of the row, as pandas and R write it; name it in features to use it"
    types = {_is_date(scan[name]) for scan in raw_scans}
    for scan in raw_scans:
        column = scan[name]
        if not (_is_written(column) or keys.is_number(column.type) or _is_date(column)):
            return f"its type {column.type} is neither a number, a date nor a text"
    return "a date in some files, and none in others; write it alike in all" if len(types) > 1 else ""


def _kind(
    connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], name: str, categorical: Collection[str]
) -> Kind:
    if name in categorical:
        return Kind(name)
    columns = [scan[name] for scan in raw_scans]
    if _is_date(columns[0]):
        return Kind(name, is_number=True)
    if any(column.written is None for column in columns):
        return _typed(connection, raw_scans, name)
    texts = {text for scan in raw_scans for text in _distinct(connection, scan, scan[name])}
    numbers = {
        text
        for scan in raw_scans
        for text in _distinct(connection, scan, scan[name], f"AND {scan[name].number} IS NOT NULL")
    }
    if texts == numbers:
        return _of_numbers(connection, raw_scans, name, texts)
    written = columns[0].written or NumberFormat()
    if (shares := _percents(texts, written)) is not None:
        return Kind(name, is_number=True, values=shares)
    section = "excel" if raw_scans[0].sheet else "csv"
    return _dates(name, texts) or Kind(name, reason=_almost(texts, numbers, written, section, name))


def _typed(connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], name: str) -> Kind:
    """Return a column that Parquet says to be a number, or a text, in some file at least; other files must have numbers too."""
    if any(scan[name].written is None and keys.is_text(scan[name].type) for scan in raw_scans):
        texts = {text for scan in raw_scans for text in _distinct(connection, scan, scan[name])}
        return _dates(name, texts) or Kind(name)
    written = [scan for scan in raw_scans if scan[name].written is not None]
    if any(_distinct(connection, scan, scan[name], f"AND {scan[name].number} IS NULL") for scan in written):
        return Kind(name)
    return _eight_digits(connection, raw_scans, name) or Kind(name, is_number=True)


def _distinct(connection: duckdb.DuckDBPyConnection, scan: Scan, column: RawColumn, condition: str = "") -> list[str]:
    text = _text(column)
    query = f"SELECT DISTINCT {text} FROM {scan.sql} WHERE {text} IS NOT NULL {condition} LIMIT {_MOST}"
    return [value for (value,) in rows(connection, query)]


def _of_numbers(
    connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], name: str, texts: Collection[str]
) -> Kind:
    for scan in raw_scans:
        if open_texts := amounts.undecided(connection, scan, scan[name]):
            point = next(text for text in open_texts if "." in text)
            whole = next(text for text in open_texts if "." not in text)
            return Kind(
                name,
                reason=f"numbers such as {quoted(point)} beside {quoted(whole)}, whose point may stand between thousands: set "
                f'thousands = "." or decimal = "." in {"excel" if scan.sheet else "csv"}',
            )
    if texts and all(re.fullmatch("[0-9]{8}", text) and _FIRST_DAY <= int(text) <= _LAST_DAY for text in texts):
        return _dates(name, texts) or Kind(name, is_number=True)
    return Kind(name, is_number=True)


def _eight_digits(connection: duckdb.DuckDBPyConnection, raw_scans: Sequence[Scan], name: str) -> Kind | None:
    """Days that are written as numbers, such as 20240131; None if they are not days."""
    if len(raw_scans) != 1:
        return None
    sql = raw_scans[0][name].sql
    low, high = rows(connection, f"SELECT MIN({sql}), MAX({sql}) FROM {raw_scans[0].sql}")[0]
    if low is None or not _FIRST_DAY <= low <= high <= _LAST_DAY:
        return None
    texts = _distinct(connection, raw_scans[0], raw_scans[0][name])
    return _dates(name, texts)


def _percents(texts: Collection[str], written: NumberFormat) -> dict[str, float] | None:
    """Return the share that each text is, where all are per cents: 10% is 0.1."""
    shares = {}
    for text in texts:
        match = _PERCENT.fullmatch(text)
        number = _number((match[1] or match[2]).strip(), written) if match else None
        if number is None:
            return None
        shares[text] = number / 100
    return shares or None


def _number(text: str, written: NumberFormat) -> float | None:
    if not re.fullmatch(written.plain, text):
        return None
    marks = {written.thousands, *(" \u00a0\u2009\u202f" if written.thousands == " " else "")}
    return float("".join(letter for letter in text if letter not in marks).replace(written.point, "."))


def _dates(name: str, texts: Collection[str]) -> Kind | None:
    """Return the column, if all its texts are dates; otherwise None."""
    days = [
        text
        for text in texts
        if any(week_formats.FORMATS[format_name].position(_bare(text)) is not None for format_name in _DAYS)
    ]
    if not texts or len(days) < len(texts):
        return None
    try:
        day_of = _read(texts)
    except WeekFormatError as fault:
        return Kind(
            name,
            reason=f"dates that cannot be read with certainty: {fault}; write them as 2024-01-31, or name it in labels",
        )
    return Kind(name, is_number=True, values={text: _year(date.fromordinal(day)) for text, day in day_of.items()})


def _bare(text: str) -> str:
    """Return a date without its time of day."""
    return week_formats.normal(re.sub(r"[ T][0-9]{1,2}:[0-9]{2}.*$", "", text))


def _read(texts: Collection[str]) -> dict[str, int]:
    """Return the day of each text, in the one format of days that all have."""
    fitting = []
    for format_name in _DAYS:
        positions = {text: week_formats.FORMATS[format_name].position(_bare(text)) for text in texts}
        if all(position is not None for position in positions.values()):
            fitting.append((format_name, {text: day for text, day in positions.items() if day is not None}))
    if not fitting:
        raise WeekFormatError(f"{quoted(min(texts))} and others are written in different ways", "")
    (_, days), *others = fitting
    if any(other != days for _, other in others):
        raise WeekFormatError(
            f"{quoted(min(texts))} can be {' or '.join(format_name for format_name, _ in fitting)}", ""
        )
    return days


def _year(day: date) -> float:
    """Return a date as the year and its fraction: 2012.5 is the middle of 2012."""
    first = date(day.year, 1, 1).toordinal()
    days = date(day.year, 12, 31).toordinal() - first + 1
    return round(day.year + (day.toordinal() - first) / days, 6)


def _almost(texts: set[str], numbers: set[str], written: NumberFormat, section: str, name: str) -> str:
    """Why texts that are nearly numbers are not used; "" if they are levels."""
    others = texts - numbers
    marks = {text for text in others if text.strip().casefold() in number_formats.MISSING}
    words = {text for text in others if not re.search("[0-9]", text)}
    levels = f'name it in categorical = ["{name}"] where they are levels'
    if numbers and (others == marks or (len(others) == 1 and others == words and len(numbers) >= _FEWEST)):
        shown = ", ".join(f'"{text}"' for text in sorted(others))
        return f"numbers beside {quoted(min(others))}: set missing = [{shown}] in {section} where it stands for a missing value, or {levels}"
    rest = others - marks
    if rest and all(_is_percent(text, written) for text in rest):
        return f"numbers with and without %, or with another decimal mark, such as {quoted(min(rest))}: write them alike, or set decimal in {section}"
    ways = [way for way in number_formats.advice(texts, written) if _is_sure(way, rest)]
    if not ways or not rest:
        return ""
    return f"numbers that are written as {quoted(min(rest))}: set {amounts.either(ways)} in {section}, or {levels}"


def _is_percent(text: str, written: NumberFormat) -> bool:
    """Return whether a text is a share in per cent, whatever its decimal mark."""
    return any(_percents([text], replace(written, decimal=mark, thousands="")) for mark in (".", ","))


def _is_sure(way: Mapping[str, object], texts: Collection[str]) -> bool:
    """Return whether a setting makes numbers of what cannot well be levels: L1 and 2A are codes, and 12 km is a length."""
    currency = str(way.get("currency", ""))
    if "signs" in way:
        return False
    return not any(letter.isalpha() for letter in currency) or all(_UNIT_BEHIND.fullmatch(text) for text in texts)
