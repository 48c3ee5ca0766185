"""What is remembered of files by their stat, so that a file is read once per change.

A memory is no evidence: losing it costs time only. One file per environment, written by the process that leads a run;
where two write, the last one wins and the other's facts are found again.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from pipeline.storage import durable
from pipeline.storage.replacement import replacement, sweep

RACY_NS = 2_000_000_000  # a file system's clock may be this coarse, see "racy git"
_LARGE = 32_000_000  # bytes of files from which they are read side by side: threads cost as much as hashing a megabyte

Signature = tuple[int, int, int, int, int]  # device, inode, size, mtime_ns, ctime_ns
Fact = TypeVar("Fact")


class Hashed(msgspec.Struct, frozen=True, array_like=True):
    """The content hash of a file, with the stat that it was hashed under and when."""

    signature: Signature
    hashed_at: int
    hash: str


class Parsed(msgspec.Struct, frozen=True, array_like=True):
    """What a Python module says: its fingerprint, the modules it imports and the files it names."""

    signature: Signature
    hashed_at: int
    hash: str
    imports: tuple[str, ...]
    files: tuple[str, ...]


class Installed(msgspec.Struct, frozen=True, array_like=True):
    """The versions of the libraries that compute, with the stats of the folders they are installed in."""

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
    """The stat of a file as far as a change of its content shows in it."""
    found = os.stat(path)  # noqa: PTH116  # on the way to "nothing to do" thousands of times: no Path is made
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def settled(seen: Signature, hashed_at: int) -> bool:
    """Whether a later write would have changed the stat: false within two seconds of a write, or of the future."""
    return max(seen[3], seen[4]) + RACY_NS <= hashed_at


def _stat(path: str) -> Signature | None:
    try:
        return signature(path)
    except OSError:
        return None


class Memory:
    """Facts about files, kept in `path`; those found by other rules than `made_by` says are none.

    `stats` holds the stats of files while a look at all tasks lasts, so that a file which one task wrote and another reads is looked
    at once; None at any other time.
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
        """The stat of a file, None where there is none."""
        if self.stats is None:
            return _stat(path)
        if path not in self.stats:
            self.stats[path] = _stat(path)
        return self.stats[path]

    def known(self, path: str) -> str | None:
        """The file's content hash where its stat vouches for the one remembered."""
        seen = self.stat(path)
        return None if seen is None else self._remembered(path, seen)

    def hash(self, path: Path | str, compute: Callable[[Path | str], str]) -> str:
        """The file's content hash, computed only where its stat does not vouch for the one remembered."""
        key, seen = str(path), signature(path)
        known = self._remembered(key, seen)
        if known is not None:
            return known
        hashed_at = time.time_ns()
        content = compute(path)
        if signature(path) == seen:
            self._contents.hashes[key] = Hashed(seen, hashed_at, content)
            self.changed = True
        return content

    def _remembered(self, key: str, seen: Signature) -> str | None:
        known = self._contents.hashes.get(key)
        if known is not None and known.signature == seen and settled(seen, known.hashed_at):
            return known.hash
        return None

    def hashes(self, paths: Iterable[str], compute: Callable[[Path | str], str]) -> dict[str, str | None]:
        """The content hash of every file, None of one that cannot be read; large ones are read side by side, a thread per processor."""
        found: dict[str, str | None] = {}
        unknown: dict[str, int] = {}
        for path in paths:
            found[path], seen = self.known(path), self.stat(path)
            if found[path] is None and seen is not None:
                unknown[path] = seen[2]

        def hashed(path: str) -> str | None:
            with contextlib.suppress(OSError):
                return self.hash(path, compute)
            return None

        if len(unknown) > 1 and sum(unknown.values()) >= _LARGE:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(len(unknown), os.cpu_count() or 1)) as pool:  # no thread of it outlives this
                return found | dict(zip(unknown, pool.map(hashed, unknown), strict=True))
        return found | {path: hashed(path) for path in unknown}

    def module(self, path: Path, parse: Callable[[Path], tuple[str, tuple[str, ...], tuple[str, ...]]]) -> Parsed:
        """What a module says, parsed only where its stat does not vouch for what is remembered."""
        key, seen = str(path), signature(path)
        known = self._contents.modules.get(key)
        if known is not None and known.signature == seen and settled(seen, known.hashed_at):
            return known
        found = Parsed(seen, time.time_ns(), *parse(path))
        self._contents.modules[key] = found
        self.changed = True
        return found

    def libraries(self, folders: list[str], read: Callable[[], dict[str, str]]) -> dict[str, str]:
        """The versions of the libraries, read only where a folder they are installed in changed."""
        seen = tuple((folder, signature(folder)) for folder in folders)
        known = self._contents.libraries
        if known is not None and known.signatures == seen and all(settled(s, known.hashed_at) for _, s in seen):
            return known.versions
        hashed_at = time.time_ns()
        versions = read()
        self._contents.libraries = Installed(seen, hashed_at, versions)
        self.changed = True
        return versions

    def sealed(self, key: str, evidence: str) -> bool:
        """Whether this very evidence was once looked at in full, and nothing found stale."""
        return self._contents.seals.get(key) == evidence

    def seal(self, key: str, evidence: str, seen: Iterable[Signature]) -> None:
        """Remember that nothing was found stale in this evidence; not where a file of it may change without a new stat."""
        now = time.time_ns()
        if all(settled(stat, now) for stat in seen):
            self._contents.seals[key] = evidence
            self.changed = True

    def forget(self, path: Path | str) -> None:
        """Read this file again the next time it is asked for, and what is sealed."""
        self._contents.seals.clear()
        self.changed = self._contents.hashes.pop(str(path), None) is not None or self.changed

    def save(self) -> None:
        """Keep what was learnt. A folder that cannot be written costs time on the next run, and nothing else."""
        if not self.changed:
            return
        with contextlib.suppress(OSError):
            # what a killed process left; one that saves at this very moment loses its facts, which costs time only
            sweep(self.path.parent, self.path.name)
            with replacement(self.path, survives=False) as temporary:
                temporary.write_bytes(msgspec.json.encode(self._contents))
        self.changed = False
