"""How time and memory grow: every stage in a process of its own, against rows, stores, SKUs, categories and need states."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import run
from benchmarks.project import Project

STAGES = (
    "InternalPreprocessing",
    "InternalClustering",
    "ChainClustering",
    "ChainAgreement",
    "ExternalPreprocessing",
    "ExternalClustering",
    "Merging",
    "Migrations",
    "AssignmentModel",
    "Warehouse",
    "Report",
    "Workbook",
)
BASE = {
    "quick": {"stores": 20, "categories": 2, "skus": 8, "need_states": 3, "weeks": 1},
    "default": {"stores": 100, "categories": 3, "skus": 48, "need_states": 6, "weeks": 8},
    "full": {"stores": 500, "categories": 8, "skus": 100, "need_states": 8, "weeks": 26},
}
# What is multiplied, and by how much; the least size is the base's, and the same for all.
TIMES = {
    "quick": {"weeks": (2, 4)},
    "default": {"weeks": (8, 64), "stores": (3, 9), "skus": (4, 16), "categories": (3, 9), "need_states": (3, 9)},
    "full": {"weeks": (8, 64), "stores": (6, 36), "skus": (4, 16), "categories": (5, 25), "need_states": (3, 9)},
}
TITLES = {
    "weeks": "rows of sales",
    "stores": "stores",
    "skus": "SKUs of a category",
    "categories": "categories",
    "need_states": "need states of a category",
}
LEAST_SECONDS, LEAST_MB = 0.2, 10.0  # beyond the start, at the second size: with less, nothing is said of an exponent


class Grown(NamedTuple):
    """What a stage took at each size of one thing, beyond its start, which is what it takes with hardly any data.

    `seconds` of processor and `peaks` of memory in MB are those of the process; `start` is both of the smallest project.
    """

    what: str
    stage: str
    sizes: list[int]
    seconds: list[float]
    peaks: list[float]
    start: tuple[float, float]

    @property
    def time_exponent(self) -> float | None:
        """b in seconds beyond the start = a x size^b, between the two larger sizes; None where there is too little to say."""
        return exponent(self.sizes, [second - self.start[0] for second in self.seconds], LEAST_SECONDS)

    @property
    def memory_exponent(self) -> float | None:
        """The same of the peak memory."""
        return exponent(self.sizes, [peak - self.start[1] for peak in self.peaks], LEAST_MB)


def exponent(sizes: Sequence[float], values: Sequence[float], least: float) -> float | None:
    """The slope of the logarithm of the values over that of the sizes between the last two; None below the least value."""
    (size, larger), (value, grown) = sizes[-2:], values[-2:]
    if min(value, grown) < least:
        return None
    return math.log(grown / value) / math.log(larger / size)


def measure(place: Path, size: str) -> list[Grown]:
    start, first = _stages(place / "start", BASE["quick"]), _stages(place / "base", BASE[size])
    found = []
    for what, times in TIMES[size].items():
        shapes = [{**BASE[size], what: BASE[size][what] * by} for by in times]
        costs = [first, *(_stages(place / f"{what}-{shape[what]}", shape) for shape in shapes)]
        sizes = [_size(what, shape) for shape in (BASE[size], *shapes)]
        for stage in STAGES:
            seconds, peaks = zip(*(cost[stage] for cost in costs), strict=True)
            found.append(Grown(TITLES[what], stage, sizes, list(seconds), list(peaks), start[stage]))
    return found


def _size(what: str, shape: dict[str, int]) -> int:
    if what != "weeks":
        return shape[what]
    return shape["stores"] * shape["categories"] * shape["skus"] * shape["weeks"]


def _stages(home: Path, shape: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Seconds of processor and peak memory by stage of a first build, each stage in a process of its own."""
    project = Project(home, **shape)
    found = {}
    for stage in STAGES:
        cost = run(project.luigi(stage))
        found[stage] = (cost.cpu, cost.peak_mb)
    shutil.rmtree(home)
    return found
