"""Start and cancel runs, after a look at what a run would build."""

from __future__ import annotations

import contextlib
import json

from pipeline.errors import SettingsError, UsageError
from pipeline.workbench import audit, launching
from pipeline.workbench.answers.handler import Handler


class Plan(Handler):
    """A dry run: what would be built, and why."""

    async def get(self, env: str) -> None:
        """The answer of `store-clustering run --dry-run --json` with the same options."""
        self.env(env)
        command = launching.words(env, launching.wanted(self.bench.asked(self.get_query_argument("run", "{}"))))
        words = [launching.program(), *command[1:], "--dry-run", "--json"]
        answer = await self.bench.children.answer(*words, seconds=300)
        if answer.code:
            raise UsageError(*[line.removeprefix("error: ") for line in answer.errors.splitlines()])
        self.say({"command": launching.by_hand(command), **json.loads(answer.output)})


class Launch(Handler):
    """Start a run."""

    def post(self, env: str) -> None:
        """Start it, unless a run holds the environment."""
        watched = self.env(env)
        asked = launching.wanted(self.request.body)
        command = launching.words(env, asked)
        logs = watched.logs
        note = {"command": launching.by_hand(command)}
        path, origin = audit.file(logs, env), self.bench.origin(self.request)
        if (holder := watched.now().holder) is not None:
            audit.note(path, "launch refused", origin, **note, because=f"process {holder} is running")
            self.set_status(409)
            self.say({"errors": [f"a run of {env} is going on (process {holder}): wait for its end, or cancel it"]})
            return
        audit.note(path, "launch", origin, **note)
        launched = launching.launch(self.bench.home, logs, env, command)
        self.bench.launched(launched.output, launched.process)
        audit.note(path, "launched", origin, **note, pid=launched.process.pid, output=launched.output.name)
        with contextlib.suppress(SettingsError):  # the run itself says what is wrong with them
            launching.prune(logs, env, self.bench.configs.of(env).settings.logging.keep_runs)
        self.say({**note, "pid": launched.process.pid, "output": launched.output.name})


class Cancel(Handler):
    """Cancel a run."""

    def post(self, env: str) -> None:
        """Interrupt it as Ctrl-C does."""
        watched = self.env(env)
        asked = self.bench.asked(self.request.body)
        run_id = str(asked.get("run_id") or "")
        path, origin = audit.file(watched.logs, env), self.bench.origin(self.request)
        audit.note(path, "cancel", origin, run_id=run_id)
        self.say({"pid": launching.interrupt(watched.outputs, run_id)})
