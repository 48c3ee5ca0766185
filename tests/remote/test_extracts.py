"""The local copy of a table: what it holds, what is refused, and that amounts and keys are what they are in files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from databases import Database

from pipeline.engine import internal
from pipeline.engine.remote import extracts
from pipeline.errors import PipelineError
from pipeline.settings import Engine, InternalPreprocessing, SalesColumns, SalesSource, Sources

COLUMNS = {"store_id": "STORE", "sku_id": "SKU", "category": "CAT", "sales_value": "SALES"}
Gathered = Callable[..., dict[str, pd.DataFrame]]


@pytest.fixture
def both(database: Database, tmp_path: Path) -> Callable[..., tuple[Any, Any]]:
    """The sales that are gathered from a Parquet file and from a table with the same rows, or the refusals of both."""

    def gathered(
        table: pa.Table,
        types: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        **source: Any,
    ) -> tuple[Any, Any]:
        source = {"columns": SalesColumns(**COLUMNS), **source}
        pq.write_table(table, tmp_path / "sales.parquet")
        database.write("sales", table, types)
        there = SalesSource(table="sales", connection=database.url, **source)
        here = SalesSource(path="sales.parquet", **source)
        engine = Engine(spill_folder=str(tmp_path / "spill"), threads=1)
        return (
            _tried(lambda: _gather(tmp_path / "sales.parquet", here, engine, settings or {})),
            _tried(lambda: _gather(_extract(tmp_path, there, engine), there, engine, settings or {})),
        )

    return gathered


def _extract(folder: Path, source: SalesSource, engine: Engine) -> Path:
    path = folder / "extract.parquet"
    extracts.write(path, "sources.internal_sales", source, Sources(internal_sales=source), engine)
    return path


def _gather(path: Path, source: SalesSource, engine: Engine, settings: Mapping[str, Any]) -> Any:
    sources = Sources(internal_sales=source)
    return internal.gather({"internal_sales": [str(path)]}, sources, InternalPreprocessing(**settings), engine)


def _tried(gather: Callable[[], Any]) -> Any:
    try:
        return gather()
    except PipelineError as error:
        return str(error)


def same(both: tuple[Any, Any], folder: Path) -> Any:
    """Check that file and table gave the same, and return what it is."""
    here, there = both
    if isinstance(here, str) or isinstance(there, str):
        assert isinstance(here, str), f"a refusal of the table only: {there}"
        assert there == here.replace(str(folder / "sales.parquet"), "table sales")
        return here
    for name, frame in here.tables.items() if hasattr(here, "tables") else here.items():
        pd.testing.assert_frame_equal(frame, there[name], check_exact=True, obj=name)
    assert list(here.notes) == list(there.notes)
    return here


def sales(**columns: Any) -> pa.Table:
    rows = max((len(values) for values in columns.values()), default=1)
    given = {"STORE": ["1"] * rows, "SKU": ["a"] * rows, "CAT": ["Bread"] * rows, "SALES": [1.0] * rows, **columns}
    return pa.table(given)


AMOUNTS = [
    0.1 + 0.2, 0.005, 0.015, -0.005, 1.005, 2.675, 1e-9, -1e-9, 5e-7, 4.999999e-7, 5e-324, -0.0, 0.0, 9e9, 9e9 - 0.01, 8999999999.994999,
    9007199254740993.0, 1e13, -1e13, 9999999999999.99, 9.2e12, 9.3e12, -9.3e12, 123456789.123456, 0.1234565, 1 / 3, 1e-300, 2.5e-7,
]  # fmt: skip


def test_amounts_that_are_hard_to_round_are_summed_alike(both, tmp_path: Path) -> None:
    amounts = [*AMOUNTS, *(-value for value in AMOUNTS if abs(value) <= 1e13)]
    amounts = [value for value in amounts if abs(value) <= 1e13]
    table = sales(SALES=amounts, SKU=[f"s{number}" for number in range(len(amounts))])
    same(both(table), tmp_path)
    same(both(sales(SALES=amounts)), tmp_path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e14, 1e308, None])
def test_what_is_no_amount_is_refused_alike(both, tmp_path: Path, bad: float | None) -> None:
    refusal = same(both(sales(SALES=[1.0, bad, 2.0])), tmp_path)
    assert "not finite or beyond 1e13 in 1 row of 3" in refusal


@pytest.mark.parametrize("type_", [pa.int16(), pa.int32(), pa.int64(), pa.float32()])
def test_amounts_of_every_numeric_type_are_summed_alike(both, tmp_path: Path, type_: pa.DataType) -> None:
    amounts = pa.array([1, -7, 32767, 0, 12]).cast(type_)
    same(both(sales(SALES=amounts, SKU=["a", "b", "c", "d", "a"])), tmp_path)


def test_decimals_are_summed_and_named_alike(both, tmp_path: Path) -> None:
    table = sales(
        SALES=pa.array(["1.235", "-0.015", "12815.584", "9999999999.999"]).cast(pa.decimal128(18, 3)),
        SKU=pa.array(["7.00", "7.50", "8712345678901.00", "-3.00"]).cast(pa.decimal128(18, 2)),
    )
    gathered = same(both(table, {"SALES": "NUMERIC(18, 3)", "SKU": "NUMERIC(18, 2)"}), tmp_path)
    assert sorted(gathered["sales"]["need_state"]) == ["-3", "7", "7.5", "8712345678901"]


def test_keys_are_named_here_and_never_there(both, tmp_path: Path) -> None:
    keys = [
        " 7 ",
        "7",
        "07",
        "7.0",
        "Café",
        "Cafe\u0301",
        "\u00a0x\u3000",
        "x",
        "NA",
        "null",
        "a/b",
        'q"uote',
        "it's",
        "日本",
        "Ünïcödé",
        "\t7\n",
    ]
    gathered = same(both(sales(SKU=keys, STORE=keys[::-1])), tmp_path)
    assert len(gathered["key_spellings"]) > 0
    refusal = same(both(sales(SKU=["a", "  ", None])), tmp_path)
    assert "2 rows without sku_id (column 'SKU') of 3" in refusal


@pytest.mark.parametrize("values", [[7.0, 7.5, -0.0, 1e20, 0.0], [1.0, float("nan")], [2.0**53, 2.0**53 + 2]])
def test_floats_are_named_alike_as_keys(both, tmp_path: Path, values: list[float]) -> None:
    same(both(sales(STORE=values)), tmp_path)


def test_weeks_windows_and_blocks_are_the_same(both, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weeks = [202400 + week for week in rng.integers(1, 53, 600)]
    table = sales(
        WEEK=weeks, STORE=[str(store) for store in rng.integers(1, 9, 600)], SKU=[f"s{sku}" for sku in rng.integers(1, 30, 600)],
        SALES=rng.normal(10, 20, 600).round(3),
    )  # fmt: skip
    columns = SalesColumns(**COLUMNS, week="WEEK")
    for settings in ({}, {"last_weeks": 13}):
        gathered = same(both(table, None, settings, columns=columns), tmp_path)
        assert any("block" in name for name in gathered["sales"].columns)
    days = table.set_column(
        table.column_names.index("WEEK"), "WEEK", pa.array(np.datetime64("2024-01-01") + rng.integers(0, 365, 600))
    )
    same(both(days, None, {"last_weeks": 26}, columns=columns), tmp_path)
    refusal = same(both(sales(WEEK=["202401", None, "202403"]), None, {"last_weeks": 1}, columns=columns), tmp_path)
    assert "1 row without a week" in refusal


def test_excluded_rows_joined_keys_and_products_are_the_same(both, tmp_path: Path) -> None:
    table = pa.table(
        {
            "CHAIN": ["a", "a", "b/c", "Total"], "BRANCH": [1, 2, 3, 4], "SKU": ["x", "y", "x", "y"], "CAT": ["Tea"] * 4,
            "UNITS": [3, 2, 1, 9], "PRICE": [1.005, 2.675, 1 / 3, 5.0],
        }
    )  # fmt: skip
    columns = SalesColumns(store_id=("CHAIN", "BRANCH"), sku_id="SKU", category="CAT", sales_value="UNITS * PRICE")
    gathered = same(both(table, columns=columns, exclude_rows={"CHAIN": ("Total",)}), tmp_path)
    assert set(gathered["sales"]["store_id"]) == {"a / 1", "a / 2", "b//c / 3"}


def test_a_missing_column_names_those_that_are_there(both, tmp_path: Path) -> None:
    table = sales().rename_columns(["STORE", "SKU", "CAT", "SALE"])
    refusal = same(both(table), tmp_path)
    assert "no column 'SALES' (did you mean 'SALE'?); found: STORE, SKU, CAT, SALE" in refusal
    assert "of type VARCHAR, where sales_value must be a number" in same(both(sales(SALES=["1,5"])), tmp_path)


def test_no_rows_are_said_to_be_none(both, tmp_path: Path) -> None:
    here, there = both(sales().slice(0, 0))
    assert here.endswith("no rows; write the file again, or change path in [sources.internal_sales]")
    assert there == "table sales: no rows; see what is in it, or change table in [sources.internal_sales]"


def test_a_hundred_thousand_hostile_rows_differ_nowhere(both, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    count = 100_000
    spread = 10.0 ** rng.uniform(-9, 13, count) * rng.choice([-1, 1], count)
    thousandths = np.round(rng.normal(0, 50, count), 3)
    halves = (rng.integers(-10_000_000, 10_000_000, count) + 0.5) / 100
    amounts = np.choose(rng.integers(0, 3, count), [np.clip(spread, -1e13, 1e13), thousandths, halves])
    letters = np.array(
        ["7", " 7", "07", "7.0", "é", "e\u0301", "x ", "X", "\u00a0z", "'", '"', "%", "\\", "\u200b", "日"]
    )
    keys = np.char.add(letters[rng.integers(0, len(letters), count)], rng.integers(0, 40, count).astype(str))
    table = sales(
        SALES=amounts, SKU=keys, STORE=rng.permutation(keys), CAT=letters[rng.integers(0, len(letters), count)]
    )
    same(both(table), tmp_path)
