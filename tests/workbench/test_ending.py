"""Answers that nobody waits for any more: the browser left, or the server was ended."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import quote, urlsplit

import pytest
from conftest import Shared
from projects import build_in
from workbenches import Served, served

ENDLESS = f"/api/dev/rows?sql={quote('SELECT COUNT(*) FROM range(10000000000) WHERE sin(range) > 2')}"


@pytest.fixture
def bench(shared: Shared) -> Iterator[Served]:
    with served(shared("built", build_in), "--read-only") as bench:
        yield bench


def below(pid: object) -> list[str]:
    """The processes that this process started."""
    return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()


def readers(bench: Served) -> list[str]:
    """The processes of this server that read the database: forked by the template."""
    return [pid for template in below(bench.process.pid) for pid in below(template)]


def is_alive(pid: str) -> bool:
    """Whether a process does anything; one that has ended may still be listed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def left_alone(bench: Served, path: str = ENDLESS) -> socket.socket:
    """A browser that asks for something, and does not wait for all of it."""
    parts = urlsplit(bench.base)
    connection = socket.create_connection((parts.hostname, parts.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {bench.cookie}\r\n\r\n".encode())
    return connection


def test_a_query_ends_when_the_browser_that_asked_leaves_and_others_are_answered(bench: Served) -> None:
    browsers = [left_alone(bench) for _ in range(4)]
    assert within(20, lambda: len(readers(bench)) == 2), "two at a time"
    for browser in browsers:
        browser.close()
    assert within(10, lambda: readers(bench) == [])
    assert bench.get("/api/dev/rows?table=store_clusters&limit=1").status == 200


def test_a_browser_that_leaves_is_no_error_in_the_terminal(bench: Served) -> None:
    download = f"/api/dev/download?format=csv&sql={quote('FROM range(3000000)')}"
    for path in ("/api/dev/events", download, ENDLESS, "/api/dev/pipeline"):
        browser = left_alone(bench, path)
        if path in ("/api/dev/events", download):
            assert browser.recv(12) == b"HTTP/1.1 200"
        time.sleep(0.5)
        browser.close()
    assert within(10, lambda: readers(bench) == [])
    with left_alone(bench, "/api/dev/events") as browser:
        browser.recv(12)
        bench.process.terminate()
        assert bench.process.stdout.read().splitlines() == ["Ctrl-C ends the page; runs that it launched go on."]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_that_is_ended_while_it_answers_says_no_error_and_leaves_no_process(
    bench: Served, number: signal.Signals
) -> None:
    outcomes: list[object] = []

    def ask(path: str) -> None:
        try:
            outcomes.append(bench.get(path).status)
        except OSError as error:
            outcomes.append(type(error))

    browsers = [Thread(target=ask, args=(path,)) for path in (ENDLESS, ENDLESS, "/api/dev/tables")]
    for browser in browsers:
        browser.start()
    assert within(20, lambda: len(readers(bench)) == 2)
    pids = [*readers(bench), *below(bench.process.pid)]
    began = time.monotonic()
    bench.end(number)
    assert bench.process.returncode == (-number if number == signal.SIGKILL else 0)
    assert time.monotonic() - began < 5
    for browser in browsers:
        browser.join(timeout=20)
    statuses = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert statuses in ([], [200]), (
        "an answer is whole, as that of tables, or its connection is closed as by a server that is gone"
    )
    assert within(5, lambda: not any(map(is_alive, pids)))
