"""Serve the page, until Ctrl-C. Runs that were launched go on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
import webbrowser
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from pipeline.errors import SettingsError, UsageError
from pipeline.workbench.answers.routes import ROUTES
from pipeline.workbench.bench import Bench
from pipeline.workbench.guard import TOKEN_VARIABLE, Guard, is_loopback

PORT = 8083  # beside luigid's 8082
_LARGEST_BODY = 64_000


def serve(home: Path, host: str, port: int | None, *, read_only: bool, browser: bool) -> None:
    """Serve the page of a project.

    Parameters
    ----------
    home : the project's root
    host : the address to listen on
    port : the port; None is the usual one, or a free one if that is taken
    read_only : whether every change is refused
    browser : whether to open the page in a browser

    Raises
    ------
    UsageError
        The address is not of this machine or taken, or other machines could reach it and change something.
    SettingsError
        The folder is not a project.
    """
    if not (home / "configs").is_dir():
        raise SettingsError(
            f"{home} is not a project: it has no folder configs; start in a clone, or set STORE_CLUSTERING_HOME to a project's root"
        )
    if not is_loopback(host) and not read_only:
        raise UsageError(
            f"--host {host}: other machines could start runs here, over a connection that is not encrypted; add --read-only, or leave out "
            "--host and open a tunnel (ssh -L)"
        )
    guard = Guard(host, read_only)
    if not guard.has_long_token:
        raise UsageError(f"{TOKEN_VARIABLE} is shorter than 32 characters: make one with `openssl rand -hex 32`")
    logging.getLogger("tornado.access").setLevel(logging.ERROR)  # the addresses would hold the token
    asyncio.run(_serve(home, guard, port, browser=browser))


async def _serve(home: Path, guard: Guard, port: int | None, *, browser: bool) -> None:
    is_over = asyncio.Event()
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # also Ctrl-C, which a process in the background, and all that it starts, would ignore
        asyncio.get_running_loop().add_signal_handler(number, is_over.set)
    sockets = _bound(guard.host, port)
    port = int(sockets[0].getsockname()[1])
    bench = Bench(home, guard, port)
    server = HTTPServer(
        Application([(route, handler, {"bench": bench}) for route, handler in ROUTES]),
        max_body_size=_LARGEST_BODY,
        max_buffer_size=2 * _LARGEST_BODY,
    )
    server.add_sockets(sockets)
    shown = f"[{guard.host}]" if ":" in guard.host else guard.host
    address = f"http://{shown}:{port}/?token={guard.token}"
    sys.stdout.write(f"workbench: {address}\n")
    sys.stdout.write("Ctrl-C ends the page; runs that it launched go on.\n")
    sys.stdout.flush()
    if browser:
        webbrowser.open(address)
    while not is_over.is_set():
        bench.reap()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(is_over.wait(), 0.5)
    server.stop()
    # before the answers end: a browser sees that the server is gone, not an answer that failed
    await server.close_all_connections()
    bench.readers.close()


def _bound(host: str, port: int | None) -> list[socket.socket]:
    """A socket on the port; on a free one if no port is given and the usual one is taken."""
    try:
        return bind_sockets(PORT if port is None else port, address=host)[:1]
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            return bind_sockets(0, address=host)[:1]
        raise UsageError(f"{host}:{port or PORT}: {error.strerror or error}; choose another --port or --host") from None
