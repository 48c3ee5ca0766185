"""The base of all answers: whom the server answers at all, and how it words an error."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from pipeline.config import environment
from pipeline.errors import ALREADY_RUNNING, PipelineError, worded
from pipeline.wording.variables import all_hidden
from pipeline.workbench.bench import Bench
from pipeline.workbench.guard import HEADERS
from pipeline.workbench.watching import Environment

log = logging.getLogger("tornado.application")


class Handler(RequestHandler):
    """Base: checks the host, the session and, for everything but a page itself, that a page of ours asks."""

    bench: Bench
    is_page = False  # whether it may be opened by a link of another page

    def initialize(self, bench: Bench) -> None:
        """Called by Tornado."""
        self.bench = bench
        self._task: asyncio.Task[None] | None = None
        self._is_left = False

    def on_connection_close(self) -> None:
        """End an answer that nobody waits for any more, and with it the child process that works for it."""
        self._is_left = True
        if self._task is not None:
            self._task.cancel()

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer with an error, unless nobody waits for the answer."""
        if not self._is_left:
            super().send_error(status_code, **kwargs)

    def set_default_headers(self) -> None:
        """What a page of ours may do in a browser."""
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Refuse what the guard refuses."""
        self._task = asyncio.current_task()
        guard = self.bench.guard
        guard.check_host(self.request)
        if not guard.is_session(self.get_cookie(self.bench.cookie), self.request):
            raise HTTPError(401, "open the address that `store-clustering open` printed: it has a token")
        if not self.is_page:
            guard.check_same_origin(self.request)
        if self.request.method != "GET":
            guard.check_change(self.request)

    def env(self, name: str) -> Environment:
        """An environment of the project."""
        if name not in environment.environments():
            raise HTTPError(404, f"environment {name!r} is unknown: it needs a file configs/{name}.toml")
        return self.bench.environment(name)

    def say(self, content: Any) -> None:
        """Answer with JSON, without the values of variables that the settings name."""
        self.say_text(json.dumps(all_hidden(content), ensure_ascii=False, default=str))

    def say_text(self, text: str | bytes) -> None:
        """Answer with a text that is JSON."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(text)

    def number(self, name: str, default: int) -> int:
        """A whole number of the address."""
        text = self.get_query_argument(name, str(default))
        if not re.fullmatch(r"\d{1,12}", text):
            raise HTTPError(400, f"{name} is {text!r}, not a whole number")
        return int(text)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """An error in one line."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, PipelineError):
            self.set_status(409 if error.exit_code == ALREADY_RUNNING else 400)
            lines = error.lines
        elif isinstance(error, HTTPError):
            lines = [error.log_message or error.reason or f"error {status_code}"]
        elif isinstance(error, OSError):
            lines = [f"{error.filename or 'a file'}: {error.strerror or error}"]
        else:
            lines = ["this is a bug in store-clustering: please report it with the lines in the terminal"]
        self.say({"errors": lines})

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what nobody expected; an error of a file is one line, with the address that asked."""
        if isinstance(value, OSError) and not isinstance(value, StreamClosedError):
            log.error("%s %s: %s", self.request.method, self.request.path, worded(value))
        elif not isinstance(value, PipelineError | HTTPError | StreamClosedError):
            super().log_exception(typ, value, tb)
