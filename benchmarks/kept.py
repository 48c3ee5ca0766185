"""What a run found, kept in a file, so that the page can be written again without measuring again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.found import Row
from benchmarks.growth import Grown
from benchmarks.processes import Cost, Middle


@dataclass
class Run:
    """All of one run: how large (`size`), on what (`machine`), the rows, the growth, the table of hashes."""

    size: str
    machine: list[str]
    rows: list[Row] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)
    hashing: str = ""

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def read(path: Path) -> Run:
    """The run that was kept there."""
    found = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        Row(
            **row
            | {
                "figure": Middle(*row["figure"]),
                "costs": {name: [Cost(*cost) for cost in costs] for name, costs in row["costs"].items()},
            }
        )
        for row in found.pop("rows")
    ]
    grown = [Grown(*one[:-1], tuple(one[-1])) for one in found.pop("grown")]
    return Run(rows=rows, grown=grown, **found)
