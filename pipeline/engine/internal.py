"""Internal sales and the need-state map -> exact cents per store, category and need state.

The sales are read once, and once more where something is wrong with a row (`sums`); `last_weeks` reads the week column once more.
Nothing but the final result comes into Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import duckdb
import pandas as pd

from pipeline.engine import attributes, chosen_sales, delivered, need_states
from pipeline.engine.connections import connect, create, insert, row, rows, sql, view
from pipeline.engine.gathered import Gathered
from pipeline.engine.reading.raw import Source, reading_source
from pipeline.engine.reading.source import flat_sources
from pipeline.engine.reading.weeks import SalesWeeks
from pipeline.engine.summed_sales import sum_sales
from pipeline.schema import BLOCK_CENTS, UNMAPPED
from pipeline.settings import Engine, InternalPreprocessing, Sources

_SUMS_AT_ONCE = 250_000  # of a store and a SKU, in the categories that come into Python together
_SPLIT = (
    "store_id",
    "sku_id",
    "category",
    "map_category",
    "sales_units",
    "per_cent",
)  # what is split of `chosen_sales`
_WEEKS = {"first_week": "str", "last_week": "str", "weeks": "int64"}


def gather(
    files: Mapping[str, Sequence[str]],
    sources: Sources,
    settings: InternalPreprocessing,
    engine: Engine,
    *,
    amalgamate: bool = True,
    each: Callable[[pd.DataFrame], object] | None = None,
) -> Gathered:
    """Read the internal sales and the need-state map, and split the sales over the need states.

    Amounts are summed exactly per (store, SKU, category); each sum is split over the SKU's need states by weight with the
    largest-remainder method, in whole units of the last decimal that the category's amounts have, so that nothing is lost. Without a map the need states are the values of columns of the sales, or the SKUs (`attributes`).

    Parameters
    ----------
    files : absolute paths of the files of `internal_sales` and of `need_states`
    sources : how they are written, and what their columns are called
    settings : which categories and weeks are chosen; the rest is for `core`
    engine : memory, threads, and where to spill
    amalgamate : whether rare SKUs are one need state, where the mix is over SKUs
    each : gets the sales of some categories after others, all of a category at once; then `sales` is returned without rows, and no more than
        one batch of categories is in memory. None: all are returned

    Returns
    -------
    sales : store_id, category, need_state, sales_cents (int64; float64 with up to four decimals where amounts have parts of a cent); one
        row per key, sorted by it. A need state that a
        store sold for zero cents has its row. SKUs that the map does not know are under `schema.UNMAPPED`, in the category of
        that name where the category is the map's. Without internal sales none of these has rows. Where every row has a week
        that can be read, and there are at least `schema.BLOCKS` weeks, the columns `schema.BLOCK_CENTS` besides: the sales of each block
        of weeks (`Weeks.blocks`), which add up to sales_cents.
    unchosen_stores : store_id; stores of the file without a row in the chosen categories and weeks, sorted.
    key_spellings : kind (store, SKU, category), key, spellings (int64, at least 2); keys that stand in the sales in several ways
        that are one, such as " 7 " and "7", sorted. Files of different types are each named on their own: what differs between
        them is not counted.
    delivered_sales, delivered_stores : what the files hold, whatever the settings choose of it, as `delivered.of_sales` gives it.
    sales_weeks : first_week, last_week (as written), weeks (how many): one row, none where the weeks are not known
    Beside them, as `doubts`, what should be looked at, and as `notes` the weeks that were read.

    Raises
    ------
    RawDataError : a file cannot be read, or columns, keys or values are not what they should be
    SettingsError : `include` or `exclude` name a category that is not there or leave none; `last_weeks` without a week
    """
    if sources.internal_sales is None:
        nothing = no_sales()
        if each is not None:
            each(nothing["sales"])
        return Gathered(nothing)
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
            read = sum_sales(connection, sales, sources, settings.last_weeks)
            chosen_sales.choose(connection, sales, settings, has_category=map_has_category(sources))
            if not read.is_well:
                chosen_sales.check_values(connection, sales, read.scans)
            chosen_sales.check_total(connection, sales)
            chosen_sales.check_rounding(connection, sales, sales.names["sales_value"])
            doubts += read.week_doubts
            doubts += chosen_sales.doubts_of(connection, sales, read.scans, read.weeks, settings.last_weeks)
            if mapping is not None:
                doubts += need_states.only_ones(connection, mapping)
            notes = chosen_sales.weeks_kept(connection, sales, read.weeks, settings.last_weeks)
            if mapping is None:
                attributes.load(connection, sources.attributes, amalgamate=amalgamate)
            result = _sales(connection, read.by_block, each)
            unchosen = connection.sql(sql("unchosen_stores.sql")).df()
            spellings = connection.sql("SELECT * FROM key_spellings ORDER BY kind, key").df()
            arrived = delivered.of_sales(
                connection,
                read.weeks.read if read.weeks and read.has_positions else None,
                has_categories=not read.category_from_map,
            )
    tables = {"sales": result, "unchosen_stores": unchosen, "key_spellings": spellings, **arrived}
    return Gathered(tables | {"sales_weeks": sales_weeks(read.weeks, settings.last_weeks)}, doubts, notes)


def sales_weeks(weeks: SalesWeeks | None, last_weeks: int | None) -> pd.DataFrame:
    """The first and the last of the weeks that are read, as written, and how many they are; no row where they are not known."""
    span = None if weeks is None else weeks.span(last_weeks)
    row_of = [] if span is None else [(span.first, span.last, span.count)]
    return pd.DataFrame(row_of, columns=list(_WEEKS)).astype(_WEEKS)


def no_sales() -> dict[str, pd.DataFrame]:
    """The result of `gather` without internal sales."""
    kinds = {
        "sales": {"store_id": "str", "category": "str", "need_state": "str", "sales_cents": "int64"},
        "unchosen_stores": {"store_id": "str"},
        "key_spellings": {"kind": "str", "key": "str", "spellings": "int64"},
        "sales_weeks": _WEEKS,
        **delivered.NO_SALES,
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


def _sales(
    connection: duckdb.DuckDBPyConnection, by_block: Sequence[str], each: Callable[[pd.DataFrame], object] | None
) -> pd.DataFrame:
    """The sales by need state: all of them, or none after a batch of categories after the other went to `each`."""
    split = _split(connection, by_block)
    if each is None:
        view(connection, "batch", "SELECT * FROM chosen_sales")
        return connection.sql(split, params=[UNMAPPED]).df()
    batches, columns = _batches(connection), ", ".join((*_SPLIT, *by_block))
    # In their order, so that a batch is read without those before and after it.
    create(
        connection,
        "sums_by_batch",
        f"SELECT {columns}, batch FROM chosen_sales JOIN batches USING (category) ORDER BY batch",
    )
    for number in range(batches):
        create(connection, "batch", f"SELECT {columns} FROM sums_by_batch WHERE batch = {number}")
        each(connection.sql(split, params=[UNMAPPED]).df())
        connection.execute("DROP TABLE batch")
    create(connection, "batch", "SELECT * FROM chosen_sales LIMIT 0")
    return connection.sql(split, params=[UNMAPPED]).df()


def _batches(connection: duckdb.DuckDBPyConnection) -> int:
    """Make `batches`: batch, category; the categories in order, about as many sums in each batch, one category at least. Returns their number."""
    connection.execute("CREATE TEMP TABLE batches (batch INTEGER, category VARCHAR)")
    batch, size, batch_of = -1, _SUMS_AT_ONCE, []
    for name, sums in rows(
        connection, "SELECT category, COUNT(*) FROM chosen_sales GROUP BY category ORDER BY category"
    ):
        if size + sums > _SUMS_AT_ONCE:
            batch, size = batch + 1, 0
        batch_of.append((batch, name))
        size += sums
    insert(connection, "batches", batch_of)
    return batch + 1


def _split(connection: duckdb.DuckDBPyConnection, by_block: Sequence[str]) -> str:
    """The SQL that splits the sales over the need states, and the sales of blocks of weeks, if these columns have them.

    Cents are whole numbers where no chosen category has more than two decimals, else floats.
    """
    (per_cent,) = row(connection, "SELECT COALESCE(MAX(per_cent), 1) FROM chosen_sales")
    in_cents = "CAST(SUM({}) AS BIGINT)" if per_cent == 1 else "SUM({}) / MIN(per_cent)"
    if not by_block:
        return sql("split.sql", served="", blocks="", sums="", part=in_cents.format("part"))
    listed = ", ".join(by_block)
    micros = [f"CAST({name} AS HUGEINT)" for name in by_block]
    ends = [
        f"CAST(FLOOR(({' + '.join(micros[:number])}) * per_cent / 10000.0 * fraction + 0.5) AS BIGINT)"
        for number in range(1, len(by_block))
    ]
    parts = [ends[0], *(f"{end} - {before}" for before, end in pairwise(ends)), f"part - {ends[-1]}"]
    sums = "".join(f",\n    {in_cents.format(part)} AS {name}" for part, name in zip(parts, BLOCK_CENTS, strict=True))
    fraction = "COALESCE(w.weight / NULLIF(w.total_weight, 0), 1) AS fraction"
    return sql(
        "split.sql",
        served=f", {fraction}, {listed}",
        blocks=f", fraction, {listed}",
        sums=sums,
        part=in_cents.format("part"),
    )
