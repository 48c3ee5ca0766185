"""Which sets are measured with which methods, and the results, kept one by one so that a run can go on where it ended."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from benchmarks.quality import planted, yardstick
from benchmarks.quality.methods import DEFAULTS, ORACLE, measured

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]
OURS, YARDSTICK = "ours", "yardstick"
KS = (5, 1, 3, 7, 2, 4, 6, 8)  # the order in which they are measured


class Measurement(NamedTuple):
    """One method on one set."""

    source: str
    level: str
    k: int
    seed: int
    method: str


def _ks(level: str) -> Collection[int]:
    if level == "gradient":
        return (1,)
    return range(1, 9) if level in ("easy", "medium", "hard") else range(2, 9)


def plan(source: str, seeds: Iterable[int], methods: Iterable[str]) -> Iterator[Measurement]:
    """Seed by seed and k by k, so that what is done when a run ends early covers every level."""
    chosen = list(methods)
    for seed in seeds:
        for k in KS:
            for level in (name for name in planted.LEVELS if k in _ks(name)):
                yield from (Measurement(source, level, k, seed, one) for one in chosen if _serves(one, k))


def plan_without_clusters(source: str, seeds: Iterable[int]) -> Iterator[Measurement]:
    """Further sets without clusters, for the defaults alone: a share near 1 needs many of them, and they are quickly measured."""
    for seed in seeds:
        for level in ("easy", "medium", "hard", "gradient"):
            yield Measurement(source, level, 1, seed, DEFAULTS)


def _serves(method: str, k: int) -> bool:
    """What has to be known: the oracle's figures at k = 1 say nothing."""
    return method != ORACLE or k > 1


def code() -> str:
    """What the results depend on: the text of core and settings, and of the benchmark's sets and methods."""
    folders = ("pipeline/core", "pipeline/settings")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    files += [Path(__file__).parent / name for name in ("planted.py", "methods.py", "yardstick.py")]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]


def run(measurements: Iterable[Measurement], kept: Path, seconds: float | None = None) -> pd.DataFrame:
    """Measure what is not yet known, and give everything that is known of this code.

    Parameters
    ----------
    measurements : in the order in which they are made
    kept : the JSON lines, one per measurement; appended to
    seconds : when to stop making new ones; None: when all are made
    """
    mark, began = code(), time.monotonic()
    wanted = list(measurements)
    known = {_key(row) for row in _read(kept) if row["code"] == mark}
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as lines:
        for one in wanted:
            if one in known:
                continue
            if seconds is not None and time.monotonic() - began > seconds:
                print(f"stopped after {seconds:.0f} s; start again to go on", file=sys.stderr)
                break
            make = yardstick.planted if one.source == YARDSTICK else planted.planted
            found = measured(make(level=one.level, k=one.k, seed=one.seed), one.method)
            lines.write(json.dumps({**one._asdict(), **found, "code": mark}) + "\n")
            lines.flush()
    asked = set(wanted)
    rows = [row for row in _read(kept) if row["code"] == mark and _key(row) in asked]
    return pd.DataFrame(rows, columns=[*Measurement._fields, "true_k", "found_k", "ari", "verdict", "said"])


def _key(row: dict[str, Any]) -> Measurement:
    return Measurement(*(row[name] for name in Measurement._fields))


def _read(kept: Path) -> list[dict[str, Any]]:
    if not kept.exists():
        return []
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
