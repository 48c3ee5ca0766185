"""What of `sums` is in the chosen categories and weeks: the view `chosen_sales`, its amounts, and what is doubted of it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.engine.connections import insert, row, rows, view
from pipeline.engine.reading import amounts, keys
from pipeline.engine.reading.raw import Source
from pipeline.engine.reading.scan import Scan
from pipeline.engine.reading.weeks import SalesWeeks
from pipeline.engine.sums import LARGEST_LOSS, LARGEST_TOTAL
from pipeline.engine.twice import files, totals
from pipeline.engine.twice import rows as repeated_rows
from pipeline.errors import RawDataError, SettingsError
from pipeline.settings import InternalPreprocessing
from pipeline.wording import counted, listed, quoted, with_nearest

_MICROS_PER_CENT = 10_000


def choose(
    connection: duckdb.DuckDBPyConnection, source: Source, settings: InternalPreprocessing, *, has_category: bool
) -> None:
    """Make `chosen` (category) and `chosen_sales`, what of `sums` is in the chosen categories and weeks.

    `chosen_sales` has the columns of `sums`, and besides: map_category; cents, a float that may hold parts of a cent; sales_units, the same
    amount as a whole number of the last decimal that its category is published with; per_cent, how many of these a cent has.

    Raises
    ------
    SettingsError : `include` or `exclude` name a category that is not there, or no row is left
    """
    every = [name for (name,) in rows(connection, "SELECT DISTINCT category FROM sums ORDER BY category")]
    include = None if settings.include is None else {keys.normal(name) for name in settings.include}
    exclude = {keys.normal(name) for name in settings.exclude}
    for setting, names in (("include", include or set()), ("exclude", exclude)):
        unknown = [with_nearest(name, every) for name in sorted(names - set(every))]
        if unknown:
            raise SettingsError(
                f"[internal.preprocessing] {setting}: not a category of {source.title}: {listed(unknown)}; name one of its "
                f"{counted(len(every), 'category', 'categories')}"
            )
    chosen = [name for name in every if (include is None or name in include) and name not in exclude]
    connection.execute("CREATE TEMP TABLE chosen (category VARCHAR)")
    insert(connection, "chosen", [(name,) for name in chosen])
    map_category = "s.category" if has_category else "''"
    view(
        connection,
        "chosen_sales",
        f"SELECT s.*, {map_category} AS map_category, p.per_cent, s.sales_cents + s.rest_micros / 10000.0 AS cents, "
        "s.sales_cents * p.per_cent + CAST(FLOOR(s.rest_micros / CAST(p.unit_micros AS DOUBLE)) AS BIGINT) AS sales_units "
        "FROM sums s JOIN chosen c ON c.category = s.category JOIN precision p ON p.category = s.category WHERE s.rows_in_window > 0",
    )
    if not row(connection, "SELECT COUNT(*) FROM chosen_sales")[0]:
        raise SettingsError(
            f"[internal.preprocessing]: include, exclude and last_weeks leave no row of {source.title}; choose at least one "
            f"of its {counted(len(every), 'category', 'categories')}: {listed(every, 10)}"
        )


def check_values(connection: duckdb.DuckDBPyConnection, source: Source, raw_scans: Sequence[Scan]) -> None:
    """Check the amounts of `chosen_sales`."""
    name = source.names["sales_value"]
    bad, texts, text, total = row(
        connection, "SELECT SUM(bad_values), SUM(bad_texts), MIN(bad_text), SUM(rows_in_window) FROM chosen_sales"
    )
    if texts:
        raise RawDataError(
            f"{source.title}: column '{name}' has {counted(int(texts), 'value that is not a number', 'values that are not numbers')}, such as "
            f"{quoted(text)}; {amounts.what_to_set(connection, source, raw_scans, name)}"
        )
    if bad:
        raise RawDataError(
            f"{source.title}: column '{name}' is missing, not finite or beyond 1e13 in {counted(int(bad), 'row', 'rows')} of "
            f"{total:,}; correct them, or remove the rows"
        )


def is_total_publishable(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the sum of all amounts of `chosen_sales`, each without its sign, fits into a published column."""
    (total,) = row(connection, "SELECT COALESCE(SUM(ABS(CAST(sales_cents AS HUGEINT))), 0) FROM chosen_sales")
    return bool(total < LARGEST_TOTAL * 100)


def check_total(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Check that the amounts of `chosen_sales` can be added up."""
    if not is_total_publishable(connection):
        raise RawDataError(
            f"{source.title}: the amounts of column '{source.names['sales_value']}' add up to 1e16 or more, which no table holds to the "
            "cent; see whether the column is the right one, or write the amounts in a larger unit"
        )


def check_rounding(connection: duckdb.DuckDBPyConnection, source: Source, name: str) -> None:
    """Refuse amounts that are too small for whole cents."""
    lost = [
        f"{category} ({micros / (cents * _MICROS_PER_CENT + micros):.2%})"
        for category, micros, cents in rows(
            connection,
            "SELECT category, SUM(LEAST(rest_micros, 10000 - rest_micros)), SUM(ABS(sales_cents)) FROM chosen_sales GROUP BY 1 ORDER BY 1",
        )
        if micros > LARGEST_LOSS * (cents * _MICROS_PER_CENT + micros)
    ]
    if lost:
        raise RawDataError(
            f"{source.title}: column '{name}' looks not to be in currency units: rounding what a store sold of a SKU to cents changes it "
            f"by more than {LARGEST_LOSS:.0%} in {listed(lost, 10)}; write the amounts in units of the currency, such as 12.34"
        )


def doubts_of(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    raw_scans: Sequence[Scan],
    weeks: SalesWeeks | None,
    last_weeks: int | None,
) -> list[str]:
    """The doubts about readable sales; the tables `sums` and `chosen_sales` must exist."""
    (row_count,) = row(connection, "SELECT COALESCE(SUM(rows_in_window), 0) FROM chosen_sales")
    return [
        *(doubt for scan in raw_scans for doubt in scan.doubts),
        *(weeks.doubts(source, last_weeks) if weeks else ()),
        *_too_large(connection, source),
        *files.in_two_files(connection, source, raw_scans, int(row_count)),
        *repeated_rows.repeated(connection, source, raw_scans),
        *totals.totals(connection, source),
    ]


def _too_large(connection: duckdb.DuckDBPyConnection, source: Source) -> list[str]:
    """The doubt about categories whose sums are too large for all decimals of their amounts."""
    lowered = [
        f"{category} ({decimals}, of which {kept} are kept)"
        for category, decimals, kept in rows(
            connection,
            "SELECT p.category, decimals, kept FROM precision p JOIN chosen USING (category) WHERE kept < decimals ORDER BY 1",
        )
    ]
    if not lowered:
        return []
    name = source.names["sales_value"]
    return [
        f"{source.title}: column '{name}' has more decimals than can be kept of sales as large as those of {listed(lowered, 5)}: what is "
        "published of a category adds up to its sum, rounded once; write the amounts with fewer decimals"
    ]


def weeks_kept(
    connection: duckdb.DuckDBPyConnection, source: Source, weeks: SalesWeeks | None, last_weeks: int | None
) -> list[str]:
    """The first and the last of the chosen weeks, how many there are, and their share of the sales; empty where weeks are not known."""
    span = weeks.span(last_weeks) if weeks else None
    if span is None:
        return []
    weeks_in_words = (
        f"weeks {span.first} to {span.last} of column '{source.names['week']}': {counted(span.count, 'week', 'weeks')}"
    )
    if last_weeks is None:
        return [weeks_in_words]
    window_cents, every = row(connection, "SELECT SUM(window_cents), SUM(window_cents + earlier_cents) FROM sums")
    return [f"{weeks_in_words}, {window_cents / every:.1%} of the sales" if every else weeks_in_words]
