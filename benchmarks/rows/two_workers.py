"""40 categories with two workers, beside one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.found import Row, same
from benchmarks.processes import in_cpu, interleaved, ratio
from benchmarks.project import Project

SHAPE = {
    "quick": {"categories": 4, "stores": 30, "skus": 12, "weeks": 1},
    "default": {"categories": 40, "stores": 300, "skus": 24, "weeks": 4},
    "full": {"categories": 40, "stores": 1000, "skus": 60, "weeks": 8},
}
WHY = """the start, the preprocessing and the joins are one process either way. Tried, and kept: the tasks per category share a process per worker, so that what
they touch of the parent's 300 MB is copied once and not for each of them (ten thousand page faults); one thread per library, so that none spins
beside the other worker; an allocator that keeps what is freed; importing what computes before the fork. Tried, without gain: switching the
garbage collector off in the workers."""
TIMES = {"quick": 1, "default": 3, "full": 5}


def measure(place: Path, size: str) -> list[Row]:
    shape = SHAPE[size]
    one, two = (Project(place / name, **shape) for name in ("one", "two"))
    job = "InternalClustering"
    costs = interleaved(
        {
            "one worker": one.luigi(job, "--workers", "1", before=one.cold),
            "two workers": two.luigi(job, "--workers", "2", before=two.cold),
        },
        TIMES[size],
        warm_up=0,
    )
    same("one and two workers", two.targets(), one.targets())
    return [
        Row(
            f"{shape['categories']} categories of {shape['stores']} stores, two workers",
            "one worker",
            0.55,
            ratio(costs["two workers"], costs["one worker"]),
            "x",
            f"{len(one.targets())} targets are the same, byte for byte",
            costs,
            f"cold, `{job}`: the preprocessing and the start, which no second worker shortens, are part of both; "
            + in_cpu(costs["two workers"], costs["one worker"]),
            WHY,
        )
    ]
