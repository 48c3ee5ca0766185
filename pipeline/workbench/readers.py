"""Processes that read the database for the server: one per request, few at a time, with lower priority than a run, and never for ever."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.workbench.children import AFTER_RUNS, AT_A_TIME, ROOT
from pipeline.workbench.request import ANSWERED, SECONDS

_CHUNK = 1 << 16


class Reader:
    """A process that answers a request."""

    def __init__(self, output: asyncio.StreamReader, errors: asyncio.StreamReader) -> None:
        self._output, self._errors = output, errors

    async def parts(self) -> AsyncIterator[bytes]:
        """The answer, in parts.

        Raises
        ------
        UsageError : with what went wrong, if all of it could not be given
        """
        while part := await self._output.read(_CHUNK):
            yield part
        errors = await self._errors.read()
        if errors != ANSWERED:
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise UsageError(
                last[0] if last else f"this took more than {SECONDS} s of work, or too much memory: ask for less"
            )


class Readers:
    """Has a process forked for each request by a template, which is started with the first one; further requests wait for their turn."""

    def __init__(self, home: Path) -> None:
        self._turns = asyncio.Semaphore(AT_A_TIME)
        # A thread per core in each of several processes would only slow down a run.
        self._environ = {**os.environ, "STORE_CLUSTERING_HOME": str(home), "OMP_NUM_THREADS": "1"}
        self._template: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @asynccontextmanager
    async def started(self, question: bytes, seconds: float) -> AsyncIterator[Reader]:
        """A process that answers, when it is its turn. It ends when the block ends, or takes longer than `seconds`.

        Raises
        ------
        UsageError : it took too long
        """
        loop = asyncio.get_running_loop()
        async with self._turns:
            with ExitStack() as stack:
                output, for_output = await _pipe(stack)
                errors, for_errors = await _pipe(stack)
                for_lifeline, lifeline = os.pipe()
                closing = ExitStack()
                closing.callback(os.close, lifeline)
                stack.callback(closing.close)
                self._fork(_file(question), for_output, for_errors, for_lifeline)
                timer = loop.call_later(seconds, closing.close)
                stack.callback(timer.cancel)
                try:
                    yield Reader(output, errors)
                except UsageError:
                    if timer.when() > loop.time():
                        raise
                    raise UsageError(
                        f"this took longer than {seconds:.0f} seconds, and was ended: ask for less"
                    ) from None

    async def answer(self, question: bytes, seconds: float = SECONDS) -> bytes:
        """The whole answer to a request.

        Raises
        ------
        UsageError : it cannot be given
        """
        async with self.started(question, seconds) as reader:
            return b"".join([part async for part in reader.parts()])

    def _fork(self, *descriptors: int) -> None:
        """Give the descriptors to a new process."""
        try:
            try:
                socket.send_fds(self._connection(), [b"\0"], descriptors)
            except OSError:  # the template was killed since it was asked last
                self.close()
                socket.send_fds(self._connection(), [b"\0"], descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _connection(self) -> socket.socket:
        if self._socket is None:
            self._socket, theirs = socket.socketpair()
            with theirs:
                self._template = subprocess.Popen(  # noqa: S603  # our own program
                    [*AFTER_RUNS, sys.executable, "-m", "pipeline.workbench.template", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    cwd=ROOT,
                    env=self._environ,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # a Ctrl-C is for the server
                )
        return self._socket

    def close(self) -> None:
        """End the template; it ends by itself, too, when this process does."""
        if self._socket is not None:
            self._socket.close()
        if self._template is not None:
            self._template.wait()
        self._socket = self._template = None


async def _pipe(stack: ExitStack) -> tuple[asyncio.StreamReader, int]:
    """What reads from a pipe until the block ends, and the descriptor to write to it."""
    readable, writable = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(readable, "rb", buffering=0)
    )
    stack.callback(transport.close)
    return reader, writable


def _file(content: bytes) -> int:
    """A descriptor to read this content from."""
    descriptor = os.memfd_create("question")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
