"""uv run python -m benchmarks [--quick | --full] [--only ROW]: print the table anew on this machine, and write docs/performance.md.

A run of all rows writes the page; one with --only or --quick prints, and leaves it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.rows import ROWS, measure
from benchmarks.written import table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", const="quick", dest="size", help="small sizes: does it work?")
    size.add_argument(
        "--full", action="store_const", const="full", dest="size", help="large sizes: hours, and 60 GB of disk"
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), help="these alone")
    parser.add_argument(
        "--place", type=Path, help="where projects are made (default: a temporary folder, removed at the end)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.md", help="the page to write")
    parser.set_defaults(size="default")
    return parser.parse_args()


def main() -> None:
    told = _arguments()
    place = told.place or Path(tempfile.mkdtemp(prefix="benchmarks-"))
    rows = []
    try:
        for row in told.only:
            started = time.monotonic()
            folder = place / row
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            found = measure(row, folder, told.size)
            shutil.rmtree(folder)
            rows += found
            print(table(found), flush=True)
            print(f"{row}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    finally:
        if told.place is None:
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
