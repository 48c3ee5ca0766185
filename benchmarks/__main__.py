"""uv run python -m benchmarks [--quick | --full] [--only PART ...]: print the table anew on this machine, and write docs/performance.md.

Only a run of all parts writes the page. What it found is kept in benchmarks/results; --page writes the page from that again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import chart, growth, kept, machine, processes, written
from benchmarks.rows import ROWS, measure

PARTS = (*ROWS, "growth", "hashing")
GIGABYTES = {"quick": 0.01, "default": 1.0, "full": 4.0}
DOCS = processes.ROOT / "docs"
KEPT = processes.ROOT / "benchmarks" / "results" / "performance.json"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", const="quick", dest="size", help="small sizes: does it work?")
    size.add_argument(
        "--full", action="store_const", const="full", dest="size", help="large sizes: hours, 10 GB of disk"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts alone")
    parser.add_argument("--place", type=Path, help="where projects are made (default: the system's temporary folder)")
    parser.add_argument("--out", type=Path, default=DOCS, help="the folder of the page and its chart")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from what was kept")
    parser.set_defaults(size="default")
    return parser.parse_args()


def main() -> None:
    told = _arguments()
    if told.page:
        _write(kept.read(KEPT), told.out)
        return
    before = machine.load()
    found = kept.Run(told.size, machine.facts())
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=told.place) as place:
        for part in told.only:
            _measure(part, Path(place) / part, found)
            if told.size != "quick":
                found.write(KEPT)
    minutes = (time.monotonic() - started) / 60
    found.machine.append(
        f"load over the minute before: {before}, at the end: {machine.load()}; {minutes:.0f} minutes in all"
    )
    if told.size != "quick":
        found.write(KEPT)
    if set(told.only) == set(PARTS) and told.size != "quick":
        _write(found, told.out)


def _measure(part: str, place: Path, found: kept.Run) -> None:
    started = time.monotonic()
    place.mkdir(parents=True)
    if part == "growth":
        found.grown = growth.measure(place, found.size)
        print(written.growth(found.grown), written.steep(found.grown), sep="\n", flush=True)
    elif part == "hashing":
        size = GIGABYTES[found.size]
        with_others = [
            "uv",
            "run",
            "--quiet",
            "--with",
            "blake3",
            "--with",
            "xxhash",
            "python",
            "-m",
            "benchmarks.hashing",
        ]
        found.hashing = processes.run(processes.Command([*with_others, str(size), str(place)])).said
        print(found.hashing, flush=True)
    else:
        rows = measure(part, place, found.size)
        found.rows += rows
        print(written.table(rows), flush=True)
    shutil.rmtree(place)
    print(f"{part}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _write(found: kept.Run, out: Path) -> None:
    """The page and its chart, of as much as was measured."""
    base = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in growth.BASE[found.size].items())
    hashing = written.HASHING.format(gigabytes=GIGABYTES[found.size], parts=4, turns=3) + found.hashing
    page = written.page(found.rows, found.machine, found.grown, base, hashing if found.hashing else "")
    (out / "performance.md").write_text(page, encoding="utf-8")
    if found.grown:
        (out / "performance-growth.svg").write_text(chart.svg(found.grown), encoding="utf-8")
    print(out / "performance.md")


if __name__ == "__main__":
    main()
