"""A full run from raw files to database, report and workbook: beside a plain script; and after one raw file changed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.found import Row, same
from benchmarks.processes import Command, Cost, in_cpu, interleaved, python, ratio, run
from benchmarks.project import Project

SHAPE = {
    "quick": {"categories": 2, "stores": 30, "skus": 12, "weeks": 1},
    "default": {"categories": 8, "stores": 200, "skus": 60, "weeks": 26},
    "full": {"categories": 40, "stores": 1000, "skus": 100, "weeks": 52},
}
TIMES = {"quick": 1, "default": 3, "full": 5}
PLAIN = "plain script"
WHY_COLD = """the difference is what the pipeline promises and the script does not: every table is written, synced, read back and compared
(fsync waits for the disk), read again by the next stage with its checksums compared, hashed, and traced; the database is read back
whole; and a task per category publishes ten small tables of its own, which are then joined. It was brought down by looking up
parameters, modules and folders once and by reading each module's tree in one pass."""
WHY_EXTERNAL = """merging, what is made of it, database, report and workbook depend on the outside data, and are built anew; with few categories
they are most of a run."""


def measure(place: Path, size: str) -> list[Row]:
    shape = SHAPE[size]
    project = Project(place / "full", **shape)
    _leave_out_weeks(project)
    scripts = place / "plain"
    plain = python("plain_script", project.home / "data" / "raw", scripts)
    costs = interleaved({"cold": project.luigi(before=project.cold), PLAIN: plain}, TIMES[size], warm_up=0)
    compared = run(python("rows.same_clusters", project.home / "outputs" / "dev", scripts)).told
    shown = f"{shape['categories']} categories, {shape['stores']} stores, {_rows(shape):,} rows of sales"
    return [
        Row(
            f"cold full run ({shown}, their weeks not read)",
            "a plain script with the same work",
            1.05,
            ratio(costs["cold"], costs[PLAIN]),
            "x",
            f"{compared['tables']} tables, {compared['rows']:,} rows, are the same",
            costs,
            in_cpu(costs["cold"], costs[PLAIN]),
            WHY_COLD,
        ),
        _external(project, shape, costs["cold"]),
    ]


def _leave_out_weeks(project: Project) -> None:
    """The script has no weeks: what is computed with them would be work that only one side has."""
    settings = project.home / "configs" / "base.toml"
    text = settings.read_text(encoding="utf-8")
    without = text.replace(', week = "WEEK"', "")
    if without == text:
        raise ValueError(f"{settings}: no week among the columns of the sales")
    settings.write_text(without, encoding="utf-8")


def _rows(shape: dict[str, int]) -> int:
    return shape["categories"] * shape["stores"] * shape["skus"] * shape["weeks"]


def _external(project: Project, shape: dict[str, int], cold: list[Cost]) -> Row:
    """Only the external file changed: every run has other values in it."""
    before = project.targets("outputs/dev/internal_clustering")
    turn = 0

    def change() -> None:
        nonlocal turn
        turn += 1
        told = {"stores": shape["stores"], "changed": turn, "external_only": 1}
        run(python("data", project.home / "data" / "raw", *(f"--{name}={value}" for name, value in told.items())))

    changed = Command(project.luigi().words, project.home, change)
    costs = [run(changed) for _ in cold]
    same("the internal clusters", project.targets("outputs/dev/internal_clustering"), before)
    again = project.targets()
    run(project.luigi(before=project.cold))
    same("a run after the change, and a cold run", again, project.targets())
    return Row(
        "only the external file changed",
        "cold full run",
        0.5,
        ratio(costs, cold),
        "x",
        f"{len(again)} targets are those of a cold run on the same raw files, byte for byte",
        {"only the external file changed": costs, "cold": cold},
        in_cpu(costs, cold),
        WHY_EXTERNAL,
    )
