"""What the proofs tried, kept where `pytest --reliability FOLDER` asks for it, and put together into docs/reliability.md:

uv run python tests/proofs/reliability.py FOLDER

A test counts with `add`, or tells a row of a table with `row`, each under a section of the page; a section that is not in
`SECTIONS` comes last, without an introduction. A test that runs again replaces what it told before. A proof that nothing in the folder
tells of keeps the row that it has on the page, with its old date and commit: the page can be written from a part of the suite.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
JUDGED = Path(__file__).with_name("survivors.toml")
HEAD = """# What was tried to break it

Written by `tests/proofs/reliability.py` from what the suite counted: `.ci/nightly` runs all of it and writes this page anew; a run
of some of the proofs renews their rows, and leaves the others. Every count is of what was really run, on the days and at the
commits that stand beside it; `held` is how often nothing was amiss.

"""
INPUT = "Bad and hostile input"
FRESHNESS = "Freshness, kills and faults"
BLIND_SPOTS = "What others do not see"
MUTANTS = "Mutants of the code that decides what is fresh"
CORE_MUTANTS = "Mutants of the code that computes"
SECTIONS = {
    FRESHNESS: """After each of these, every target is old and complete or new and complete, nothing stale is taken for fresh, and the next run ends
with the bytes of one that nobody disturbed.

Nothing here is about power loss: a killed process loses nothing that the kernel was told, so `kill -9` cannot test `fsync`, and
nothing is claimed of what a power cut leaves. That `fsync` is called, in which order, and that its error is an error of the run, is
all that is tested. Nor is anything claimed of network file systems or of Windows.
""",
    BLIND_SPOTS: """What three rules say of the same change: a target is done because it *exists* (Luigi's own rule), because it *is newer* than what it
was made from (Make's), or because its trace holds (here). Each row is what a test of `tests/proofs/test_blind_spots.py` saw when it
asked all three.
""",
    INPUT: """Raw files, settings, command lines and outputs that are wrong, by accident or on purpose: read by a documented rule, or refused in one line
with nothing published; never a traceback, a hang, or a result that is wrong in silence. Each row is counted by the tests of
`tests/hostile/`.

What nobody can find: a flipped bit in a file without checksums, in the footer of a Parquet file or in the headers of its pages, that leaves
a valid file. Whoever can write to the outputs can also forge the memory of content hashes; `status --verify` reads every file all the
same. Not tested here: Windows, network file systems, file systems that fold upper and lower case.
""",
    MUTANTS: """`pipeline/freshness/` with one small fault at a time, put there by `tests/proofs/mutants.py`: a mutant is killed if a test fails.
The mutants that survive are read, one by one; what was found is `tests/proofs/survivors.toml`.
""",
    CORE_MUTANTS: """The same for `pipeline/core/`, where a mutant is tried on the tests of `tests/core/` that call the function it is in. There are too many
to try each: a sample is drawn, the same one every time, and tried as long as there is time.
""",
}
COUNTED = ["proof", "counts", "dates", "commits"]

Table = tuple[list[str], list[list[str]]]  # headings, rows

_told: Counter[str] = Counter()


def add(config: pytest.Config, proof: str, counts: Mapping[str, int], section: str = FRESHNESS) -> None:
    """Keep these counts of a proof; those of its other parts are added to them."""
    _keep(config, {"section": section, "proof": proof, "counts": dict(counts)})


def row(config: pytest.Config, section: str, cells: Mapping[str, str]) -> None:
    """Keep a row of the section's table: text by column. The rows of a section have the same columns, and are sorted."""
    _keep(config, {"section": section, "row": dict(cells)})


def _keep(config: pytest.Config, told: Mapping[str, Any]) -> None:
    folder = config.getoption("--reliability")
    if folder is not None:
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        _told[test] += 1
        keep(Path(folder), f"{test} {_told[test]}", told)


def keep(folder: Path, name: str, told: Mapping[str, Any]) -> None:
    """Keep what was told under a name; what was told under it before is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
    path.write_text(json.dumps({"name": name, **told, **surroundings()}))


@cache
def surroundings() -> dict[str, str]:
    """When, of which commit and on what something was tried."""
    described = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    found = subprocess.run(described, capture_output=True, text=True)
    return {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "commit": found.stdout.strip() or "unknown",
        "machine": f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}",
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def page(folder: Path, before: str = "") -> str:
    """The page, from what was kept in the folder, and from the page before for what nothing was kept of."""
    judged = judgements()
    told = [_judged(json.loads(path.read_text()), judged) for path in sorted(folder.glob("*.json"))]
    old = _sections(before)
    names = dict.fromkeys([*SECTIONS, *sorted({*old, *(one["section"] for one in told)})])
    machines = {one["machine"] for one in told} | set(re.findall(r"^Machine: (.+)\.$", before, flags=re.MULTILINE))
    made = "".join(f"Machine: {machine}.\n" for machine in sorted(machines))
    return (
        HEAD
        + made
        + "".join(_section(name, [one for one in told if one["section"] == name], old.get(name, [])) for name in names)
    )


def judgements() -> dict[str, str]:
    """What was found on reading the mutants that survived, by mutant."""
    return {one["mutant"]: one["judgement"] for one in tomllib.loads(JUDGED.read_text())["survivor"]}


def _judged(one: dict[str, Any], judged: Mapping[str, str]) -> dict[str, Any]:
    """A survivor's row with what is said of it now: it may have been read since."""
    survivor = one.get("row", {}).get("survivor")
    if survivor is not None:
        one["row"]["judgement"] = judged.get(survivor.strip("`"), "not judged")
    return one


def _sections(text: str) -> dict[str, list[Table]]:
    """The tables of each section of a page."""
    found: dict[str, list[Table]] = {}
    for part in text.split("\n## ")[1:]:
        name, _, below = part.partition("\n")
        tables = re.findall(r"(?:^\|.*\|\n)+", below + "\n", flags=re.MULTILINE)
        found[name] = [(heading, rows) for heading, _, *rows in map(_cells, tables)]
    return found


def _cells(table: str) -> list[list[str]]:
    lines = (line.removeprefix("| ").removesuffix(" |") for line in table.splitlines())
    return [[cell.replace("\\|", "|") for cell in re.split(r"(?<!\\) \| ", line)] for line in lines]


def _section(name: str, told: list[dict[str, Any]], old: list[Table]) -> str:
    counted = [one for one in told if "counts" in one]
    rows = [list(one["row"].values()) for one in told if "row" in one]
    counts = [row for columns, rows in old if columns == COUNTED for row in rows]
    others = [table for table in old if table[0] != COUNTED]
    columns = next((list(one["row"]) for one in told if "row" in one), others[0][0] if others else [])
    kept = [] if counted else [row for _, rows in others for row in rows]  # rows beside counts are of what was counted
    tables = [
        _table(columns, _renewed(old_rows, new_rows))
        for columns, old_rows, new_rows in ((COUNTED, counts, _counts(counted)), (columns, kept, rows))
        if old_rows or new_rows
    ]
    return "\n".join([f"\n## {name}\n", *([SECTIONS[name]] if name in SECTIONS else []), *tables]) if tables else ""


def _renewed(old: list[list[str]], new: list[list[str]]) -> list[list[str]]:
    """The rows of both in order; of what both say something of, in the first cell, the new ones."""
    anew = {row[0] for row in new}
    return sorted([*new, *(row for row in old if row[0] not in anew)])


def _counts(counted: list[dict[str, Any]]) -> list[list[str]]:
    rows = []
    for proof in sorted({one["proof"] for one in counted}):
        of_it = [one for one in counted if one["proof"] == proof]
        sums: Counter[str] = Counter()
        for one in of_it:
            sums.update(one["counts"])
        said = ", ".join(f"{number} {name}" for name, number in sums.items())
        rows.append([proof, said, *(", ".join(sorted({one[key] for one in of_it})) for key in ("date", "commit"))])
    return rows


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1]), PAGE.read_text() if PAGE.is_file() else ""))
    print(PAGE)
