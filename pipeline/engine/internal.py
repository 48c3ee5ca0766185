"""Internal sales and the need-state map -> exact cents per store, category and need state.

The sales are read once, and once more where something is wrong with a row (`sums`); `last_weeks` reads the week column once more.
Nothing but the final result comes into Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import duckdb
import pandas as pd

from pipeline.config.raw_files import format_of
from pipeline.engine import attributes, need_states, sums, twice
from pipeline.engine.connections import connect, row, rows, sql, view
from pipeline.engine.gathered import Gathered
from pipeline.engine.reading import amounts, keys
from pipeline.engine.reading.raw import Source, reading_source, require, require_keys, scans
from pipeline.engine.reading.scan import Scan
from pipeline.engine.reading.source import flat_sources
from pipeline.engine.reading.weeks import SalesWeeks, weeks_of
from pipeline.engine.sales_keys import KEYS, keyed
from pipeline.engine.sums import LARGEST_LOSS, LARGEST_TOTAL
from pipeline.errors import RawDataError, SettingsError
from pipeline.schema import BLOCK_CENTS, UNMAPPED
from pipeline.settings import Engine, InternalPreprocessing, Sources
from pipeline.wording import counted, listed, quoted, with_nearest

_MICROS_PER_CENT = 10_000


def gather(
    files: Mapping[str, Sequence[str]],
    sources: Sources,
    settings: InternalPreprocessing,
    engine: Engine,
    *,
    amalgamate: bool = True,
) -> Gathered:
    """Read the internal sales and the need-state map, and split the sales over the need states.

    Amounts are summed exactly per (store, SKU, category), and the sums rounded to whole cents so that those of a category add up
    to its exact sum to the nearest cent; each is
    split over the SKU's need states by weight with the largest-remainder method, so that no cent is lost. Without a map the need states are the values of columns of the sales, or the SKUs (`attributes`).

    Parameters
    ----------
    files : absolute paths of the files of `internal_sales` and of `need_states`
    sources : how they are written, and what their columns are called
    settings : which categories and weeks are chosen; the rest is for `core`
    engine : memory, threads, and where to spill
    amalgamate : whether rare SKUs are one need state, where the mix is over SKUs

    Returns
    -------
    sales : store_id, category, need_state, sales_cents (int64); one row per key, sorted by it. A need state that a
        store sold for zero cents has its row. SKUs that the map does not know are under `schema.UNMAPPED`, in the category of
        that name where the category is the map's. Without internal sales none of these has rows. Where every row has a week
        that can be read, and there are at least `schema.BLOCKS` weeks, the columns `schema.BLOCK_CENTS` besides: the sales of each block
        of weeks (`Weeks.blocks`), which add up to sales_cents.
    unchosen_stores : store_id; stores of the file without a row in the chosen categories and weeks, sorted.
    key_spellings : kind (store, SKU, category), key, spellings (int64, at least 2); keys that stand in the sales in several ways
        that are one, such as " 7 " and "7", sorted. Files of different types are each named on their own: what differs between
        them is not counted.
    Beside them, as `doubts`, what should be looked at, and as `notes` the weeks that were read.

    Raises
    ------
    RawDataError : a file cannot be read, or columns, keys or values are not what they should be
    SettingsError : `include` or `exclude` name a category that is not there or leave none; `last_weeks` without a week
    """
    if sources.internal_sales is None:
        return Gathered(no_sales())
    sales = Source.of("sources.internal_sales", files["internal_sales"], sources.internal_sales)
    mapping = None
    if sources.need_states is not None:
        mapping = Source.of("sources.need_states", files["need_states"], sources.need_states)
    sources = flat_sources(sources)
    doubts: list[str] = []
    with connect(
        [*sales.files, *(mapping.files if mapping else ())],
        memory_limit=engine.memory_limit,
        threads=engine.threads,
        spill=engine.spill_folder,
    ) as connection:
        if mapping is not None and sources.need_states is not None:
            with reading_source(mapping):
                doubts += need_states.load(connection, mapping, sources.need_states.columns)
        with reading_source(sales):
            read = _sum(connection, sales, sources, settings.last_weeks)
            _choose(connection, sales, settings, has_category=map_has_category(sources))
            if not read.is_well:
                check_values(connection, sales, read.scans)
            check_total(connection, sales)
            _check_rounding(connection, sales, sales.names["sales_value"])
            doubts += doubts_of(connection, sales, read.scans, read.weeks, settings.last_weeks)
            if mapping is not None:
                doubts += need_states.only_ones(connection, mapping)
            notes = weeks_kept(connection, sales, read.weeks, settings.last_weeks)
            if mapping is None:
                attributes.load(connection, sources.attributes, amalgamate=amalgamate)
            result = connection.sql(_split(read.by_block), params=[UNMAPPED]).df()
            unchosen = connection.sql(sql("unchosen_stores.sql")).df()
            spellings = connection.sql("SELECT * FROM key_spellings ORDER BY kind, key").df()
    return Gathered({"sales": result, "unchosen_stores": unchosen, "key_spellings": spellings}, doubts, notes)


def no_sales() -> dict[str, pd.DataFrame]:
    """The result of `gather` without internal sales."""
    kinds = {
        "sales": {"store_id": "str", "category": "str", "need_state": "str", "sales_cents": "int64"},
        "unchosen_stores": {"store_id": "str"},
        "key_spellings": {"kind": "str", "key": "str", "spellings": "int64"},
    }
    return {
        table: pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
        for table, columns in kinds.items()
    }


def map_has_category(sources: Sources) -> bool:
    """Whether a SKU has need states per category: as the map says, or where SKUs are need states, the large ones of each."""
    if sources.need_states is None:
        return not sources.attributes
    return sources.need_states.columns.category is not None


def _split(by_block: Sequence[str]) -> str:
    """The SQL that splits the sales over the need states, and the sales of blocks of weeks, if these columns have them."""
    if not by_block:
        return sql("split.sql", served="", blocks="", sums="")
    listed = ", ".join(by_block)
    ends = [
        f"CAST(FLOOR(({' + '.join(by_block[:number])}) * fraction + 0.5) AS BIGINT)"
        for number in range(1, len(by_block))
    ]
    parts = [ends[0], *(f"{end} - {before}" for before, end in pairwise(ends)), f"part - {ends[-1]}"]
    sums = "".join(f",\n    CAST(SUM({part}) AS BIGINT) AS {name}" for part, name in zip(parts, by_block, strict=True))
    fraction = "COALESCE(w.weight / NULLIF(w.total_weight, 0), 1) AS fraction"
    return sql("split.sql", served=f", {fraction}, {listed}", blocks=f", fraction, {listed}", sums=sums)


def _sum(connection: duckdb.DuckDBPyConnection, source: Source, sources: Sources, last_weeks: int | None) -> _Summed:
    """Make `sums`: exact sums per (store_id, sku_id, category)."""
    assert sources.internal_sales is not None  # noqa: S101  # or nothing was read
    columns = sources.internal_sales.columns
    if last_weeks is not None and columns.week is None:
        raise SettingsError(
            f"[internal.preprocessing] last_weeks = {last_weeks} needs to know the week of each sale; set week in "
            "[sources.internal_sales] columns, or remove last_weeks"
        )
    raw_scans = scans(connection, source)
    named = keyed(raw_scans, sources)
    needed = {**named.names, "sales_value": columns.sales_value}
    require(source, raw_scans, {f"columns.{use}": name for use, name in needed.items()})
    require_keys(source, raw_scans, named.names)
    _require_amounts(source, raw_scans, columns.sales_value)
    amounts.check_certain(connection, source, raw_scans, columns.sales_value)
    weeks = _weeks(connection, source, raw_scans, columns.week, is_needed=last_weeks is not None)
    in_window = None if weeks is None or last_weeks is None else weeks.in_last(last_weeks)
    blocks = None if weeks is None else weeks.blocks(last_weeks)
    ready, columns = named.ready(raw_scans, columns)
    well = sums.make(connection, ready, columns, in_window, blocks)
    keys.check_precise(
        connection,
        source,
        {table_and_use: named.names[use] for use, table_and_use in sums.NAMES.items() if use in named.names},
    )
    named.finish(connection, source)
    sums.round_to_cents(connection)
    if not well:
        _check_keys(connection, source, {use: name for use, name in named.names.items() if use in KEYS})
    return _Summed(ready, weeks, well, BLOCK_CENTS if blocks else ())


class _Summed(NamedTuple):
    """The summed sales.

    `scans` : the files; `weeks` : None where they are not known; `is_well` : whether all is well with every row, else `sums` says what
    is not; `by_block` : the columns of sums per block of weeks, none where the weeks are not known
    """

    scans: list[Scan]
    weeks: SalesWeeks | None
    is_well: bool
    by_block: Sequence[str]


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
        *(weeks.doubts(source, last_weeks) if weeks and last_weeks else ()),
        *twice.in_two_files(connection, source, raw_scans, int(row_count)),
        *twice.totals(connection, source),
    ]


def weeks_kept(
    connection: duckdb.DuckDBPyConnection, source: Source, weeks: SalesWeeks | None, last_weeks: int | None
) -> list[str]:
    """The first and the last of the chosen weeks, how many there are, and their share of the sales."""
    window = weeks.window(last_weeks) if weeks and last_weeks else None
    if window is None:
        return []
    window_cents, every = row(connection, "SELECT SUM(window_cents), SUM(window_cents + earlier_cents) FROM sums")
    share = f", {window_cents / every:.1%} of the sales" if every else ""
    return [
        f"weeks {window.first} to {window.last} of column '{source.names['week']}': {counted(window.count, 'week', 'weeks')}{share}"
    ]


def _weeks(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    raw_scans: Sequence[Scan],
    name: str | None,
    *,
    is_needed: bool,
) -> SalesWeeks | None:
    """The weeks of the sales; None if no column is named, or if weeks are not needed and some cannot be read.

    Then nothing is known of blocks of weeks, as `check` says.
    """
    if name is None:
        return None
    try:
        require(source, raw_scans, {"columns.week": name})
        return weeks_of(connection, source, raw_scans, name)
    except RawDataError:
        if is_needed:
            raise
        return None


def _require_amounts(source: Source, raw_scans: Sequence[Scan], name: str) -> None:
    for scan in raw_scans:
        column = scan[name]
        if column.written is None and not keys.is_number(column.type):
            raise RawDataError(
                f"{scan.title}: column '{name}' is of type {column.type}, where sales_value must be a number; write it "
                f"as one, or set columns.sales_value in [{source.setting}]"
            )


def _check_keys(connection: duckdb.DuckDBPyConnection, source: Source, names: Mapping[str, str]) -> None:
    counts = row(
        connection,
        "SELECT SUM(row_count), "
        + ", ".join(f"SUM(CASE WHEN {use} IS NULL THEN row_count ELSE 0 END)" for use in names)
        + " FROM sums",
    )
    if not counts[0]:
        raise RawDataError(f"{source.title}: no rows; write the file again, or change path in [{source.setting}]")
    missing = [
        f"{counted(int(count), 'row', 'rows')} without {use} (column '{name}')"
        for (use, name), count in zip(names.items(), counts[1:], strict=True)
        if count
    ]
    if missing:
        raise RawDataError(
            f"{source.title}: {listed(missing)} of {counts[0]:,}; every sale needs its keys: fill them in, or remove the rows"
            f"{_filled_down(source, names, counts)}"
        )


def _filled_down(source: Source, names: Mapping[str, str], counts: Sequence[int]) -> str:
    """What helps where most rows lack a key, which stands in the first of several rows: in CSV and Excel."""
    mostly = [
        part
        for (_, name), count in zip(names.items(), counts[1:], strict=True)
        for part in source.parts(name)
        if 2 * count > counts[0] > count
    ]
    formats = {format_of(file) for file in source.files}
    if not mostly or formats == {"Parquet"}:
        return ""
    written = ", ".join(f'"{part}"' for part in mostly)
    kind = "excel" if "Excel" in formats else "csv"
    return f"; where a value holds for the rows below it, set fill_down = [{written}] in [{source.setting}] {kind}"


def _choose(
    connection: duckdb.DuckDBPyConnection, source: Source, settings: InternalPreprocessing, *, has_category: bool
) -> None:
    """Make `chosen` (category) and `chosen_sales`, what of `sums` is in the chosen categories and weeks."""
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
    if chosen:
        connection.executemany("INSERT INTO chosen VALUES (?)", [[name] for name in chosen])
    map_category = "s.category" if has_category else "''"
    view(
        connection,
        "chosen_sales",
        f"SELECT s.*, {map_category} AS map_category FROM sums s JOIN chosen c ON c.category = s.category "
        "WHERE s.rows_in_window > 0",
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
            f"{source.title}: column '{name}' has {counted(int(texts), 'text', 'texts')} that are no number, such as "
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


def _check_rounding(connection: duckdb.DuckDBPyConnection, source: Source, name: str) -> None:
    """Refuse amounts that are too small for whole cents."""
    lost = [
        f"{category} ({micros / (cents * _MICROS_PER_CENT + micros):.2%})"
        for category, micros, cents in rows(
            connection,
            "SELECT category, SUM(rest_micros), SUM(ABS(sales_cents)) FROM chosen_sales GROUP BY category ORDER BY category",
        )
        if micros > LARGEST_LOSS * (cents * _MICROS_PER_CENT + micros)
    ]
    if lost:
        raise RawDataError(
            f"{source.title}: column '{name}' looks not to be in currency units: rounding what a store sold of a SKU to cents changes it "
            f"by more than {LARGEST_LOSS:.0%} in {listed(lost, 10)}; write the amounts in units of the currency, such as 12.34"
        )
