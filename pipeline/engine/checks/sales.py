"""Check the internal sales: columns, keys, weeks, amounts, categories. The tables `sums` and `chosen_sales` stay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import msgspec

from pipeline.config.raw_files import copies
from pipeline.engine import chosen_sales, internal, summed_sales, sums
from pipeline.engine.checks import schemas
from pipeline.engine.checks.findings import Column, Findings, SourceSeen
from pipeline.engine.checks.schemas import Fitted, Wanted
from pipeline.engine.connections import row, rows
from pipeline.engine.reading import amounts, keys
from pipeline.engine.reading.raw import Source, reading_source, require
from pipeline.engine.reading.weeks import SalesWeeks, weeks_of
from pipeline.engine.sales_keys import KEYS, Keyed, keyed
from pipeline.freshness.fingerprints import content
from pipeline.settings import InternalPreprocessing, SalesSource, Sources

NAME = "internal_sales"
# What is wrong with amounts, one after the other: each of these takes away what the check has said.
_SAID = (
    "UPDATE sums SET bad_values = bad_values - bad_texts, bad_texts = 0, bad_text = NULL",
    "UPDATE sums SET bad_values = 0",
)


@dataclass(frozen=True)
class SalesSeen:
    """The checked sales.

    `keyed` says which columns are their keys; `is_chosen` whether `chosen_sales` is there, the rows that a run would read.
    """

    seen: SourceSeen
    fitted: Fitted | None = None
    keyed: Keyed | None = None
    is_chosen: bool = False

    def has(self, *uses: str) -> bool:
        """Whether there are rows with readable values in these columns."""
        return self.is_chosen and self.fitted is not None and self.fitted.has(*uses)


def look(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    sources: Sources,
    section: SalesSource,
    settings: InternalPreprocessing,
    findings: Findings,
    *,
    has_map: bool,
) -> SalesSeen:
    """Check the sales. They are read once, and the week column a second time; DuckDB sums them, and Python never holds them.

    `has_map` says whether `mapped` is there, which the category may be taken from.
    """
    columns = section.columns
    files = source.files
    for duplicate in copies([Path(file) for file in files if Path(file).is_file()], content):
        findings.doubt(NAME, duplicate)
    source, raw_scans = schemas.readable(connection, NAME, source, findings)
    if not raw_scans:
        return SalesSeen(SourceSeen(NAME, files))
    named = keyed(raw_scans, sources)
    wanted = [Wanted(use, name, is_key=True) for use, name in named.names.items()]
    fitted = schemas.fit(
        NAME, source, raw_scans, [*wanted, Wanted("sales_value", columns.sales_value, is_key=False)], findings
    )
    if named.category_from_map and not has_map:
        fitted = replace(fitted, unfit=fitted.unfit | {"category"})
    weeks, week_nulls = _weeks(connection, fitted, columns.week, settings.last_weeks, findings)
    last = settings.last_weeks
    in_window = weeks.in_last(last) if weeks and last else ["TRUE"] * len(fitted.scans)
    failed: list[str] = []
    ready, ready_columns = named.ready(fitted.scans, columns)
    with findings.attempt(NAME, failed), reading_source(source):
        sums.make(connection, ready, ready_columns, in_window)
    sales_columns = _SalesColumnsSeen(section, named, fitted, files)
    if failed:
        findings.skip(NAME, "values, until its rows can be read")
        return SalesSeen(sales_columns.seen(), fitted, named)
    with findings.attempt(NAME):
        precise = {
            column: named.names[use] for use, column in sums.NAMES.items() if use in named.names and fitted.has(use)
        }
        keys.check_precise(connection, source, precise)
    with findings.attempt(NAME):
        named.finish(connection, source, "mapped" if has_map else "(SELECT '' AS sku_id, '' AS map_category) m")
    sums.settle(connection)
    total, nulls = _nulls(connection)
    with findings.attempt(NAME):
        names = {each.use: each.name for each in wanted if fitted.has(each.use) and each.use in KEYS}
        summed_sales.check_keys(connection, source, names or {"store_id": columns.store_id})
    connection.execute("DELETE FROM sums WHERE category IS NULL")
    has_category = internal.map_has_category(sources)
    is_chosen = bool(total) and _choose(connection, fitted, settings, findings, has_map_category=has_category)
    notes: list[str] = []
    if is_chosen:
        _check_values(connection, replace(fitted, scans=tuple(ready)), findings)
        if fitted.has(*named.names, "sales_value"):
            for doubt in chosen_sales.doubts_of(connection, source, ready, weeks, last):
                findings.doubt(NAME, doubt)
        notes = chosen_sales.weeks_kept(connection, source, weeks, last)
    seen = sales_columns.seen(total, nulls | week_nulls, _facts(connection, fitted, named))
    return SalesSeen(replace(seen, notes=tuple(notes)), fitted, named, is_chosen)


@dataclass(frozen=True)
class _SalesColumnsSeen:
    section: SalesSource
    keyed: Keyed
    fitted: Fitted
    files: tuple[str, ...]

    def seen(
        self, total: int | None = None, nulls: dict[str, int] | None = None, facts: dict[str, int] | None = None
    ) -> SourceSeen:
        columns = self.section.columns
        used = {**self.keyed.names, "sales_value": columns.sales_value}
        if columns.week is not None:
            used["week"] = columns.week
        seen_columns: list[Column] = [
            schemas.column(self.fitted.raw_scans, name, use, nulls, unfit=not self.fitted.has(use))
            for use, name in used.items()
        ]
        if self.keyed.category_from_map:
            seen_columns.append(Column(columns.category, "category", "that of the SKU in need_states"))
        unused = schemas.unused(self.fitted.raw_scans, list(used.values()))
        return SourceSeen(NAME, self.files, total, tuple(seen_columns), unused, facts or {})


def _weeks(
    connection: duckdb.DuckDBPyConnection, fitted: Fitted, week: str | None, last: int | None, findings: Findings
) -> tuple[SalesWeeks | None, dict[str, int]]:
    """The weeks, None if they cannot be read; and 0 null weeks, because each row needs a week."""
    if week is None:  # the config does not load where `last_weeks` would need one
        return None, {}
    source = fitted.source
    faults: list[str] = []
    with Findings().attempt(NAME, faults), reading_source(source):
        require(source, fitted.scans, {"columns.week": week})
        weeks = weeks_of(connection, source, fitted.scans, week)
    if not faults:
        return weeks, {"week": 0}
    if last is None:
        findings.doubt(NAME, summed_sales.without_weeks(faults[0]))
    else:
        findings.error(NAME, faults[0])
    return None, {}


def _nulls(connection: duckdb.DuckDBPyConnection) -> tuple[int, dict[str, int]]:
    """The number of rows, and the numbers of rows without a usable key or amount."""
    counts = ", ".join(f"COALESCE(SUM(CASE WHEN {use} IS NULL THEN row_count END), 0)" for use in KEYS)
    total, *missing = row(
        connection, f"SELECT COALESCE(SUM(row_count), 0), {counts}, COALESCE(SUM(bad_values - bad_texts), 0) FROM sums"
    )
    return int(total), dict(zip((*KEYS, "sales_value"), map(int, missing), strict=True))


def _facts(connection: duckdb.DuckDBPyConnection, fitted: Fitted, named: Keyed) -> dict[str, int]:
    plural = {"store_id": "stores", "sku_id": "SKUs", "category": "categories"}
    if named.attributes:
        plural["sku_id"] = "need states" if len(named.attributes) == 1 else "combinations of attributes"
    return {
        what: row(connection, f"SELECT COUNT(DISTINCT {use}) FROM sums")[0]
        for use, what in plural.items()
        if fitted.has(*(named.attribute_uses if use == "sku_id" and named.attributes else (use,)))
    }


def _choose(
    connection: duckdb.DuckDBPyConnection,
    fitted: Fitted,
    settings: InternalPreprocessing,
    findings: Findings,
    *,
    has_map_category: bool,
) -> bool:
    """Make `chosen_sales`; if `include` or `exclude` cannot be used, this is reported, and all categories are chosen."""
    include, exclude = (settings.include, settings.exclude) if fitted.has("category") else (None, ())
    for included, excluded in ((include, exclude), (include, ()), (None, exclude), (None, ())):
        failed: list[str] = []
        tried = msgspec.structs.replace(settings, include=included, exclude=excluded)
        connection.execute("DROP VIEW IF EXISTS chosen_sales")
        connection.execute("DROP TABLE IF EXISTS chosen")
        with findings.attempt(NAME, failed):
            chosen_sales.choose(connection, fitted.source, tried, has_category=has_map_category)
        if not failed:
            return True
    return False


def _check_values(connection: duckdb.DuckDBPyConnection, fitted: Fitted, findings: Findings) -> None:
    if not fitted.has("sales_value"):
        return
    sales_value = fitted.source.names["sales_value"]
    with findings.attempt(NAME):
        amounts.check_certain(connection, fitted.source, fitted.scans, sales_value)
    for statement in (*_SAID, None):
        failed: list[str] = []
        with findings.attempt(NAME, failed):
            chosen_sales.check_values(connection, fitted.source, fitted.scans)
        if not failed or statement is None:
            break
        connection.execute(statement)
    with findings.attempt(NAME):
        chosen_sales.check_total(connection, fitted.source)
    with findings.attempt(NAME):
        chosen_sales.check_rounding(connection, fitted.source, sales_value)


def stores_by_category(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The number of stores that sell each chosen category."""
    return dict(rows(connection, "SELECT category, COUNT(DISTINCT store_id) FROM chosen_sales GROUP BY 1 ORDER BY 1"))
