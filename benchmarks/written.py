"""The table, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.found import Row, amount


def table(rows: Iterable[Row]) -> str:
    """What was measured, beside the goal."""
    return markdown(
        ["what", "yardstick", "measured (least to largest)", "goal", ""],
        [[row.what, row.yardstick, _measured(row), _goal(row), row.met] for row in rows],
    )


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
    return markdown(["process", "runs", "wall, s", "CPU, s", "peak memory, MB"], lines)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
