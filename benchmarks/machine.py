"""What was measured on: the machine, its load, the versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

LIBRARIES = ("duckdb", "luigi", "numpy", "pandas", "pyarrow", "scikit-learn")


def facts() -> list[str]:
    """A line each."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return [
        f"{os.cpu_count()} processors ({cpu or platform.processor() or 'unknown'}), {memory:.0f} GB of memory, {platform.system()}",
        f"Python {platform.python_version()}, {versions}",
    ]


def load() -> str:
    """How many processes wanted a processor over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
