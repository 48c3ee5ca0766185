"""What goes on, and what went on: the tasks, the runs, what they print, the changes asked for on the page."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from pipeline.wording.variables import all_hidden
from pipeline.workbench import audit, launching
from pipeline.workbench.answers.handler import Handler
from pipeline.workbench.watching import OVER

_HEARTBEAT = 15  # seconds; a proxy closes a connection on which nothing is said


class Pipeline(Handler):
    """The tasks."""

    async def get(self, env: str) -> None:
        """Every task with its state."""
        self.say(await self.env(env).current())


class Events(Handler):
    """What changes, as server-sent events."""

    async def get(self, env: str) -> None:
        """A stream that ends when the browser leaves."""
        watched = self.env(env)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        queue = await watched.listen()
        try:
            await self._tell("log-start", watched.tail(watched.log)[0])
            await self._tell("activity", watched.state())
            while True:
                try:
                    kind, content = await asyncio.wait_for(queue.get(), _HEARTBEAT)
                except asyncio.TimeoutError:
                    kind, content = "heartbeat", None
                if (kind, content) == OVER:
                    return
                await self._tell(kind, content)
        except StreamClosedError:
            return
        finally:
            watched.leave(queue)

    async def _tell(self, kind: str, content: Any) -> None:
        self.write(f"event: {kind}\ndata: {json.dumps(all_hidden(content), ensure_ascii=True, default=str)}\n\n")
        await self.flush()


class History(Handler):
    """The runs."""

    def get(self, env: str) -> None:
        """The last runs, the newest first."""
        self.say(self.env(env).history(self.number("last", 100)))


class Audit(Handler):
    """What was changed on this page."""

    def get(self, env: str) -> None:
        """The last changes, the newest first."""
        self.say(audit.read(audit.file(self.env(env).logs, env)))


class Output(Handler):
    """What a launched run prints."""

    def get(self, env: str, name: str) -> None:
        """The text of a file that a launch made; its name is in the audit."""
        if not launching.is_output(env, name):
            raise HTTPError(404, f"{name!r} is no output of a launched run")
        watched = self.env(env)
        text, _ = watched.tail(watched.logs / name)
        problems = [line for line in text.splitlines() if line.startswith(("error:", "warning:"))]
        self.say({"text": text, "problems": problems, "running": self.bench.is_running(name)})
