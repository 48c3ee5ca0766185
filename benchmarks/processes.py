"""What a command costs as a whole process: wall and CPU seconds of it and all that it starts, and its peak memory.

This process imports nothing large: Linux counts the memory of whoever starts a process as that process's own peak.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent


class Cost(NamedTuple):
    """Of one run: seconds, seconds of processor, the largest resident set of any one process in MB, and what it printed."""

    wall: float
    cpu: float
    peak_mb: float
    said: str

    @property
    def told(self) -> dict[str, Any]:
        """The JSON object that the last line is."""
        found: dict[str, Any] = json.loads(self.said.strip().splitlines()[-1])
        return found


@dataclass(frozen=True)
class Command:
    """A command line, where it is run, and what has to be done before each run of it, which is not measured."""

    words: Sequence[str]
    home: Path = ROOT
    before: Callable[[], None] = field(default=lambda: None)


def python(module: str, *words: object) -> Command:
    """A module of this package, in a process of its own."""
    return Command([sys.executable, "-m", f"benchmarks.{module}", *map(str, words)])


def run(command: Command) -> Cost:
    """Run a command to its end.

    Raises
    ------
    SystemExit : it did not end with 0; says what it printed last.
    """
    command.before()
    own = {"STORE_CLUSTERING_HOME": str(command.home), "PYTHONPATH": str(ROOT)}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.words, cwd=command.home, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command.words)}: exit code {process.returncode}\n{text[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text)


def interleaved(commands: Mapping[str, Command], times: int, warm_up: int = 1) -> dict[str, list[Cost]]:
    """Run all commands in turn, again and again, so that a machine whose speed drifts is as fast for each of them."""
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(warm_up + times):
        for name, command in commands.items():
            cost = run(command)
            if turn >= warm_up:
                found[name].append(cost)
    return found


class Middle(NamedTuple):
    """The median, and the least and largest, of what was measured in each turn."""

    median: float
    least: float
    largest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Middle:
        return cls(statistics.median(values), min(values), max(values))


def in_cpu(costs: Sequence[Cost], yardstick: Sequence[Cost]) -> str:
    """The same ratio of seconds of processor, which hardly depends on what else the machine does."""
    return f"in CPU {ratio(costs, yardstick, 'cpu').median:.2f} x"


def ratio(costs: Sequence[Cost], yardstick: Sequence[Cost], figure: str = "wall") -> Middle:
    """How many times the yardstick, turn by turn."""
    pairs = zip(costs, yardstick, strict=True)
    return Middle.of([getattr(one, figure) / getattr(other, figure) for one, other in pairs])
