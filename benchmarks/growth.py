"""How time and memory grow: every stage in a process of its own, against rows, stores, SKUs, categories and need states."""

from __future__ import annotations

import json
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
LEAST_SECONDS, LEAST_MB = (
    0.25,
    20.0,
)  # of the largest size, and beyond the smallest: below it nothing is said of an exponent


class Grown(NamedTuple):
    """What a stage took at each size of one thing: seconds of its build, and its process's peak memory in MB."""

    what: str
    stage: str
    sizes: list[int]
    seconds: list[float]
    peaks: list[float]

    @property
    def time_exponent(self) -> float | None:
        """b in seconds = a x size^b, least squares on logarithms; None where it takes too little time to say."""
        return exponent(self.sizes, self.seconds) if self.seconds[-1] >= LEAST_SECONDS else None

    @property
    def memory_exponent(self) -> float | None:
        """The same of the peak memory; None where it hardly grew."""
        return exponent(self.sizes, self.peaks) if self.peaks[-1] - self.peaks[0] >= LEAST_MB else None


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of the logarithm of the values over that of the sizes, by least squares."""
    x, y = [math.log(size) for size in sizes], [math.log(max(value, 1e-3)) for value in values]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return above / sum((a - middle_x) ** 2 for a in x)


def measure(place: Path, size: str) -> list[Grown]:
    base = BASE[size]
    first = _stages(place / "base", base)
    found = []
    for what, times in TIMES[size].items():
        shapes = [{**base, what: base[what] * by} for by in times]
        costs = [first, *(_stages(place / f"{what}-{shape[what]}", shape) for shape in shapes)]
        sizes = [_size(what, shape) for shape in (base, *shapes)]
        for stage in STAGES:
            seconds, peaks = zip(*(cost[stage] for cost in costs), strict=True)
            found.append(Grown(TITLES[what], stage, sizes, list(seconds), list(peaks)))
    return found


def _size(what: str, shape: dict[str, int]) -> int:
    if what != "weeks":
        return shape[what]
    return shape["stores"] * shape["categories"] * shape["skus"] * shape["weeks"]


def _stages(home: Path, shape: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Seconds and peak memory by stage of a first build."""
    project = Project(home, **shape)
    found = {}
    for stage in STAGES:
        cost = run(project.luigi(stage))
        found[stage] = (_seconds(project, stage), cost.peak_mb)
    shutil.rmtree(home)
    return found


def _seconds(project: Project, stage: str) -> float:
    """What the traces say that the stage took, and, of the one that asks for a task per category, each of these."""
    names = [_snake(stage)] + (["cluster_category-*"] if stage == "InternalClustering" else [])
    traces = project.home / "outputs" / "dev" / ".trace"
    return sum(json.loads(path.read_bytes())["seconds"] for name in names for path in traces.glob(f"{name}.json"))


def _snake(stage: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in stage).lstrip("_")
