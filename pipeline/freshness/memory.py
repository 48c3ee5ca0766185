"""Facts about files, remembered by their stat, so that a file is read once per change.

A memory is not evidence: losing it only costs time. There is one file per environment, written by the leading process of a
run; if two write it, the last one wins and the facts of the other are found again.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from pipeline.storage import durable
from pipeline.storage.replacement import replacement, sweep
from pipeline.wording import is_utf8

RACY_NS = 2_000_000_000  # the clock of a file system may be this coarse, see "racy git"
_LARGE = 32_000_000  # bytes; larger files are hashed in threads, which cost as much as hashing a megabyte

Signature = tuple[int, int, int, int, int]  # device, inode, size, mtime_ns, ctime_ns
Fact = TypeVar("Fact")


class Hashed(msgspec.Struct, frozen=True, array_like=True):
    """The content hash of a file, with its stat and the time when it was hashed."""

    signature: Signature
    hashed_at: int
    hash: str


class Parsed(msgspec.Struct, frozen=True, array_like=True):
    """A parsed Python module: its fingerprint, the modules it imports and the files it names."""

    signature: Signature
    hashed_at: int
    hash: str
    imports: tuple[str, ...]
    files: tuple[str, ...]


class Installed(msgspec.Struct, frozen=True, array_like=True):
    """The versions of the libraries that compute, with the stats of their installation folders."""

    signatures: tuple[tuple[str, Signature], ...]
    hashed_at: int
    versions: dict[str, str]


class _Contents(msgspec.Struct):
    made_by: str
    hashes: dict[str, Hashed] = {}
    modules: dict[str, Parsed] = {}
    libraries: Installed | None = None
    seals: dict[str, str] = {}


def signature(path: Path | str) -> Signature:
    """The parts of a file's stat that change with its content."""
    stat = os.stat(path)  # noqa: PTH116  # called thousands of times in a run with nothing to do: faster than a Path
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def settled(seen: Signature, hashed_at: int) -> bool:
    """Whether a later write would have changed the stat: false within two seconds of a write, or if the stat is in the future."""
    return max(seen[3], seen[4]) + RACY_NS <= hashed_at


def _stat(path: str) -> Signature | None:
    try:
        return signature(path)
    except OSError:
        return None


class Memory:
    """Facts about files, stored in `path`; facts from another version of the fingerprinter than `made_by` do not count.

    `stats` holds the stats of files during a check of all tasks, so that a file that one task wrote and another reads is
    checked once; None at any other time.
    """

    def __init__(self, path: Path, made_by: str = "") -> None:
        self.path = path
        self.changed = False
        self.stats: dict[str, Signature | None] | None = None
        try:
            self._contents = msgspec.json.decode(durable.read(path), type=_Contents)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._contents = _Contents(made_by)
        if self._contents.made_by != made_by:
            self._contents = _Contents(made_by)

    def stat(self, path: str) -> Signature | None:
        """The stat of a file; None if it does not exist."""
        if self.stats is None:
            return _stat(path)
        if path not in self.stats:
            self.stats[path] = _stat(path)
        return self.stats[path]

    def stats_of(self, paths: Iterable[str]) -> Iterator[tuple[str, Signature | None]]:
        """Each path with its `stat`: for thousands of files in a run with nothing to do, without a call for each that is seen again."""
        seen = self.stats
        if seen is None:
            yield from ((path, _stat(path)) for path in paths)
            return
        for path in paths:
            if path in seen:
                yield path, seen[path]
            else:
                seen[path] = stat = _stat(path)
                yield path, stat

    def remembered(self, path: str) -> str | None:
        """The file's remembered content hash, if its stat is unchanged; else None."""
        seen = self.stat(path)
        return None if seen is None else self._recorded(path, seen)

    def hash(self, path: Path | str, compute: Callable[[Path | str], str]) -> str:
        """The file's content hash; computed only if its stat has changed or is too recent."""
        key, seen = str(path), signature(path)
        remembered = self._recorded(key, seen)
        if remembered is not None:
            return remembered
        hashed_at = time.time_ns()
        content = compute(path)
        if signature(path) == seen and is_utf8(key):
            self._contents.hashes[key] = Hashed(seen, hashed_at, content)
            self.changed = True
        return content

    def _recorded(self, key: str, seen: Signature) -> str | None:
        entry = self._contents.hashes.get(key)
        if entry is None or entry.signature != seen or not settled(seen, entry.hashed_at):
            return None
        return entry.hash

    def hashes(self, paths: Iterable[str], compute: Callable[[Path | str], str]) -> dict[str, str | None]:
        """The content hash of every file, None for an unreadable one; large files are read in parallel, with a thread per processor."""
        contents: dict[str, str | None] = {}
        unknown: dict[str, int] = {}
        for path, seen in self.stats_of(paths):
            contents[path] = None if seen is None else self._recorded(path, seen)
            if contents[path] is None and seen is not None:
                unknown[path] = seen[2]

        def hashed(path: str) -> str | None:
            with contextlib.suppress(OSError):
                return self.hash(path, compute)
            return None

        if len(unknown) > 1 and sum(unknown.values()) >= _LARGE:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(len(unknown), os.cpu_count() or 1)) as pool:  # all its threads end here
                return contents | dict(zip(unknown, pool.map(hashed, unknown), strict=True))
        return contents | {path: hashed(path) for path in unknown}

    def module(self, path: Path, parse: Callable[[Path], tuple[str, tuple[str, ...], tuple[str, ...]]]) -> Parsed:
        """A parsed module; parsed only if its stat has changed or is too recent."""
        key, seen = str(path), signature(path)
        remembered = self._contents.modules.get(key)
        if remembered is not None and remembered.signature == seen and settled(seen, remembered.hashed_at):
            return remembered
        parsed = Parsed(seen, time.time_ns(), *parse(path))
        self._contents.modules[key] = parsed
        self.changed = True
        return parsed

    def libraries(self, folders: list[str], read: Callable[[], dict[str, str]]) -> dict[str, str]:
        """The versions of the libraries; read only if an installation folder has changed."""
        seen = tuple((folder, signature(folder)) for folder in folders)
        remembered = self._contents.libraries
        if (
            remembered is not None
            and remembered.signatures == seen
            and all(settled(s, remembered.hashed_at) for _, s in seen)
        ):
            return remembered.versions
        hashed_at = time.time_ns()
        versions = read()
        self._contents.libraries = Installed(seen, hashed_at, versions)
        self.changed = True
        return versions

    def sealed(self, key: str, evidence: str) -> bool:
        """Whether exactly this evidence was checked in full before, without anything stale."""
        return self._contents.seals.get(key) == evidence

    def seal(self, key: str, evidence: str, seen: Iterable[Signature]) -> None:
        """Remember that nothing in this evidence is stale; not if one of its files could change without a new stat."""
        now = time.time_ns()
        if all(settled(stat, now) for stat in seen):
            self._contents.seals[key] = evidence
            self.changed = True

    def forget(self, path: Path | str) -> None:
        """Forget the hash of this file, and all seals."""
        self._contents.seals.clear()
        self.changed = self._contents.hashes.pop(str(path), None) is not None or self.changed

    def save(self) -> None:
        """Store new facts. If the folder cannot be written, the next run only takes longer."""
        if not self.changed:
            return
        with contextlib.suppress(OSError):
            # leftovers of killed processes; a process that saves right now loses its facts, which only costs time
            sweep(self.path.parent, self.path.name)
            with replacement(self.path, survives=False) as temporary:
                temporary.write_bytes(msgspec.json.encode(self._contents))
        self.changed = False
