"""docs/performance.md, and the tables that are printed on the way."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.found import Row, amount
from benchmarks.growth import Grown

STEEP = 1.15  # an exponent from which something is named as growing faster than its size

HEAD = """# How fast it is

Written by `uv run python -m benchmarks` from one run on one machine; not by hand. `--quick` tries everything with small sizes, `--full`
takes hours, `--only` measures some rows alone.

Machines differ and are noisy, so that a row is a ratio to a yardstick that was measured in the same run, in turns: A B A B. A figure
is the median over the turns of the ratio within a turn; least and largest stand beside it. Processes are measured whole, from start
to end, by what the system accounts to them and to all that they start; peak memory is that of the largest single process. A row
is written only where what is compared computed the same result; how that was seen is said below the table.
"""
PLAIN = """## The plain script

`benchmarks/plain_script.py` does the work of a full run as one script: it sums the sales by plain SQL in DuckDB, splits them over need
states, calls the statistics of `pipeline.core` one after the other on frames in memory, writes a typed and sorted Parquet file per
table, a DuckDB file with keys, comments and views, the report, the workbook and its CSV files. It has no Luigi, no task per category,
no traces, hashes, renames or syncs, reads nothing back, checks of the raw files only what SQL checks, and keeps no record of the run.
"""
GROWTH = """## How it grows

Each stage in a process of its own, from raw files of the benchmark's own making: {base}, and one of these multiplied
at a time. Seconds are those of the processor, memory the peak, of the whole process; some 1.5 seconds and 250 MB of them are Python
and its libraries. The exponent b is that of what lies beyond the start (the same stage with 2 categories of 20 stores) = a x size^b,
between the two larger sizes: 1 is linear; - where less than 0.2 seconds, or 10 MB, lie beyond it, and nothing can be said.

![seconds of each stage against what grows](performance-growth.svg)

"""
HASHING = """## Hashing

{gigabytes:g} GB of random bytes in {parts} files, {turns} runs each, the best of them. Why it stays SHA-256:
[decisions/0014](decisions/0014-content-hash.md).

"""


def page(
    rows: Sequence[Row],
    machine: Sequence[str],
    grown: Sequence[Grown],
    base: str,
    hashing: str,
) -> str:
    """All of docs/performance.md; what was not measured is left out."""
    parts = [HEAD, "".join(f"- {line}\n" for line in machine), "## The table\n", table(rows), _notes(rows)]
    parts += ["## The processes behind it\n", runs(rows), PLAIN]
    if grown:
        parts += [GROWTH.format(base=base) + growth(grown), steep(grown)]
    if hashing:
        parts.append(hashing)
    return "\n".join(parts)


def table(rows: Iterable[Row]) -> str:
    """What was measured, beside the goal."""
    return markdown(
        ["what", "yardstick", "measured (least to largest)", "goal", ""],
        [[row.what, row.yardstick, _measured(row), _goal(row), row.met] for row in rows],
    )


def _notes(rows: Iterable[Row]) -> str:
    lines = ["How it was seen that the same was computed, and, where a goal is missed, why:\n"]
    for row in rows:
        note = f"; {row.note}" if row.note else ""
        why = f" **Missed**: {' '.join(row.why.split())}" if row.met.startswith("missed") and row.why else ""
        lines.append(f"- {row.what}: {row.parity}{note}.{why}")
    return "\n".join([*lines, ""])


def _measured(row: Row) -> str:
    middle, least, largest = (amount(value, row.unit) for value in row.figure)
    return f"{middle} ({least} to {largest})" if row.figure.least < row.figure.largest else middle


def _goal(row: Row) -> str:
    return "-" if row.goal is None else f"<= {amount(row.goal, row.unit)}"


def runs(rows: Iterable[Row]) -> str:
    """Seconds, seconds of processor and peak memory of the runs behind the rows."""
    found = {name: costs for row in rows for name, costs in row.costs.items()}
    lines = [
        [
            name,
            str(len(costs)),
            *(f"{statistics.median(getattr(cost, figure) for cost in costs):.2f}" for figure in ("wall", "cpu")),
            f"{max(cost.peak_mb for cost in costs):,.0f}",
        ]
        for name, costs in found.items()
    ]
    return markdown(["process", "runs", "wall, s (median)", "CPU, s (median)", "peak memory, MB"], lines)


def growth(grown: Iterable[Grown]) -> str:
    """Seconds and memory of each stage at each size, with the exponents."""
    lines = [
        [
            one.what,
            one.stage,
            " / ".join(f"{size:,}" for size in one.sizes),
            " / ".join(f"{seconds:.2f}" for seconds in one.seconds),
            _exponent(one.time_exponent),
            " / ".join(f"{peak:,.0f}" for peak in one.peaks),
            _exponent(one.memory_exponent),
        ]
        for one in grown
    ]
    return markdown(["what grows", "stage", "sizes", "CPU, s", "b", "peak memory, MB", "b"], lines)


def steep(grown: Iterable[Grown]) -> str:
    """What grows faster than its size, by name."""
    named = [
        f"- {one.stage} in {one.what}: {' and '.join(said)}"
        for one in grown
        if (
            said := [
                f"{kind} with the power {found:.2f}"
                for kind, found in (("time", one.time_exponent), ("memory", one.memory_exponent))
                if found is not None and found > STEEP
            ]
        )
    ]
    if not named:
        return f"Nothing grows faster than its size (b above {STEEP}); n log n is 1.1 to 1.2 here.\n"
    return "\n".join([f"Faster than its size (b above {STEEP}) grows:\n", *named, ""])


def _exponent(found: float | None) -> str:
    return "-" if found is None else f"{found:.2f}"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
