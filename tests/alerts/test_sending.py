"""Alerts as receivers get them: a web server and a mail server of our own, and none at all."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from alert_runs import a_run, event
from projects import Project
from servers import body, free_port, mail_server, mail_url, subject

from pipeline import alerts
from pipeline.alerts.send import send, shown
from pipeline.config import environment
from pipeline.records.runs import BUILT, CUT_OFF, FAILED

SECRET = "s3cr3t-password"  # noqa: S105  # planted
TOKEN = "t0k3n-in-the-path"  # noqa: S105


class Web:
    """A web server that keeps what it is sent."""

    def __init__(self, status: int = 200, wait: float = 0.0) -> None:
        received: list[dict[str, str]] = []
        closing = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(json.loads(body) | {"path": self.path, "login": self.headers.get("Authorization", "")})
                closing.wait(wait)
                try:
                    self.send_response(status)
                    self.end_headers()
                except OSError:  # who waited for the answer is gone
                    pass

            def log_message(self, *_: object) -> None:
                pass

        self.received, self.closing = received, closing
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def url(self, path: str = TOKEN, query: str = "") -> str:
        return f"json://robot:{SECRET}@127.0.0.1:{self.port}/{path}{query}"


@contextmanager
def serving(status: int = 200, wait: float = 0.0) -> Iterator[Web]:
    web = Web(status, wait)
    thread = threading.Thread(target=web.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield web
    finally:
        web.closing.set()
        web.server.shutdown()
        thread.join()
        web.server.server_close()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """Everything that anyone logs; ours too where an earlier run in this process told Luigi to be quiet."""
    ours = logging.getLogger("luigi-interface.pipeline")
    monkeypatch.setattr(ours, "handlers", [caplog.handler])
    monkeypatch.setattr(ours, "propagate", False)
    caplog.set_level(logging.DEBUG, ours.name)
    caplog.set_level(0)
    return caplog


def configured(project: Project, monkeypatch: pytest.MonkeyPatch, *urls: str, **settings: object) -> environment.Config:
    names = [f"ALERT_URL_{number}" for number in range(len(urls))]
    for name, url in zip(names, urls, strict=True):
        monkeypatch.setenv(name, url)
    environment.forget()
    project.configure(alerts={"urls": [f"${{{name}:-}}" for name in names], **settings})
    return environment.load("dev")


def warned(log: pytest.LogCaptureFixture) -> list[str]:
    """The warnings of ours; nothing else was logged, and no secret is in anything."""
    assert {record.name for record in log.records} <= {"luigi-interface.pipeline"}
    assert all(record.levelno == logging.WARNING and not record.exc_info for record in log.records)
    assert SECRET not in log.text
    assert TOKEN not in log.text
    return [record.getMessage() for record in log.records]


def test_a_web_server_gets_the_title_and_the_body(
    project: Project, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    with serving() as web:
        send(configured(project, monkeypatch, web.url()), "the title", "first\n- <b>Bread & Co.</b>: ä", kind="failure")
    [got] = web.received
    assert (got["title"], got["message"], got["type"]) == ("the title", "first\n- <b>Bread & Co.</b>: ä", "failure")
    assert got["path"] == f"/{TOKEN}"
    assert got["login"].startswith("Basic ")
    assert warned(log) == []


def test_every_url_is_tried_and_empty_ones_are_none(
    project: Project, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    dead = f"json://robot:{SECRET}@127.0.0.1:{free_port()}/{TOKEN}"
    with serving() as web:
        send(configured(project, monkeypatch, web.url("a"), "", dead, web.url("b")), "t", "b")
    assert [got["path"] for got in web.received] == ["/a", "/b"]
    [line] = warned(log)
    assert line.startswith(
        "alert not sent to ${ALERT_URL_2:-} (json://127.0.0.1): the receiver was not reachable, refused it"
    )


def test_a_mail_server_gets_the_title_and_the_body(
    project: Project, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (port, mails):
        url = mail_url(port)
        send(configured(project, monkeypatch, url), "store-clustering dev: failed", "failed:\n- Merging: <no> disk")
    assert [line for line in log.records if line.name.startswith("luigi")] == []
    [mail] = mails
    assert subject(mail) == "store-clustering dev: failed"
    assert "ann@example.com" in mail["To"]
    assert mail["From"] == "robot@example.com"
    assert "failed:\n- Merging: <no> disk" in body(mail).replace("\r\n", "\n")


def test_a_mail_server_that_is_not_there_is_one_warning_without_the_secret(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    log: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = f"mailto://robot:{SECRET}@127.0.0.1:{free_port()}/?to={TOKEN}.example.com&mode=insecure"
    send(configured(project, monkeypatch, url), "t", "b")
    assert len(warned(log)) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("status", [401, 500])
def test_a_receiver_that_refuses_is_one_warning_without_the_secret(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    log: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    status: int,
) -> None:
    with serving(status) as web:
        send(configured(project, monkeypatch, web.url()), "t", "b")
        assert len(web.received) == 1
    assert len(warned(log)) == 1
    assert capfd.readouterr() == ("", "")


def test_a_receiver_that_does_not_answer_is_given_up(
    project: Project, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    with serving(wait=60) as web:
        began = time.monotonic()
        send(configured(project, monkeypatch, web.url(query="?rto=0.2&cto=0.2")), "t", "b")
        assert time.monotonic() - began < 30
    assert "did not answer in time" in warned(log)[0]


@pytest.mark.parametrize(
    "url",
    [
        f"nonsense {SECRET}",
        f"nosuch://{SECRET}/{TOKEN}",
        "json://",
        f"json://u:{SECRET}/@[/",
        f"slack://{SECRET}/{TOKEN}",
        f"tgram://{SECRET}/{TOKEN}",
    ],
)
def test_what_is_no_url_is_one_warning_without_the_secret(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    log: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    url: str,
) -> None:
    send(configured(project, monkeypatch, url), "t", "b")
    [line] = warned(log)
    assert line.startswith(
        "alert not sent to ${ALERT_URL_0:-}: its value is not a URL that Apprise supports; try: apprise -vv"
    )
    assert capfd.readouterr() == ("", "")


def test_a_fault_inside_apprise_is_a_warning_too(
    project: Project, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    import apprise

    def broken(*_: object, **__: object) -> None:
        logging.getLogger("anything").critical(SECRET)
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(apprise.Apprise, "notify", broken)
    send(configured(project, monkeypatch, f"json://u:{SECRET}@localhost"), "t", "b")
    assert "Apprise failed (ZeroDivisionError)" in warned(log)[0]
    logging.getLogger("anything").warning("logging is as it was")
    assert log.records[-1].getMessage() == "logging is as it was"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("json://robot:pw@localhost:8080/token?x=1", " (json://localhost)"),
        ("mailtos://user:pw@example.com?to=a", " (mailtos://example.com)"),
        ("https://hooks.example.com/T0/B0/x", " (https://hooks.example.com)"),
        ("json://user:p/w@localhost", ""),
        ("json://pa?ss@localhost", ""),
        ("json://pa#ss@localhost", ""),
        ("slack://token/a/b", ""),
        ("tgram://123456:abc/1", ""),
        ("token", ""),
        ("json://[", ""),
        ("", ""),
    ],
)
def test_of_a_url_only_what_is_surely_no_secret_is_shown(url: str, host: str) -> None:
    assert shown(url) == host


BUILT_RUN = a_run(event(BUILT, "Merging"))
RUNS = {
    "failed": (a_run(event(FAILED, "Merging", error="e"), status="failed"), [], ""),
    "interrupted": (a_run(event(BUILT, "Merging"), status="interrupted"), [], ""),
    "nothing built, missing data": (None, [], "no raw file"),
    "something to look at": (BUILT_RUN, ["Bread: the verdict changed (tiers -> separated)"], ""),
    "built": (BUILT_RUN, [], ""),
    "only unchanged": (a_run(event(CUT_OFF, "Merging")), [], ""),
    "nothing to do": (None, [], ""),
}
UNSUCCESSFUL = {"failed", "interrupted", "nothing built, missing data"}


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("failure", UNSUCCESSFUL),
        ("attention", UNSUCCESSFUL | {"something to look at"}),
        ("always", UNSUCCESSFUL | {"something to look at", "built", "only unchanged", "nothing to do"}),
        ("never", set()),
    ],
)
def test_the_level_decides_which_runs_are_told_of(
    project: Project, monkeypatch: pytest.MonkeyPatch, level: str, told: set[str]
) -> None:
    kinds = {
        "something to look at": "warning",
        "built": "success",
        "only unchanged": "success",
        "nothing to do": "success",
    }
    with serving() as web:
        found = configured(project, monkeypatch, web.url(), level=level)
        assert alerts.wanted(found) == (level != "never")
        for name, (run, findings, problem) in RUNS.items():
            web.received.clear()
            alerts.after_run(found, run, findings, problem)
            assert [got["type"] for got in web.received] == ([kinds.get(name, "failure")] if name in told else []), name


def test_without_a_url_nothing_is_sent_and_apprise_is_not_imported(project: Project) -> None:
    import subprocess
    import sys

    project.configure(alerts={"urls": ["${NO_SUCH_VARIABLE:-}"], "level": "always"})
    code = (
        "import sys; from pipeline import alerts; from pipeline.config import environment; found = environment.load('dev'); assert not alerts.wanted(found); "
        "alerts.after_run(found, None, [], 'problem'); "
        "assert not {'apprise', 'pandas', 'duckdb', 'numpy', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
