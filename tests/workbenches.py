"""A workbench that is served for a test, and what a browser or a program asks of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROGRAM = str(Path(sys.executable).parent / "store-clustering")


@dataclass
class Answer:
    """What the server answers."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Served:
    """A served workbench: its process, and the address that it printed."""

    process: subprocess.Popen[str]
    address: str
    cookie: str = ""
    csrf: str = ""
    base: str = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        self.base = f"{parts.scheme}://{parts.netloc}"

    def ask(self, path: str, body: object = None, method: str = "", **headers: str) -> Answer:
        """An answer, whatever its status. Underscores in names of headers stand for hyphens."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method or None)  # noqa: S310  # our own server
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=60) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def log_in(self) -> None:
        """Change the token for a cookie, as a browser does."""
        answer = self.ask(self.address.removeprefix(self.base))
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        self.csrf = self.ask("/api/session", Cookie=self.cookie).json()["csrf"]

    def get(self, path: str) -> Answer:
        """What the page gets."""
        return self.ask(path, Cookie=self.cookie)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """What the page changes; headers replace those that it sends."""
        sent = {"Cookie": self.cookie, "Origin": self.base, "X_CSRF_Token": self.csrf, **headers}
        return self.ask(path, body, **{name: value for name, value in sent.items() if value})

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it; SIGKILL is how the kernel does when memory runs out."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(timeout=20)
        if self.process.stdout is not None and not self.process.stdout.closed:
            said = self.process.stdout.read()
            self.process.stdout.close()
            assert "Traceback" not in said, said


def start(home: Path, *words: str, **environ: str) -> Served:
    """Serve the project in a folder."""
    process = subprocess.Popen(
        [PROGRAM, "open", "--no-browser", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "STORE_CLUSTERING_HOME": str(home), "OMP_NUM_THREADS": "1", **environ},
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("workbench: "):
        process.wait(timeout=20)
        raise AssertionError(line + process.stdout.read())
    return Served(process, line.split()[1])


@contextmanager
def served(home: Path, *words: str, **environ: str) -> Iterator[Served]:
    """A workbench of the project in a folder, on a free port."""
    from servers import free_port

    bench = start(home, "--port", str(free_port()), *words, **environ)
    try:
        bench.log_in()
        yield bench
    finally:
        bench.end()
