"""What the proofs tried, kept where `pytest --reliability FOLDER` asks for it, and put together into docs/reliability.md:

uv run python tests/proofs/reliability.py FOLDER
"""

from __future__ import annotations

import json
import platform
import re
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = """# What was tried to break it

Written by `tests/proofs/reliability.py` from what the suite counted; `.ci/nightly` runs all of it. Nothing here is about power loss:
a killed process loses nothing that the kernel was told, so that no kill can tell whether a `fsync` was needed. That they are made,
in which order, and that an error of one is an error of the run, is all that is tested. Nor are network file systems or Windows.

"""
COUNTS = """## Counts

| proof | tried and held |
|---|---|
"""
ROWS = """
## What others do not see

What three rules say of the same change: a target is done because it *exists* (Luigi's own rule), because it *is newer* than what
it was made from (Make's), or because its trace holds (here). Each row is a test of `tests/proofs/test_blind_spots.py`, which asks all
three.

| change | exists | is newer | here |
|---|---|---|---|
"""


def add(config: pytest.Config, proof: str, counts: Mapping[str, int]) -> None:
    """Keep these counts of a proof; those of its other parts are added to them."""
    _keep(config, {"proof": proof, "counts": dict(counts)})


def row(config: pytest.Config, change: str, said: Mapping[str, str], test: str) -> None:
    """Keep what each rule says of a change; the last one is what is right."""
    _keep(config, {"change": change, "said": dict(said), "test": test})


def _keep(config: pytest.Config, told: Mapping[str, Any]) -> None:
    folder = config.getoption("--reliability")
    if folder is not None:
        name = re.sub(r"[^a-z0-9]+", "-", str(next(iter(told.values()))).lower()).strip("-")
        path = Path(folder) / f"{name[:60]}-{uuid.uuid4().hex[:8]}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told))


def page(folder: Path) -> str:
    """The page, from what was kept in the folder."""
    told = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    counts: dict[str, dict[str, int]] = {}
    for one in told:
        for name, number in one.get("counts", {}).items():
            known = counts.setdefault(one["proof"], {})
            known[name] = known.get(name, 0) + number
    lines = [
        f"| {proof} | {', '.join(f'{number} {name}' for name, number in found.items())} |\n"
        for proof, found in sorted(counts.items())
    ]
    rows = {
        one["change"]: f"| {one['change']} | {' | '.join(one['said'].values())} |\n" for one in told if "change" in one
    }
    made = f"\nOn Python {platform.python_version()}, {platform.system()} {platform.release()}.\n"
    return HEAD + COUNTS + "".join(lines) + made + ROWS + "".join(rows[change] for change in sorted(rows))


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1])))
    print(PAGE)
