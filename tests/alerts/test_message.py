"""What an alert says of a run."""

from __future__ import annotations

import pytest
from alert_runs import a_run, event
from projects import Project

from pipeline.alerts.message import compose
from pipeline.config import environment
from pipeline.records import runs
from pipeline.records.runs import BUILT, CUT_OFF, FAILED


@pytest.fixture
def dev(project: Project) -> environment.Config:
    environment.forget()
    return environment.load("dev")


def test_a_good_run_says_what_was_built_and_what_to_look_at(dev: environment.Config) -> None:
    run = a_run(event(BUILT, "Merging"), event(BUILT, "Warehouse"), event(CUT_OFF, "X"), tags={"reason": "nightly"})
    message = compose(dev, run, ["a", "b", "c"])
    assert message.title == "store-clustering dev: done, 3 things to look at"
    assert message.body.splitlines() == [
        "run 20261125T020005-0a1b2c3d of dev by ann on box",
        "started 2026-11-25 02:00:05, ended 2026-11-25 02:03:05 (UTC)",
        "tags: reason=nightly",
        "built: Merging, Warehouse",
        "cut off, inputs unchanged: 1",
        "to look at:",
        "- a",
        "- b",
        "- c",
    ]
    assert compose(dev, run, ["a"]).title == "store-clustering dev: done, 1 thing to look at"
    assert compose(dev, run, []).title == "store-clustering dev: done"


def test_a_failed_run_names_the_task_and_its_error_in_one_line(dev: environment.Config) -> None:
    run = a_run(event(FAILED, "Merging", error="RuntimeError: first\n  second"), event(BUILT, "X"), status="failed")
    message = compose(dev, run, [])
    assert (message.outcome, message.title) == ("failed", "store-clustering dev: failed")
    assert "failed:\n- Merging: RuntimeError: first second\nbuilt: X" in message.body


def test_a_run_that_says_done_with_a_failed_task_has_failed(dev: environment.Config) -> None:
    assert compose(dev, a_run(event(FAILED, "X", error="e"), status="running"), []).outcome == "failed"


def test_a_run_that_was_ended_is_interrupted(dev: environment.Config) -> None:
    assert compose(dev, a_run(status="interrupted"), []).title == "store-clustering dev: interrupted"


def test_a_run_that_did_nothing_can_have_failed(dev: environment.Config) -> None:
    message = compose(dev, None, [], "no raw file at 'data/raw/needs.csv'")
    assert message.title == "store-clustering dev: failed"
    assert message.body == "environment dev: the run built nothing\nfailed:\n- no raw file at 'data/raw/needs.csv'"


def test_many_failures_and_long_errors_are_cut(dev: environment.Config) -> None:
    run = a_run(*(event(FAILED, f"Task{number}", error="x" * 9000) for number in range(500)), status="failed")
    body = compose(dev, run, [f"finding {number}" for number in range(50)]).body
    assert "- and 490 more" in body
    assert "- and 40 more" in body
    assert len(body) < 8000


def test_no_value_of_a_variable_of_the_config_is_in_the_body(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, short, blanks, quoted = "json://u:s3cr3t@localhost/path", "x9", "two  blanks", "it's\\odd"
    for name, value in {
        "ALERT_URL": secret,
        "SHORT": short,
        "BLANKS": blanks,
        "QUOTED": quoted,
        "LONG": secret + "/a",
    }.items():
        monkeypatch.setenv(name, value)
    environment.forget()
    project.configure(
        alerts={"urls": ["${ALERT_URL}"]},
        warehouse={"path": "${SHORT}/${BLANKS}/${QUOTED}${EMPTY:-}.duckdb"},
        logging={"folder": "${LONG}"},
    )
    found = environment.load("dev")
    error = f"cannot write {short}/{blanks} {quoted!r} {secret} {secret}/a; max9 stays"
    run = a_run(event(FAILED, f"T({secret})", error=error), status="failed", tags={"from": secret})
    body = compose(found, run, [f"finding {secret}"], f"problem {secret}").body
    for value in (secret, "s3cr3t", blanks, quoted, repr(quoted)[1:-1]):
        assert value not in body
    assert '- T(${ALERT_URL}): cannot write ${SHORT}/${BLANKS} "${QUOTED}" ${ALERT_URL} ${LONG}; max9 stays' in body
    assert "tags: from=${ALERT_URL}" in body
    assert "- finding ${ALERT_URL}" in body
    assert "- problem ${ALERT_URL}" in body


def test_the_record_of_a_real_run_makes_a_message(built: Project) -> None:
    environment.forget()
    found = environment.load("dev")
    run = next(runs.every(found))
    body = compose(found, run, []).body
    assert body.startswith(f"run {run.run_id} of dev by {run.user} on {run.host}\nstarted ")
    assert "built: " in body
    assert "ClusterCategory(Coffee)" in body
