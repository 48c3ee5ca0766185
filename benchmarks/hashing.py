"""python -m benchmarks.hashing [GB [FOLDER]]: SHA-256 beside BLAKE3 and XXH3-128, on a file in memory and one on the disk; and side by side.

BLAKE3 and XXH3 are no dependencies: `uv run --with blake3 --with xxhash python -m benchmarks.hashing`. Those that are not installed
have no line.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.written import markdown

TIMES = 3
PARTS = 4  # files that are hashed side by side


def hashes() -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "SHA-256", hashlib.sha256
    yield "BLAKE2b", hashlib.blake2b
    for name, module, maker in (("BLAKE3", "blake3", "blake3"), ("XXH3-128", "xxhash", "xxh3_128")):
        if importlib.util.find_spec(module):
            yield name, getattr(importlib.import_module(module), maker)


def digest(path: Path, make: Callable[[], Any]) -> str:
    """As `pipeline.freshness.fingerprints.content` reads."""
    found = make()
    buffer = memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            found.update(buffer[:count])
    return str(found.hexdigest())


def read(path: Path) -> None:
    buffer = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def forget(path: Path) -> None:
    """Have the system drop what it holds of the file in memory, so that it is read from the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def speed(size: int, work: Callable[[], object], before: Callable[[], None]) -> float:
    """The best of some runs, in GB/s."""
    found = []
    for _ in range(TIMES):
        before()
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return size / min(found) / 1e9


def table(gigabytes: float, folder: Path) -> str:
    paths = _written(folder, int(gigabytes * 1e9) // PARTS)
    first, size = paths[0], paths[0].stat().st_size

    def measured(name: str, work: Callable[[Path], object], *, apart: bool) -> list[str]:
        def side_by_side() -> None:
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                list(pool.map(work, paths))

        work(first)
        in_memory = speed(size, lambda: work(first), lambda: None)
        from_disk = speed(size, lambda: work(first), lambda: forget(first))
        together = f"{speed(PARTS * size, side_by_side, lambda: None):.2f}" if apart else "-"
        return [name, f"{in_memory:.2f}", f"{from_disk:.2f}", together]

    rows = [measured("reading alone", read, apart=False)]
    rows += [measured(name, partial(digest, make=make), apart=True) for name, make in hashes()]
    return markdown(
        ["", "in memory, GB/s", "from the disk, GB/s", f"{PARTS} files side by side, in memory, GB/s"], rows
    )


def _written(folder: Path, size: int) -> list[Path]:
    block = os.urandom(1 << 20)
    paths = [folder / str(number) for number in range(PARTS)]
    for path in paths:
        with path.open("wb") as file:
            for _ in range(size // len(block)):
                file.write(block)
    return paths


def main() -> None:
    gigabytes, place = sys.argv[1] if len(sys.argv) > 1 else "1", sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        print(table(float(gigabytes), Path(folder)), end="")


if __name__ == "__main__":
    main()
