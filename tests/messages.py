"""Every error and warning that the tests provoke, listed in one file for a person to read: `pytest --messages FILE`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

HEAD = """# Every message that a test provokes

Written by `uv run pytest --messages docs/messages.md`, to be read through by a person: does each say what was found, what is
allowed, and what to do next? Paths of tests, ids and counts of bytes are written as `...`.

"""

ROOT = Path(__file__).parents[1]
PROVOKED: set[str] = set()  # in this process, and in commands that it started
_SPOKEN = re.compile(r"^(?:error|warning|ERROR): (.*)$")
_NORMAL = (
    (re.compile(r"/tmp/pytest-of-[^/\s]+/[^\s'\",;:)]*?/(?=[\w.-]+[\s'\",;:)]|$)"), ".../"),  # noqa: S108  # a pattern
    (re.compile(r"/tmp/pytest-of-[^/\s]+/[^\s'\",;:)]*"), "..."),  # noqa: S108  # a pattern
    (re.compile(rf"{re.escape(str(ROOT))}/|{re.escape(str(ROOT.parent))}/(?=shared/)"), ".../"),
    (re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{8}\b"), "RUN"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "HASH"),
    (re.compile(r"\bprocess \d+\b"), "process PID"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
)


def spoken(text: str) -> list[str]:
    """The messages among the lines of a command's output."""
    return [match[1] for line in text.splitlines() if (match := _SPOKEN.match(line))]


def normal(message: str) -> str:
    """A message without what differs from one run of the tests to the next."""
    for pattern, put in _NORMAL:
        message = pattern.sub(put, message)
    return message


def write(path: Path, found: Iterable[str]) -> None:
    """Write the list, each message once, in order."""
    lines = sorted({normal(message) for message in found}, key=str.casefold)
    path.write_text(HEAD + "".join(f"- {line}\n" for line in lines))
