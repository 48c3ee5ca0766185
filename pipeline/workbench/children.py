"""Child processes that answer for the server: few at a time, with lower priority than a run, and never for ever."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError

AT_A_TIME = 2
AFTER_RUNS = ("nice", "-n", "19")
ROOT = Path(__file__).parents[2]  # where this program is found, whatever the project holds


@dataclass(frozen=True)
class Answer:
    """What a child process wrote, and its exit code."""

    output: bytes
    errors: str
    code: int


class Children:
    """Starts child processes with the Python and the project of this server; further ones wait for their turn."""

    def __init__(self, home: Path) -> None:
        self._turns = asyncio.Semaphore(AT_A_TIME)
        # A thread per core in each of several processes would only slow down a run.
        self._environ = {**os.environ, "STORE_CLUSTERING_HOME": str(home), "OMP_NUM_THREADS": "1"}

    @asynccontextmanager
    async def started(self, *words: str, seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
        """A child process, when it is its turn. It is killed when the block ends or takes longer than `seconds`.

        Raises
        ------
        UsageError : it took too long
        """
        async with self._turns:
            process = await asyncio.create_subprocess_exec(
                *AFTER_RUNS,
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=ROOT,
                env=self._environ,
            )
            timer = asyncio.get_running_loop().call_later(seconds, _kill, process)
            try:
                yield process
                if timer.when() <= asyncio.get_running_loop().time() and process.returncode != 0:
                    raise UsageError(f"this took longer than {seconds:.0f} seconds, and was ended: ask for less")
            finally:
                timer.cancel()
                _kill(process)
                await process.wait()

    async def answer(self, *words: str, question: bytes = b"", seconds: float = 60) -> Answer:
        """All that a child process writes."""
        async with self.started(*words, seconds=seconds) as process:
            output, errors = await process.communicate(question)
        return Answer(output, errors.decode(errors="replace").strip(), process.returncode or 0)

    async def module(self, name: str, *words: str, question: bytes = b"", seconds: float = 60) -> Answer:
        """What a module of the workbench writes."""
        return await self.answer(
            sys.executable, "-m", f"pipeline.workbench.{name}", *words, question=question, seconds=seconds
        )


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            return
