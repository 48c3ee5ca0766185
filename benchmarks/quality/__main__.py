"""uv run python -m benchmarks.quality [--quick] [--seeds A-B]: measure, and write docs/quality.md."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

from benchmarks.quality import yardstick
from benchmarks.quality.labelled import SETS, parity
from benchmarks.quality.methods import COMPARED, VARIED
from benchmarks.quality.planned import OURS, ROOT, YARDSTICK, plan, run
from benchmarks.quality.written import page


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.quality", description=__doc__)
    parser.add_argument(
        "--seeds", type=_seeds, default=_seeds("400-404"), help="seeds of our own sets (default: 400-404)"
    )
    parser.add_argument(
        "--yardstick-seeds", type=_seeds, default=_seeds("0-9"), help="of the yardstick's (default: 0-9)"
    )
    parser.add_argument(
        "--varied-seeds", type=int, default=1, help="how many of the seeds get one setting changed at a time"
    )
    parser.add_argument("--quick", action="store_true", help="two sets and one labelled set: does the benchmark work?")
    parser.add_argument(
        "--labelled", nargs="*", choices=SETS, default=list(SETS), help="which labelled sets (default: all)"
    )
    parser.add_argument("--seconds", type=float, help="make no new measurement after so long")
    parser.add_argument(
        "--kept", type=Path, default=ROOT / "benchmarks" / "results" / "quality.jsonl", help="the results"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "quality.md", help="the page to write")
    return parser.parse_args()


def main() -> None:
    told = _arguments()
    if told.quick:
        measurements = itertools.islice(plan(OURS, told.seeds[:1], COMPARED), 8)
        labelled = ["iris"]
    else:
        plans = [plan(OURS, told.seeds, COMPARED)]
        if yardstick.is_there():
            plans.append(plan(YARDSTICK, told.yardstick_seeds, COMPARED))
        plans.append(plan(OURS, told.seeds[: told.varied_seeds], VARIED))
        measurements = itertools.chain(*plans)
        labelled = told.labelled
    results = run(measurements, told.kept, told.seconds)
    told.out.write_text(page(results, map(parity, labelled)), encoding="utf-8")
    print(f"{told.out}: {len(results)} measurements")


if __name__ == "__main__":
    main()
