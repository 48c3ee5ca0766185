"""Other processes that read a database while runs replace it: one keeps it open, one opens it again and again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# opens the database as it is told, says so, and at each line that it is given runs it and says what came of it
HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
for line in sys.stdin:
    try:
        print(connection.execute(line).fetchall(), flush=True)
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0], flush=True)
"""
# opens the database, asks and closes it until its input ends; then says, one per line, what came of it: once where it did not change
ONLOOKER = """
import json, sys, threading, duckdb
ended, seen, told = threading.Event(), [], False
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while True:
    last = ended.is_set()
    try:
        with duckdb.connect(sys.argv[1], read_only=True) as connection:
            found = json.dumps(connection.execute(sys.argv[2]).fetchall(), default=str)
    except Exception as error:
        found = json.dumps(f"{type(error).__name__}: {error}")
    if seen[-1:] != [found]:
        seen.append(found)
    if not told:
        told = print("looking", flush=True) is None
    if last:
        break
    ended.wait(0.002)
print("\\n".join(seen), flush=True)
"""


class Holder:
    """A process that has the database open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._answer() == "open"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self, query: str) -> str:
        """What a query gives, or how it fails."""
        assert self._process.stdin is not None
        self._process.stdin.write(query + "\n")
        self._process.stdin.flush()
        return self._answer()


@contextmanager
def holder(path: Path, mode: str) -> Iterator[Holder]:
    """A process that opens the database to read or to write, and is killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Holder(process)
        finally:
            process.kill()


class Onlooker:
    """A process that opens the database, asks the same and closes it, again and again."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "looking"

    def saw(self) -> list[object]:
        """What it was given, or told in place of it, one after the other: once where it did not change. It ends with this."""
        out, _ = self._process.communicate()
        return [json.loads(line) for line in out.splitlines()]


@contextmanager
def onlooker(path: Path, query: str) -> Iterator[Onlooker]:
    """A process that looks at the database until it is asked what it saw."""
    with subprocess.Popen(
        [sys.executable, "-c", ONLOOKER, str(path), query], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Onlooker(process)
        finally:
            process.kill()
