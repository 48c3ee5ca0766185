"""Watch an environment while somebody looks at it: what its files say, and what changed, whoever changed it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError, worded
from pipeline.records.runs import Run
from pipeline.wording.variables import all_hidden
from pipeline.workbench import activity, history
from pipeline.workbench.children import Children
from pipeline.workbench.configs import Configs, Signature, signature

EVERY = 0.5  # seconds
_MOST_LOG = 64_000  # bytes of a log at once
_PACKAGE = Path(__file__).resolve().parents[1]

Event = tuple[str, str]
OVER: Event = ("over", "")


class Environment:
    """What the page shows of an environment, always from its files; `listen` gives what changes."""

    def __init__(self, home: Path, env: str, children: Children, configs: Configs) -> None:
        self.home, self.env = home, env
        self.outputs = home / "outputs" / env
        self.history = history.History(self.outputs / ".runs")
        self.snapshot: dict[str, Any] = {}
        self._written = self._sent = ""  # the snapshot as JSON, and as it was sent last
        self._children, self._configs = children, configs
        self._listeners: set[asyncio.Queue[Event]] = set()
        self._task: asyncio.Task[None] | None = None
        self._refresh = asyncio.Lock()
        self._judged: tuple[Any, Any] | None = None  # the files as they were when the tasks were judged
        self._looked_at = -EVERY
        self._active = ""
        self._was_running = False
        self._unknown: set[str] = set()  # tasks of runs that were not among the tasks when they were built
        self._events: dict[str, int] = {}  # how many outcomes of a run's tasks were told
        self._logs = home / "logs"

    # ---------------------------------------------------------------- what the files say

    @property
    def logs(self) -> Path:
        """The folder of the logs; while the settings cannot be read, as they were before."""
        with contextlib.suppress(PipelineError):
            self._logs = self.home / self._configs.of(self.env).settings.logging.folder
        return self._logs

    @property
    def log(self) -> Path:
        """The log of the environment's runs."""
        return self.logs / f"clustering_{self.env}.log"

    def now(self) -> activity.Activity:
        """What runs now."""
        return activity.of(self.outputs, self.history)

    def state(self, now: activity.Activity) -> dict[str, Any]:
        """What runs now, as JSON can hold it; the outcomes of its tasks are told apart."""
        return {
            "running": [history.summary(run) for run in now.running],
            "holder": now.holder,
            "building": [str(Path("outputs", self.env, ".locks", name)) for name in now.building],
        }

    def tail(self, path: Path, start: int | None = None) -> tuple[str, int]:
        """The end of a text file, from the byte `start` if it is given, and where the next part begins."""
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                begin = size if start is None else start
                if start is None or start > size or size - start > _MOST_LOG:  # also after a rotation
                    begin = max(0, size - _MOST_LOG)
                file.seek(begin)
                text = file.read()
        except OSError:
            return "", 0
        whole = text.rfind(b"\n") + 1
        return text[:whole].decode(errors="replace"), begin + whole

    # ---------------------------------------------------------------- what changes

    async def listen(self) -> asyncio.Queue[Event]:
        """A queue of events, until `leave`: each a kind and a JSON text. It begins with what is so now."""
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=50)
        now = self.now()
        queue.put_nowait(("log-start", _json(self.tail(self.log)[0])))
        queue.put_nowait(("activity", _json(self.state(now))))
        for run in now.running:
            queue.put_nowait(("events", _json({"run_id": run.run_id, "start": 0, "events": run.events})))
        self._listeners.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        return queue

    def leave(self, queue: asyncio.Queue[Event]) -> None:
        """Hear no more; without listeners nothing is watched."""
        self._listeners.discard(queue)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def current(self) -> str:
        """The tasks as JSON, as they are now; judged again only if a file changed. All who ask within half a second share a look."""
        async with self._refresh:
            if time.monotonic() >= self._looked_at + EVERY:
                await self._judge_if_due(is_running=self.now().is_any)
        return self._written

    async def _judge_if_due(self, *, is_running: bool) -> None:
        inputs = self._inputs()
        # During a run its record tells what was built; judging every task after each would take from the run.
        results = None if is_running else self._results()
        is_due = (
            self._judged is None or inputs != self._judged[0] or (results is not None and results != self._judged[1])
        )
        if is_due:
            await self._judge(inputs, results)
        self._looked_at = time.monotonic()

    async def _judge(self, inputs: tuple[Any, ...], results: tuple[Any, ...] | None) -> None:
        """Judge the tasks; what changes meanwhile is seen by the next look."""
        answer = await self._children.module("snapshot", self.env, seconds=300)
        try:
            self.snapshot = json.loads(answer.output)
        except ValueError:
            last = answer.errors.splitlines()[-1:] or ["the tasks could not be judged"]
            self.snapshot = {"env": self.env, "errors": last, "nodes": [], "watched": {}}
        self._written = _json({key: value for key, value in self.snapshot.items() if key != "watched"})
        watched = {path: tuple(seen) if seen else None for path, seen in self.snapshot["watched"].items()}
        self._judged = (*inputs[:-1], watched), results and (results[0], self._targets())

    def _inputs(self) -> tuple[Any, ...]:
        """What the tasks depend on: settings, code, and last the raw files, by their paths."""
        watched = {path: signature(path) for path in self.snapshot.get("watched", ())}
        return self._configs.signatures(), tuple(_code()), signature(self.home / "pins"), watched

    def _results(self) -> tuple[Any, ...]:
        """What the tasks made: traces, each of which replaces one in their folder, and targets."""
        return signature(self.outputs / ".trace"), self._targets()

    def _targets(self) -> list[Signature]:
        """The targets but those of single categories, which the traces speak for."""
        nodes = self.snapshot.get("nodes", ())
        return [signature(self.home / file["path"]) for node in nodes for file in node["files"]]

    async def _watch(self) -> None:
        position, problem = self.tail(self.log)[1], ""
        try:
            while self._listeners:
                before, problem = problem, ""
                try:
                    position = await self._look_once(position)
                except (OSError, PipelineError) as error:  # such as a folder that was taken away between two looks
                    problem = worded(error)
                if problem != before:
                    self._tell("problem", problem)
                await asyncio.sleep(EVERY)
        finally:  # whoever still listens asks again
            for queue in list(self._listeners):
                self._end(queue)

    async def _look_once(self, position: int) -> int:
        text, position = self.tail(self.log, position)
        if text:
            self._tell("log", text)
        now = self.now()
        state = self.state(now)
        written = _json(state)
        if written != self._active:
            self._active = written
            self._tell("activity", state)
        self._tell_events(now.running)
        self._judge_if_new(now.running)
        async with self._refresh:
            await self._judge_if_due(is_running=now.is_any)
        if self._was_running and not now.is_any:
            self._sent = ""  # the page waits for the tasks after a run, also if it built nothing
        self._was_running = now.is_any
        if self._written is not self._sent:  # also if somebody who asked had them judged
            self._sent = self._written
            self._tell("pipeline", self._written)
        return position

    def _judge_if_new(self, running: list[Run]) -> None:
        """Have the tasks judged again if a run built some that are not among them: those of categories that it read."""
        tasks = {line["task"] for run in running for line in run.events}
        unknown = tasks - {node["task"] for node in self.snapshot.get("nodes", ())} - self._unknown
        if unknown and self.snapshot:
            self._unknown |= unknown  # those that are in no job are not asked for again
            self._judged = None

    def _tell_events(self, running: list[Run]) -> None:
        """Tell the outcomes of tasks that are new."""
        before = self._events
        self._events = {run.run_id: len(run.events) for run in running}
        for run in running:
            start = before.get(run.run_id, 0)
            if len(run.events) > start:
                self._tell("events", {"run_id": run.run_id, "start": start, "events": run.events[start:]})

    def _tell(self, kind: str, content: Any) -> None:
        event = (kind, content if kind == "pipeline" else _json(content))
        for queue in list(self._listeners):
            if queue.full():  # the browser does not read; it gets everything anew when it asks again
                self._end(queue)
            else:
                queue.put_nowait(event)

    def _end(self, queue: asyncio.Queue[Event]) -> None:
        self._listeners.discard(queue)
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(OVER)


def _json(content: Any) -> str:
    """JSON in one line, without the values of variables that the settings name."""
    return json.dumps(all_hidden(content), ensure_ascii=True, default=str)


def _code() -> Iterator[Signature]:
    for folder, folders, files in os.walk(_PACKAGE):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "workbench"))
        yield from (signature(os.path.join(folder, name)) for name in sorted(files))  # noqa: PTH118  # hundreds of files
