"""uv run python -m benchmarks.quality [--quick] [--seeds A-B]: measure, and write docs/quality.md."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

from benchmarks.quality import real, yardstick
from benchmarks.quality.labelled import PLANTED, SETS, chosen, parity
from benchmarks.quality.labels import kept
from benchmarks.quality.methods import COMPARED, DEFAULTS, ORACLE
from benchmarks.quality.planned import OURS, ROOT, YARDSTICK, plan, plan_without_clusters, run
from benchmarks.quality.written import page


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.quality", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=_seeds("400-402"), help="of our own sets (default: 400-402)")
    parser.add_argument(
        "--yardstick-seeds", type=_seeds, default=_seeds("400-402"), help="of the yardstick's (default: 400-402)"
    )
    parser.add_argument(
        "--further-seeds", type=_seeds, default=_seeds("500-524"), help="of sets without clusters (default: 500-524)"
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
    files = None if told.quick else real.raw()
    if told.quick:
        measurements = itertools.islice(plan(OURS, told.seeds[:1], COMPARED), 8)
        labelled = ["iris"]
    else:
        sources = [(OURS, told.seeds), *([(YARDSTICK, told.yardstick_seeds)] if yardstick.is_there() else [])]
        others = [method for method in COMPARED if method not in (ORACLE, DEFAULTS)]
        plans = [plan(source, seeds, (ORACLE, DEFAULTS)) for source, seeds in sources]
        plans += [plan_without_clusters(source, told.further_seeds) for source, _ in sources]
        plans += [plan(source, seeds[:1], others) for source, seeds in sources]  # these are no goal of anybody's
        measurements = itertools.chain(*plans)
        labelled = told.labelled
    results = run(measurements, told.kept, told.seconds)
    numbers = [] if told.quick else kept(("easy", "medium"), told.seeds, (3, 4, 6))
    stores = None if files is None else real.measured(files)
    with_k_chosen = labelled if told.quick else [*labelled, *PLANTED]
    text = page(results, map(parity, labelled), numbers, stores, map(chosen, with_k_chosen))
    told.out.write_text(text, encoding="utf-8")
    print(f"{told.out}: {len(results)} measurements")


if __name__ == "__main__":
    main()
