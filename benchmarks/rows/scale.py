"""Many categories of many stores: a second worker, one category changed, and the choice of k beside scikit-learn."""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.found import Row, same
from benchmarks.processes import Command, Cost, Middle, in_cpu, interleaved, python, ratio, run
from benchmarks.project import Project

SHAPE = {
    "quick": {"categories": 3, "stores": 40, "skus": 12, "weeks": 1},
    "default": {"categories": 10, "stores": 1000, "skus": 10, "weeks": 8},
    "full": {"categories": 100, "stores": 1000, "skus": 10, "weeks": 50},
}
STORES = {"quick": 200, "default": 5000, "full": 5000}
TIMES = {"quick": 1, "default": 1, "full": 3}
CATEGORY_JOB = "Merging"  # which builds the clustering and the merging of each category
WHY_WORKERS = """summing the sales, the outside data, the chain, database, report and workbook are one task each; beside them a second worker has the
categories to work on only as long as they last."""
WHY_CHANGED = (
    """the sales are summed again, for which all rows are read; the tables of all categories are joined again."""
)
WHY_SWEEP = (
    """a mixture with factors, noise and tails is fitted where the loop has k-means, and both nulls are tested."""
)


def measure(place: Path, size: str) -> list[Row]:
    shape = SHAPE[size]
    project, second = (Project(place / name, **shape) for name in ("one", "two"))
    costs = interleaved(
        {
            "full run, one worker": project.luigi("FullPipeline", "--workers", "1", before=project.cold),
            "full run, two workers": second.luigi("FullPipeline", "--workers", "2", before=second.cold),
        },
        TIMES[size],
        warm_up=0,
    )
    one, two = costs.values()
    same("one and two workers", second.targets(), project.targets())
    shown = f"{shape['categories']} categories of {shape['stores']:,} stores"
    return [
        Row(
            f"full run, {shown}, two workers",
            "one worker",
            0.55,
            ratio(two, one),
            "x",
            f"{len(project.targets())} targets are the same, byte for byte",
            costs,
            in_cpu(two, one),
            WHY_WORKERS,
        ),
        _changed(project, place / "alone", shape, TIMES[size]),
        *_sweep(STORES[size], TIMES[size]),
    ]


def _changed(project: Project, home: Path, shape: dict[str, int], times: int) -> Row:
    """One category has other sales in every turn; beside a project that has no other category."""
    alone = Project(home, **{**shape, "categories": 1})
    turn = 0

    def change() -> None:
        nonlocal turn
        turn += 1
        options = {**shape, "changed_category": turn}
        run(python("data", project.home / "data" / "raw", *(f"--{name}={value}" for name, value in options.items())))

    costs = interleaved(
        {
            "one category changed": Command(project.luigi(CATEGORY_JOB).words, project.home, change),
            "that category alone": alone.luigi(CATEGORY_JOB, before=alone.cold),
        },
        times,
        warm_up=0,
    )
    changed, cold = costs.values()
    built = project.targets()
    run(project.luigi(CATEGORY_JOB, before=project.cold))
    same("a run after the change, and a cold run", {path: built[path] for path in project.targets()}, project.targets())
    return Row(
        f"one category of {shape['categories']} changed, up to `{CATEGORY_JOB}`, CPU",
        "a cold run of that category alone",
        1.5,
        ratio(changed, cold, "cpu"),
        "x",
        f"{len(project.targets())} targets are those of a cold run on the same raw files, byte for byte",
        costs,
        "both with the start and the outside data or the looking for what changed",
        WHY_CHANGED,
    )


def _sweep(n: int, times: int) -> list[Row]:
    """The choice of k of planted stores: ours is a mixture with more to it, and what each loop has is said."""
    (largest,) = {run(python("plain_sweep", "ours", n, 0)).told["largest"]}
    costs = interleaved(
        {f"choice of k, {way}": python("plain_sweep", way, n, largest) for way in ("ours", "loop", "fits")},
        times,
        warm_up=0,
    )
    ours, loop, fits = costs.values()
    kinds = {
        "with as many resamples for every k": (loop, 0.12),
        "k-means and indices alone, no resamples": (fits, None),
    }
    agreement = f"ARI with the planted clusters: ours {_ari(ours)}, the loop's best silhouette {_ari(loop)}"
    return [
        Row(
            f"choice of k, 1 to {largest}, {n:,} stores x 9 features, CPU",
            f"a scikit-learn loop, 10 starts each, {what}",
            goal,
            Middle.of([one.told["cpu"] / other.told["cpu"] for one, other in zip(ours, theirs, strict=True)]),
            "x",
            agreement,
            costs,
            "without the start of Python and the imports; the same range of k",
            WHY_SWEEP,
        )
        for what, (theirs, goal) in kinds.items()
    ]


def _ari(costs: list[Cost]) -> float:
    return float(statistics.median(cost.told["ari"] for cost in costs))
