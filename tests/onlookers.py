"""Other processes that read a database while runs replace it: one keeps it open, one opens it again and again."""

from __future__ import annotations

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
# opens the database, asks and closes it until its input ends; then says, one per line, what came of it: once where it did not change.
# DuckDB reads the headers of a file, closes it, and opens it again for the blocks: where it is replaced just between these, it finds no data where
# the old headers say, and refuses to open it. To open it once more succeeds, and has to: an error twice in a row is seen.
ONLOOKER = """
import sys, threading, duckdb
ended, seen = threading.Event(), []
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()

def opened():
    try:
        return duckdb.connect(sys.argv[1], read_only=True)
    except duckdb.IOException:
        return duckdb.connect(sys.argv[1], read_only=True)
while True:
    last = ended.is_set()
    try:
        with opened() as connection:
            found = str(connection.execute(sys.argv[2]).fetchall())
    except Exception as error:
        found = f"{type(error).__name__} {str(error).splitlines()[0]}"
    if not seen:
        print("looking", flush=True)
    if seen[-1:] != [found]:
        seen.append(found)
    if last:
        break
    ended.wait(0.002)
print("\\n".join(seen), flush=True)
"""


@contextmanager
def running(program: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process of Python's that is killed in the end."""
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


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
    with running(HOLDER, str(path), mode) as process:
        yield Holder(process)


class Onlooker:
    """A process that opens the database, asks the same and closes it, again and again."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "looking"

    def saw(self) -> list[str]:
        """What it was given, in the words of `Holder.ask`, one after the other: once where it did not change. It ends with this."""
        out, _ = self._process.communicate()
        return out.splitlines()


@contextmanager
def onlooker(path: Path, query: str) -> Iterator[Onlooker]:
    """A process that looks at the database until it is asked what it saw."""
    with running(ONLOOKER, str(path), query) as process:
        yield Onlooker(process)
