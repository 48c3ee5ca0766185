"""Nothing to do: every target is fresh, and all that a command does is to find that out."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.found import Row, same
from benchmarks.processes import Command, in_cpu, interleaved, ratio
from benchmarks.project import Project

TIMES = {"quick": 2, "default": 15, "full": 41}
IMPORT = 'python -c "import luigi"'
WHY = """beyond importing Luigi, more than half is Luigi's own command, which builds its parser three times from every task there
is; the rest is in equal parts the import of the tasks and the look at the traces. Tried, and kept: parameters, modules, folders, names
and stats looked up once; what plants sample data, sends alerts or builds imported when needed; and no looking for garbage in what was
imported, neither on the way nor as the process ends, which is a fifth of it."""
PARITY = "both say that nothing was built, and no target changed"


def measure(place: Path, size: str) -> list[Row]:
    project = Project(place / "sample").built()
    before = project.targets()
    costs = interleaved(
        {
            IMPORT: Command([sys.executable, "-c", "import luigi"]),
            "luigi": project.luigi(),
            "store-clustering run": project.run(),
        },
        TIMES[size],
    )
    same("nothing to do", ["Did not run any tasks" in cost.said for cost in costs["luigi"]], [True] * TIMES[size])
    same(
        "nothing to do", ["nothing to do" in cost.said for cost in costs["store-clustering run"]], [True] * TIMES[size]
    )
    same("nothing to do", project.targets(), before)
    return [
        Row(
            f"nothing to do, `{name}`, the sample data",
            f"`{IMPORT}`",
            goal,
            ratio(costs[name], costs[IMPORT]),
            "x",
            PARITY,
            {name: costs[name], IMPORT: costs[IMPORT]},
            in_cpu(costs[name], costs[IMPORT]),
            WHY,
        )
        for name, goal in (("luigi", 1.7), ("store-clustering run", 1.5))
    ]
