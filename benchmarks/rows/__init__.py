"""The rows of the table: a module for each thing that is measured, with `measure(place, size)`."""

from __future__ import annotations

import importlib
from pathlib import Path

from benchmarks.found import Row

ROWS = ("nothing_to_do", "many_traces", "aggregation", "full_run", "two_workers", "scale")
SIZES = ("quick", "default", "full")


def measure(row: str, place: Path, size: str) -> list[Row]:
    """The rows of the table that a module measures, in a folder of its own."""
    found: list[Row] = importlib.import_module(f"benchmarks.rows.{row}").measure(place, size)
    return found
