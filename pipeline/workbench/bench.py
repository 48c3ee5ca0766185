"""What all answers of a server share: the project, the guard, the environments that are watched, the child processes."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
from tornado.httputil import HTTPServerRequest

from pipeline.errors import UsageError
from pipeline.workbench.children import Children
from pipeline.workbench.configs import Configs, Signature, signature
from pipeline.workbench.guard import Guard
from pipeline.workbench.readers import Readers
from pipeline.workbench.request import Request
from pipeline.workbench.watching import Environment


class Bench:
    """The state of a server: nothing that is not in the project's files, but for its secrets."""

    def __init__(self, home: Path, guard: Guard, port: int) -> None:
        self.home, self.guard = home, guard
        self.cookie = f"store_clustering_{port}"
        self.children, self.readers, self.configs = Children(home), Readers(home), Configs(home)
        self._launched: dict[str, subprocess.Popen[bytes]] = {}
        self._environments: dict[str, Environment] = {}
        self._catalogues: dict[Path, tuple[Signature, list[dict[str, Any]]]] = {}
        self._reading = asyncio.Lock()

    def environment(self, env: str) -> Environment:
        """An environment, the same object in every request."""
        self.configs.learn()
        if env not in self._environments:
            self._environments[env] = Environment(self.home, env, self.children, self.configs)
        return self._environments[env]

    def database(self, env: str) -> Path:
        """The published database of an environment.

        Raises
        ------
        SettingsError : the settings cannot be used
        """
        return self.configs.of(env).database

    async def read(self, request: Request) -> bytes:
        """The answer of a process that reads the database, as JSON.

        Raises
        ------
        UsageError : the database refuses the request, or it takes too long
        """
        return await self.readers.answer(msgspec.json.encode(request))

    async def catalogue(self, database: Path) -> list[dict[str, Any]]:
        """The tables of a database; read again only if the file is another one.

        Raises
        ------
        UsageError : as for `read`
        """
        async with self._reading:  # whoever asks meanwhile has the same answer
            written = signature(database)
            if self._catalogues.get(database, (None, []))[0] != written:
                self._catalogues[database] = written, json.loads(await self.read(Request(str(database))))
        return self._catalogues[database][1]

    @staticmethod
    def asked(body: bytes | str) -> dict[str, Any]:
        """The JSON object of a request.

        Raises
        ------
        UsageError : it is none
        """
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise UsageError("this request is no JSON object")
        return content

    @staticmethod
    def origin(request: HTTPServerRequest) -> str:
        """From where a request comes, for the audit."""
        return str(request.remote_ip)

    def launched(self, output: Path, process: subprocess.Popen[bytes]) -> None:
        """Note a run that this server launched, by the file with what it prints."""
        self._launched[output.name] = process

    def is_running(self, output: str) -> bool:
        """Whether the run that prints to this file was launched by this server and has not ended."""
        process = self._launched.get(output)
        return process is not None and process.poll() is None

    def reap(self) -> None:
        """Let ended runs go: a process that nobody waits for looks alive."""
        for output in [name for name in self._launched if not self.is_running(name)]:
            del self._launched[output]
