"""Alerts on every end of a run, also of one that never began or never ends, and a heartbeat for those that ended well."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import luigi
import pytest
from projects import Project

from pipeline import tasks
from pipeline.config import environment
from pipeline.errors import SettingsError
from pipeline.records import runs
from pipeline.run.session import session
from pipeline.storage import locks

SECRET = "s3cr3t-password"  # noqa: S105  # planted


class Receiver:
    """What alerts, by POST, and heartbeats, by GET, a server gets."""

    def __init__(self, server: HTTPServer) -> None:
        self.port = server.server_port
        self.alerts: list[dict[str, str]] = []
        self.heartbeats: list[str] = []

    @property
    def environ(self) -> dict[str, str]:
        """The variables that the config names."""
        return {
            "ALERT_URL": f"json://robot:{SECRET}@127.0.0.1:{self.port}/alert",
            "HEARTBEAT_URL": f"http://127.0.0.1:{self.port}/{SECRET}",
        }

    def text(self) -> str:
        """The one alert: its title and body."""
        (alert,) = self.alerts
        self.alerts.clear()
        assert SECRET not in json.dumps(alert)
        return f"{alert['title']}\n{alert['message']}"


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.alerts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            receiver.heartbeats.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ALERTS = {"urls": ["${ALERT_URL}"], "heartbeat_url": "${HEARTBEAT_URL}"}
RUN = ("store-clustering", "run", "--quiet")
LUIGI = ("luigi", "--module", "pipeline.tasks", "ExternalPreprocessing", "--env", "dev", "--local-scheduler")


def broken(project: Project, **alerts: object) -> None:
    """A config with `[alerts]` that can be used and a source that cannot."""
    project.configure(
        alerts={**ALERTS, **alerts}, external={"clustering": {"k": "two"}}, logging={"folder": "${SECRET}"}
    )


@pytest.mark.parametrize("command", [RUN, LUIGI])
def test_a_config_that_cannot_be_used_is_alerted_of(project: Project, command: tuple[str, ...]) -> None:
    broken(project)
    with receiving() as receiver:
        done = project.command(*command, **receiver.environ, SECRET=SECRET)
    assert done.returncode == 2, done.stderr
    text = receiver.text()
    assert text.startswith(
        "store-clustering dev: failed\nenvironment dev: the run did not begin\nfailed:\n- configs/dev.toml"
    )
    assert "external.clustering.k" in text
    assert receiver.heartbeats == []
    assert SECRET not in done.stderr + done.stdout


def test_a_program_that_builds_with_such_a_config_alerts_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(project)
    session.renew()
    with receiving() as receiver:
        for name, value in {**receiver.environ, "SECRET": SECRET}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SettingsError):
            luigi.build([tasks.ExternalPreprocessing(env="dev")], local_scheduler=True, log_level="ERROR")
    assert "external.clustering.k" in receiver.text()


def test_the_other_commands_and_a_dry_run_alert_of_nothing(project: Project) -> None:
    broken(project)
    with receiving() as receiver:
        for words in (["status"], ["check"], ["run", "--dry-run"]):
            assert project.command("store-clustering", *words, **receiver.environ, SECRET="x").returncode == 2  # noqa: S106
    assert receiver.alerts == []


def test_a_file_that_is_no_toml_is_alerted_of_by_the_other_file(project: Project) -> None:
    project.settings["alerts"] = ALERTS
    project.configure()
    project.path("configs/dev.toml").write_text("[merging\n")
    with receiving() as receiver:
        assert project.command(*RUN, **receiver.environ).returncode == 2
    assert "configs/dev.toml: not valid TOML" in receiver.text()


@pytest.mark.parametrize(
    "alerts",
    [
        {"urls": ["${ALERT_URL}"], "level": "sometimes"},
        {"urls": [f"json://u:{SECRET}@localhost"]},
        {"urls": "${ALERT_URL}"},
    ],
)
def test_where_alerts_cannot_be_read_either_a_line_says_that_nothing_was_sent(
    project: Project, alerts: dict[str, object]
) -> None:
    project.configure(alerts=alerts)
    with receiving() as receiver:
        done = project.command(*RUN, **receiver.environ)
    assert (done.returncode, receiver.alerts) == (2, [])
    assert "warning: no alert was sent: [alerts] of environment dev cannot be read either" in done.stderr
    assert SECRET not in done.stderr


def test_a_held_environment_is_alerted_of(project: Project) -> None:
    project.configure(alerts=ALERTS)
    with receiving() as receiver, locks.held(project.path("outputs/dev/.locks/run")):
        assert project.command(*RUN, **receiver.environ).returncode == 10
    assert "is already running here" in receiver.text()
    assert receiver.heartbeats == []


@pytest.mark.parametrize("command", [RUN, LUIGI])
def test_a_night_without_work_sends_a_heartbeat_and_with_always_an_alert(
    built: Project, command: tuple[str, ...]
) -> None:
    built.configure(alerts=ALERTS)
    with receiving() as receiver:
        assert built.command(*command, **receiver.environ).returncode == 0
        assert (receiver.alerts, receiver.heartbeats) == ([], [f"/{SECRET}"])
        built.configure(alerts={**ALERTS, "level": "always"})
        assert built.command(*command, **receiver.environ).returncode == 0
        assert receiver.text().startswith("store-clustering dev: done\n")


def test_a_program_sends_a_heartbeat_after_each_of_its_builds(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    built.configure(alerts=ALERTS)
    session.renew()
    with receiving() as receiver:
        for name, value in receiver.environ.items():
            monkeypatch.setenv(name, value)
        for _ in range(2):
            assert luigi.build([tasks.FullPipeline(env="dev")], local_scheduler=True, log_level="ERROR")
    assert len(receiver.heartbeats) == 2


@pytest.mark.parametrize("command", [RUN, LUIGI])
def test_a_run_that_failed_sends_no_heartbeat(project: Project, command: tuple[str, ...]) -> None:
    project.configure(alerts=ALERTS)
    project.path("data/raw/external.parquet").write_bytes(b"x")
    with receiving() as receiver:
        assert project.command(*command, **receiver.environ).returncode == 30
    assert "external.parquet" in receiver.text()
    assert receiver.heartbeats == []


def test_a_luigid_that_does_not_answer_is_alerted_of_and_sends_no_heartbeat(built: Project) -> None:
    built.configure(alerts=ALERTS)
    words = [*LUIGI[:-1], "--scheduler-port", "9"]
    with receiving() as receiver:
        done = built.command(*words, LUIGI_CONFIG_PATH=str(_quick(built)), **receiver.environ)
    assert done.returncode == 40
    assert receiver.heartbeats == []
    assert receiver.text().startswith("store-clustering dev: failed\n")


def _quick(project: Project) -> Path:
    path = project.path("quick.cfg")
    path.write_text("[core]\nrpc_retry_attempts = 1\nrpc_retry_wait = 0\n")
    return path


def test_a_heartbeat_that_cannot_be_sent_is_one_warning_without_the_address(built: Project) -> None:
    built.configure(alerts={"heartbeat_url": "${HEARTBEAT_URL}"})
    done = built.command(*RUN, HEARTBEAT_URL=f"http://127.0.0.1:9/{SECRET}")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: heartbeat not sent to ${HEARTBEAT_URL} (http://127.0.0.1): ")


def test_the_address_of_a_heartbeat_is_a_variable(project: Project) -> None:
    environment.forget()
    project.configure(alerts={"heartbeat_url": f"https://example.com/{SECRET}"})
    with pytest.raises(SettingsError, match="heartbeat_url: URLs hold secrets") as caught:
        environment.load("dev")
    assert SECRET not in str(caught.value)


SLOW = """
import sys, time
import luigi
from pipeline import tasks
from pipeline.stage import base
base.build.build_if_stale = lambda stage, started: time.sleep(float(sys.argv[1]))
luigi.build([tasks.ExternalPreprocessing(env="dev")], local_scheduler=True, log_level="ERROR")
"""


def test_a_run_that_takes_too_long_is_alerted_of_while_it_goes_on_and_one_that_does_not_is_not(
    project: Project,
) -> None:
    project.configure(alerts={**ALERTS, "max_hours": 1.5 / 3600})
    with receiving() as receiver:
        threading.Thread(
            target=project.command, args=(sys.executable, "-c", SLOW, "8"), kwargs=receiver.environ
        ).start()
        for _ in range(200):
            if receiver.alerts:
                break
            time.sleep(0.1)
        (alert,) = [dict(alert) for alert in receiver.alerts[:1]]
        assert alert["title"].startswith("store-clustering dev: still running after ")
        assert "is not over after" in alert["message"]
    project.configure(alerts={**ALERTS, "max_hours": 1.0})
    with receiving() as receiver:
        assert project.command(*LUIGI, **receiver.environ).returncode == 0
        assert receiver.alerts == []


def test_a_tagged_run_with_nothing_to_do_leaves_a_record_and_another_none(built: Project) -> None:
    def records() -> list[runs.Run]:
        environment.forget()
        return list(runs.every(environment.load("dev")))

    before = len(records())
    assert built.command("store-clustering", "run").returncode == 0
    assert built.luigi("FullPipeline").returncode == 0
    assert len(records()) == before
    done = built.command("store-clustering", "run", "--tag", "reason=nightly")
    assert done.stdout.startswith("nothing to do: every target is fresh\n")
    assert built.luigi("FullPipeline", "--tag", "reason=rehearsal").returncode == 0
    *_, first, second = records()
    assert len(records()) == before + 2
    assert (first.tags, first.status, first.events) == ({"reason": "nightly"}, "done", [])
    assert (second.tags, second.status) == ({"reason": "rehearsal"}, "done")
    assert "Warehouse" in first.fresh
