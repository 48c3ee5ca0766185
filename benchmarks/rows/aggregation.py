"""The sales, summed and split over need states: beside a bare scan of the same columns; its memory, and how that grows."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.found import Row, same
from benchmarks.processes import Cost, Middle, interleaved, python, run

PAIRS = {"stores": 500, "categories": 10, "skus": 100, "need_states": 12}  # 500,000 of a store and a SKU
WEEKS = {"quick": (1, 2), "default": (20, 100, 400), "full": (20, 100, 400, 1600)}
TIMES = {"quick": 1, "default": 3, "full": 5}
MEASURED_AT = {"quick": 1, "default": 1, "full": 1}  # which of the sizes is compared with the scan
SMALL = {"stores": 50, "skus": 20}
WHY_CPU = """beside the sums of eight blocks of weeks, stages of today read the rows to see which weeks occur, which rows stand twice, and what each
category and store sold in each week: 11 scans without any sum. A plain `SUM` of the same column under the same keys costs 5 to 7 times the
scan here: a table of 500,000 keys does not fit the processor's cache. docs/scale.md says what was tried."""
WHY_MEMORY = """beside the libraries it is the table of 500,000 keys with the sums of eight blocks of weeks, one per thread, and the sums under their
names. With the number of weeks (20, 100, 400 here) grow the tables of what each category and store sold in each week. Tried, and kept: memory of a
dropped table goes back to the system at once (47 MB less)."""
ORDERS = ("week by week", "sorted by store")


def measure(place: Path, size: str) -> list[Row]:
    shape = PAIRS | (SMALL if size == "quick" else {})
    pairs = shape["stores"] * shape["categories"] * shape["skus"]
    rows, peaks = [], {}
    for turn, weeks in enumerate(WEEKS[size]):
        for ordered, order in enumerate(ORDERS):
            if turn != MEASURED_AT[size] and ordered:
                continue
            raw = place / f"{weeks}-{ordered}"
            made = {**shape, "weeks": weeks, "sorted": ordered}
            run(python("data", raw, *(f"--{name}={value}" for name, value in made.items())))
            if turn == MEASURED_AT[size]:
                costs = interleaved({name: python("aggregating", name, raw) for name in ("ours", "scan")}, TIMES[size])
                rows.append(_beside_scan(costs, pairs * weeks, order))
                found = costs["ours"]
            else:
                found = [run(python("aggregating", "ours", raw)) for _ in range(TIMES[size])]
            if not ordered:
                peaks[pairs * weeks] = found
            if turn == 0:
                rows.append(_beside_pandas(found, raw, pairs * weeks))
            shutil.rmtree(raw)
    return [*rows, *_memory(peaks, pairs * WEEKS[size][MEASURED_AT[size]])]


def _beside_scan(costs: dict[str, list[Cost]], rows: int, order: str) -> Row:
    pairs = zip(costs["ours"], costs["scan"], strict=True)
    return Row(
        f"aggregation of {rows:,} rows of sales, {order}, CPU",
        "DuckDB, a bare scan of the same columns",
        8.0,
        Middle.of([one.told["cpu"] / scan.told["cpu"] for one, scan in pairs]),
        "x",
        "the sums are compared with pandas' below",
        {f"aggregation, {rows:,} rows, {order}": costs["ours"], f"bare scan, {rows:,} rows, {order}": costs["scan"]},
        "CPU without that of starting Python and loading libraries",
        WHY_CPU,
    )


def _beside_pandas(costs: list[Cost], raw: Path, rows: int) -> Row:
    scanned, by_pandas = run(python("aggregating", "scan", raw)), run(python("aggregating", "pandas", raw))
    same("aggregation and pandas", by_pandas.told["digest"], costs[0].told["digest"])
    return Row(
        f"the same by pandas, {rows:,} rows, CPU (for comparison)",
        "DuckDB, a bare scan of the same columns",
        None,
        Middle.of([by_pandas.told["cpu"] / scanned.told["cpu"]]),
        "x",
        f"{by_pandas.told['rows']:,} sums are those of the aggregation, to the cent",
        {f"pandas, {rows:,} rows": [by_pandas], f"aggregation, {rows:,} rows": costs},
    )


def _memory(peaks: dict[int, list[Cost]], at: int) -> list[Row]:
    least, most = min(peaks), max(peaks)
    grown = [large.peak_mb / small.peak_mb for small, large in zip(peaks[least], peaks[most], strict=True)]
    parity = "the sums are compared with pandas' above"
    return [
        Row(
            f"its memory at {at:,} rows, of the whole process",
            "-",
            300.0,
            Middle.of([cost.peak_mb for cost in peaks[at]]),
            "MB",
            parity,
            {},
            "Python with pandas, pyarrow and DuckDB loaded is about 140 MB of it",
            WHY_MEMORY,
        ),
        Row(
            f"its memory at {most:,} rows",
            f"at {least:,} rows",
            1.2,
            Middle.of(grown),
            "x",
            parity,
            {f"aggregation, {rows:,} rows, {ORDERS[0]}": costs for rows, costs in peaks.items()},
        ),
    ]
