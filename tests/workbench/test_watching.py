"""What is told of an environment when its files change, also in the middle of a look."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import Project

from pipeline.records import runs
from pipeline.workbench import watching
from pipeline.workbench.children import Answer
from pipeline.workbench.configs import Configs, signature
from pipeline.workbench.watching import Environment

RAW = "data/raw/needs.csv"


class Judge:
    """Stands for the child process that judges the tasks; while it does, something happens."""

    def __init__(self, home: Path, meanwhile: Callable[[], object]) -> None:
        self.home, self.meanwhile, self.times = home, meanwhile, 0

    async def module(self, *_words: str, **_options: object) -> Answer:
        self.times += 1
        watched = {str(self.home / RAW): signature(self.home / RAW)}
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return Answer(json.dumps({"nodes": [], "errors": [], "number": self.times, "watched": watched}).encode(), "", 0)


def environment(project: Project, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> tuple[Environment, Judge]:  # fmt: skip
    monkeypatch.setattr(watching, "EVERY", 0)
    judge: Any = Judge(project.home, meanwhile)
    return Environment(project.home, "dev", judge, Configs(project.home)), judge


def written(project: Project, path: str) -> Callable[[], object]:
    file = project.path(path)

    def write() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{file.read_text() if file.exists() else ''}\n")

    return write


@pytest.mark.parametrize("path", ["configs/dev.toml", "configs/base.toml", RAW, "outputs/dev/.trace/merging.json"])
def test_what_changes_while_the_tasks_are_judged_is_judged_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def ask() -> None:
        env, judge = environment(project, monkeypatch, written(project, path))
        await env.current()
        assert json.loads(await env.current())["number"] == judge.times == 2
        await env.current()
        assert judge.times == 2, "nothing changed since"

    asyncio.run(ask())


def test_who_listens_is_told_what_somebody_else_had_judged(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def listen() -> None:
        env, judge = environment(project, monkeypatch, lambda: None)
        queue = await env.listen()

        async def told() -> int:
            while True:
                kind, text = await asyncio.wait_for(queue.get(), 10)
                if kind == "pipeline":
                    return json.loads(text)["number"]

        assert await told() == 1
        written(project, RAW)()
        await env.current()
        assert await told() == judge.times == 2
        env.leave(queue)

    asyncio.run(listen())


def test_a_listener_that_reads_nothing_is_let_go_and_asked_to_come_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listen() -> None:
        env, _ = environment(project, monkeypatch, lambda: None)
        queue = await env.listen()
        events = []
        for _ in range(100):
            written(project, RAW)()
            await env.current()
            await asyncio.sleep(0.001)
        while not queue.empty():
            events.append(queue.get_nowait())
        assert events[-1] == watching.OVER
        assert len(events) <= 50
        env.leave(queue)

    asyncio.run(listen())


def test_all_who_ask_at_once_share_a_look(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> None:
        env, judge = environment(project, monkeypatch, lambda: None)
        monkeypatch.setattr(watching, "EVERY", 60)
        looks = []
        inputs = env._inputs
        monkeypatch.setattr(env, "_inputs", lambda: looks.append(1) or inputs())
        answers = await asyncio.gather(*(env.current() for _ in range(50)))
        assert (len({*answers}), judge.times, len(looks)) == (1, 1, 1)

    asyncio.run(ask())


def test_a_run_that_builds_tasks_that_nobody_knew_of_has_the_tasks_judged_again_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = project.path("outputs/dev/.runs/20260101T000000-aaaaaaaa.jsonl")
    record.parent.mkdir(parents=True)
    started = {"event": "started", "run_id": record.stem, "env": "dev", "tags": {}, "at": "2026-01-01T00:00:00", "user": "anna", "host": socket.gethostname(), "pid": os.getpid(), "process_started": runs.process_started(os.getpid())}  # fmt: skip
    record.write_text(f"{json.dumps(started)}\n")

    async def listen() -> None:
        env, judge = environment(project, monkeypatch, lambda: None)
        monkeypatch.setattr(watching, "EVERY", 0.01)
        queue = await env.listen()
        events: list[dict[str, Any]] = []

        async def hear(seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                while not queue.empty():
                    kind, text = queue.get_nowait()
                    if kind == "events":
                        assert json.loads(text)["start"] == len(events)
                        events.extend(json.loads(text)["events"])
                await asyncio.sleep(0.01)

        for category in ("Tea", "Bread"):
            await hear(0.4)
            with record.open("a") as file:
                file.write(json.dumps({"event": "built", "task": f"ClusterCategory({category})", "at": ""}) + "\n")
        await hear(0.4)
        assert [event["task"] for event in events] == ["ClusterCategory(Tea)", "ClusterCategory(Bread)"]
        assert judge.times == 3
        env.leave(queue)

    asyncio.run(listen())
