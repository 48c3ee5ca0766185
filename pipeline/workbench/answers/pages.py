"""What a browser opens: the page with its scripts and styles, the report, the documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tornado.web import HTTPError

from pipeline.config import environment
from pipeline.workbench import assets
from pipeline.workbench.answers.handler import Handler
from pipeline.workbench.guard import REPORT_HEADERS


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


class Report(Handler):
    """The report, as it is."""

    is_page = True

    def get(self, env: str) -> None:
        """The file."""
        watched = self.env(env)
        content = _content(watched.outputs / "report.html", watched.outputs)
        if content is None:
            raise HTTPError(404, f"environment {env} has no report yet: launch FullPipeline")
        for name, value in REPORT_HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(content)


class Document(Handler):
    """The workbook and its sheets."""

    is_page = True

    async def get(self, env: str, name: str) -> None:
        """One of the files that the pipeline publishes for people; nothing else of the project is served."""
        watched = self.env(env)
        await watched.current()
        documents = watched.snapshot.get("documents", [])
        path = next((self.bench.home / text for text in documents if Path(text).name == name), None)
        content = _content(path, watched.outputs) if path else None
        if content is None:
            raise HTTPError(404, f"{name!r} is no document of environment {env}, or is not built yet")
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(content)


def _content(path: Path, outputs: Path) -> bytes | None:
    """The content of a file; None if there is none among the outputs: a link may lead out of them."""
    return path.read_bytes() if path.is_file() and path.resolve().is_relative_to(outputs.resolve()) else None


class Nothing(Handler):
    """Every other address."""

    def get(self) -> None:
        """Nothing is there."""
        raise HTTPError(404, "there is nothing at this address")

    post = get
