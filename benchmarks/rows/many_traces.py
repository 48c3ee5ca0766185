"""Nothing to do where there are 500 categories, each with a trace: what that costs beyond four categories."""

from __future__ import annotations

from pathlib import Path

from benchmarks.found import Row, same
from benchmarks.processes import Middle, interleaved
from benchmarks.project import Project

CATEGORIES = {"quick": 20, "default": 500, "full": 500}
TIMES = {"quick": 2, "default": 9, "full": 31}
WHY = """six thousand files are looked at by stat, and the memory of as many is read. Tried, and kept: where the stats of all that the
tasks of the categories read and wrote are those of the last full look, no task of a category is made and no trace of one is read."""
JOB = "InternalClustering"  # what asks for a task per category
GOAL = 60.0  # ms for 500


def measure(place: Path, size: str) -> list[Row]:
    many = CATEGORIES[size]
    # Twelve stores are too few for two clusters: the traces are real, and quickly built.
    shape = {"stores": 12, "skus": 4, "need_states": 3, "weeks": 1}
    few = Project(place / "few", categories=4, **shape).built(JOB)
    project = Project(place / "many", categories=many, **shape).built(JOB)
    traces = len(list((project.home / "outputs" / "dev" / ".trace").glob("cluster_category-*.json")))
    same("traces of categories", traces, many)
    found = []
    for program in ("luigi", "run"):
        costs = interleaved({"few": getattr(few, program)(JOB), "many": getattr(project, program)(JOB)}, TIMES[size])
        said = {"luigi": "Did not run any tasks", "run": "nothing to do"}[program]
        same("nothing to do", [said in cost.said for cost in costs["many"]], [True] * TIMES[size])
        extra = [1000 * (more.wall - one.wall) for one, more in zip(costs["few"], costs["many"], strict=True)]
        name = {"luigi": "luigi", "run": "store-clustering run"}[program]
        found.append(
            Row(
                f"{many} category traces, `{name}`, {JOB}",
                "the same with 4 categories",
                GOAL if many == 500 else None,
                Middle.of(extra),
                "ms",
                f"it says that nothing was built; {traces} traces of categories are there",
                {f"{name}, 4 categories": costs["few"], f"{name}, {many} categories": costs["many"]},
                f"in CPU {Middle.of([1000 * (b.cpu - a.cpu) for a, b in zip(costs['few'], costs['many'], strict=True)]).median:,.0f} ms",
                WHY,
            )
        )
    return found
