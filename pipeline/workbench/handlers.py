"""What each address of the page answers. A GET changes nothing; both changes, launch and cancel, are POSTs, and audited."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from pipeline import schema
from pipeline.config import environment
from pipeline.errors import ALREADY_RUNNING, PipelineError, UsageError
from pipeline.wording.variables import all_hidden
from pipeline.workbench import activity, assets, audit, launching
from pipeline.workbench.bench import Bench
from pipeline.workbench.guard import HEADERS, REPORT_HEADERS
from pipeline.workbench.request import SECONDS, Request
from pipeline.workbench.watching import OVER, Environment

_HEARTBEAT = 15  # seconds; a proxy closes a connection on which nothing is said
_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet",
          "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip


class Handler(RequestHandler):
    """Base: checks the host, the session and, for everything but a page itself, that a page of ours asks."""

    bench: Bench
    is_page = False  # whether it may be opened by a link of another page

    def initialize(self, bench: Bench) -> None:
        """Called by Tornado."""
        self.bench = bench

    def set_default_headers(self) -> None:
        """What a page of ours may do in a browser."""
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Refuse what the guard refuses."""
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
        watched = self.bench.environment(name)
        watched.learn()
        return watched

    def say(self, content: Any) -> None:
        """Answer with JSON, without the values of variables that the settings name."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(all_hidden(content), ensure_ascii=False, default=str))

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
        """Log only what nobody expected."""
        if not isinstance(value, PipelineError | HTTPError | OSError | StreamClosedError):
            super().log_exception(typ, value, tb)


class Page(Handler):
    """The page. The token of its first address becomes a cookie, and leaves the address."""

    is_page = True

    def prepare(self) -> None:
        """Take the token of the address."""
        self.bench.guard.check_host(self.request)
        token = self.get_query_argument("token", "")
        if token and self.bench.guard.is_token(token):
            self.set_cookie(self.bench.cookie, self.bench.guard.session, httponly=True, samesite="Strict", path="/")
            self.redirect("/")
            return
        super().prepare()

    def get(self) -> None:
        """The page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(assets.read("index.html"))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """An error for a person."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        text = error.log_message if isinstance(error, HTTPError) else ""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text or f"error {status_code}")


class Asset(Handler):
    """A script or a style of the page."""

    def get(self, name: str) -> None:
        """The file, one of a fixed list."""
        if name not in assets.TYPES:
            raise HTTPError(404)
        self.set_header("Content-Type", assets.TYPES[name])
        self.finish(assets.read(name))


class Session(Handler):
    """What the page has to know first."""

    def get(self) -> None:
        """The environments, and the token that changes need."""
        self.say(
            {
                "environments": environment.environments(),
                "home": self.bench.home.name,
                "read_only": self.bench.guard.read_only,
                "csrf": self.bench.guard.csrf,
                "examples": assets.examples(),
            }
        )


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
        if not re.fullmatch(rf"launched_{re.escape(env)}_\d{{8}}T\d{{6}}-[0-9a-f]{{8}}\.txt", name):
            raise HTTPError(404, f"{name!r} is no output of a launched run")
        watched = self.env(env)
        text, _ = watched.tail(watched.logs / name)
        problems = [line for line in text.splitlines() if line.startswith(("error:", "warning:"))]
        self.say({"text": text, "problems": problems, "running": self.bench.is_running(name)})


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
        if (holder := activity.activity(watched.outputs).holder) is not None:
            audit.note(path, "launch refused", origin, **note, because=f"process {holder} is running")
            self.set_status(409)
            self.say({"errors": [f"a run of {env} is going on (process {holder}): wait for its end, or cancel it"]})
            return
        audit.note(path, "launch", origin, **note)
        launched = launching.launch(self.bench.home, logs, env, command)
        self.bench.launched(launched.output, launched.process)
        audit.note(path, "launched", origin, **note, pid=launched.process.pid, output=launched.output.name)
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


class Tables(Handler):
    """The tables of the schema, and of the published database."""

    async def get(self, env: str) -> None:
        """Every table: what it is, its columns, its rows; those of the schema alone before the first build."""
        self.env(env)
        database = self.bench.database(env)
        declared = {
            table.name: {
                "name": table.name,
                "comment": f"{table.comment}; {table.grain}",
                "rows": None,
                "key": table.key,
                "columns": [
                    {"name": column.name, "type": column.type, "nullable": column.nullable, "comment": column.comment}
                    for column in table.columns
                ],
                "published": False,
            }
            for table in schema.TABLES.values()
        }
        if database.is_file():
            for relation in json.loads(await self.bench.read(Request(str(database)))):
                declared[relation["name"]] = relation | {"published": True}
        self.say([declared[name] for name in sorted(declared)])


def _request(handler: Handler, env: str) -> Request:
    database = handler.bench.database(env)
    if not database.is_file():
        raise UsageError(f"environment {env} has no database yet: launch FullPipeline")
    return Request(
        database=str(database),
        table=handler.get_query_argument("table", ""),
        sql=handler.get_query_argument("sql", "", strip=False),
        search=handler.get_query_argument("search", ""),
        column=handler.get_query_argument("column", ""),
        sort=handler.get_query_argument("sort", ""),
        descending=handler.get_query_argument("descending", "") == "true",
        offset=handler.number("offset", 0),
        limit=handler.number("limit", 100),
        format=handler.get_query_argument("format", ""),
    )


class Rows(Handler):
    """Rows of a table, or of a query."""

    async def get(self, env: str) -> None:
        """A page of rows."""
        self.env(env)
        asked = msgspec.structs.replace(_request(self, env), format="")
        if not asked.table and not asked.sql:
            raise UsageError("give a table or a query")
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(await self.bench.read(asked))


class Download(Handler):
    """All rows of a table or a query as a file."""

    async def get(self, env: str) -> None:
        """The file."""
        self.env(env)
        asked = _request(self, env)
        if asked.format not in _TYPES or not (asked.table or asked.sql):
            raise UsageError(f"give a table or a query, and a format: {', '.join(_TYPES)}")
        async with self.bench.children.streamed("reading", msgspec.json.encode(asked), 4 * SECONDS) as parts:
            self.set_header("Content-Type", _TYPES[asked.format])
            name = asked.table if re.fullmatch(r"\w+", asked.table, flags=re.ASCII) else "query"
            self.set_header("Content-Disposition", f'attachment; filename="{name}.{asked.format}"')
            with contextlib.suppress(StreamClosedError):
                async for part in parts:
                    self.write(part)
                    await self.flush()


class Report(Handler):
    """The report, as it is."""

    is_page = True

    def get(self, env: str) -> None:
        """The file."""
        path = self.env(env).outputs / "report.html"
        if not path.is_file():
            raise HTTPError(404, f"environment {env} has no report yet: launch FullPipeline")
        for name, value in REPORT_HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(path.read_bytes())


class Document(Handler):
    """The workbook and its sheets."""

    is_page = True

    async def get(self, env: str, name: str) -> None:
        """One of the files that the pipeline publishes for people; nothing else of the project is served."""
        documents = (await self.env(env).current()).get("documents", [])
        path = next((self.bench.home / text for text in documents if Path(text).name == name), None)
        if path is None or not path.is_file():
            raise HTTPError(404, f"{name!r} is no document of environment {env}, or is not built yet")
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(path.read_bytes())


class Nothing(Handler):
    """Every other address."""

    def get(self) -> None:
        """Nothing is there."""
        raise HTTPError(404, "there is nothing at this address")

    post = get


ROUTES: list[tuple[str, type[Handler]]] = [
    (r"/", Page),
    (r"/assets/([a-z.-]+)", Asset),
    (r"/report/([\w-]+)/", Report),
    (r"/documents/([\w-]+)/([\w.-]+)", Document),
    (r"/api/session", Session),
    (r"/api/([\w-]+)/pipeline", Pipeline),
    (r"/api/([\w-]+)/events", Events),
    (r"/api/([\w-]+)/runs", History),
    (r"/api/([\w-]+)/audit", Audit),
    (r"/api/([\w-]+)/output/([\w.-]+)", Output),
    (r"/api/([\w-]+)/plan", Plan),
    (r"/api/([\w-]+)/launch", Launch),
    (r"/api/([\w-]+)/cancel", Cancel),
    (r"/api/([\w-]+)/tables", Tables),
    (r"/api/([\w-]+)/rows", Rows),
    (r"/api/([\w-]+)/download", Download),
    (r".*", Nothing),
]
