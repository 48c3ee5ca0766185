"""What goes on, and what went on: the tasks, the runs, what they print, the changes asked for on the page."""

from __future__ import annotations

import asyncio

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from pipeline.workbench import audit, history, launching
from pipeline.workbench.answers.handler import Handler
from pipeline.workbench.watching import OVER

_HEARTBEAT = 15  # seconds; a proxy closes a connection on which nothing is said


class Pipeline(Handler):
    """The tasks."""

    async def get(self, env: str) -> None:
        """Every task with its state."""
        self.say_text(await self.env(env).current())


class Events(Handler):
    """What changes, as server-sent events."""

    async def get(self, env: str) -> None:
        """A stream that ends when the browser leaves."""
        watched = self.env(env)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        queue = await watched.listen()
        try:
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), _HEARTBEAT)
                except asyncio.TimeoutError:
                    event = ("heartbeat", "null")
                if event == OVER:
                    return
                self.write("event: {}\ndata: {}\n\n".format(*event))
                await self.flush()
        except StreamClosedError:
            return
        finally:
            watched.leave(queue)


class Runs(Handler):
    """The runs."""

    def get(self, env: str) -> None:
        """The last runs, the newest first, with what failed in the newest; or, of a `table`, its builds in these runs."""
        latest = self.env(env).history.latest(self.number("last", 100))
        if table := self.get_query_argument("table", ""):
            self.say(history.builds(latest, table))
        else:
            newest = {"failures": history.failures(latest[0])} if latest else {}
            self.say([history.summary(run) | (newest if run is latest[0] else {}) for run in latest])


class OneRun(Handler):
    """A run."""

    def get(self, env: str, run_id: str) -> None:
        """All that is known of it."""
        run = self.env(env).history.run(run_id)
        if run is None:
            raise HTTPError(404, f"there is no record of a run {run_id!r}: the last ones are listed")
        self.say(history.whole(run))


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
        problems = [
            line.removeprefix("error: ") for line in text.splitlines() if line.startswith(("error:", "warning:"))
        ]
        self.say({"text": text, "problems": problems, "running": self.bench.is_running(name)})
