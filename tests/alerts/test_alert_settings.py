"""`[alerts]` in a config: URLs come from variables, and no message or record holds one."""

from __future__ import annotations

import pytest
from projects import CATEGORIES, Project

from pipeline.config import environment
from pipeline.errors import SettingsError
from pipeline.records import runs

SECRET = "json://user:s3cr3t@localhost/"  # noqa: S105  # planted


def faults(project: Project, **sections: object) -> list[str]:
    environment.forget()
    project.configure(**sections)
    with pytest.raises(SettingsError) as caught:
        environment.load("dev")
    assert "s3cr3t" not in str(caught.value)
    return caught.value.lines


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        "json://user:${PASSWORD}@localhost/",
        "${ALERT_URL:-json://u:s3cr3t@localhost}",
        "${A}${B}",
        " ${A}",
        "",
        3,
    ],
)
def test_a_url_in_plain_text_is_a_fault_that_does_not_repeat_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, url: object
) -> None:
    for name in ("A", "B", "PASSWORD"):
        monkeypatch.setenv(name, "x")
    assert faults(project, alerts={"urls": ["${A}", url]}) == [
        "configs/dev.toml: alerts.urls[1]: URLs hold secrets; name an environment variable instead, such as "
        '"${ALERT_URL}", or "${ALERT_URL:-}" if it may be empty'
    ]


@pytest.mark.parametrize("urls", [SECRET, "${ALERT_URL}"])
def test_one_url_that_is_not_in_a_list_is_a_fault_that_does_not_show_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, urls: str
) -> None:
    monkeypatch.setenv("ALERT_URL", SECRET)
    assert faults(project, alerts={"urls": urls}) == [
        'configs/dev.toml: alerts.urls: expected a list of variables, such as ["${ALERT_URL}"]'
    ]


def test_a_fault_shows_a_variable_as_it_is_written_not_its_value(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_URL", SECRET)
    lines = faults(
        project,
        alerts={"level": "${ALERT_URL}", "max_moved_share": "${ALERT_URL}"},
        merging="${ALERT_URL}",
        sources={"external": "${ALERT_URL}"},
    )
    assert len(lines) == 4
    assert all("found '${ALERT_URL}'" in line for line in lines)
    assert any(
        "alerts.level: invalid value, found '${ALERT_URL}'; allowed are 'failure', 'attention'" in x for x in lines
    )


def test_a_variable_may_be_empty_only_where_the_config_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_URL", raising=False)
    assert "the environment variable ALERT_URL is not set" in faults(project, alerts={"urls": ["${ALERT_URL}"]})[0]
    environment.forget()
    project.configure(alerts={"urls": ["${ALERT_URL:-}"]})
    assert environment.load("dev").settings.alerts.urls == ("",)


def test_the_level_of_an_environment_stands_on_top_of_base(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.forget()
    monkeypatch.setenv("ALERT_URL", SECRET)
    project.settings["alerts"] = {"urls": ["${ALERT_URL}"], "level": "failure"}
    project.configure("dev", alerts={"level": "always"})
    project.configure("prod")
    assert [environment.load(env).settings.alerts.level for env in ("dev", "prod")] == ["always", "failure"]
    assert environment.load("prod").settings.alerts.urls == (SECRET,)


def test_the_kept_settings_of_a_run_do_not_hold_the_url(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_URL", SECRET)
    environment.forget()
    built.configure(alerts={"urls": ["${ALERT_URL}"]}, merging={"internal_weight": 0.7})
    outcome = built.build()
    merged = {"Merging", *(f"MergeCategory({name})" for name in CATEGORIES)}
    assert outcome.built == {*merged, "Migrations", "AssignmentModel", "Warehouse", "Report", "Workbook"}, (
        "alerts are no reason to rebuild"
    )
    kept = (runs.folder(environment.load("dev")) / f"{runs.current()}.toml").read_text()
    assert "ALERT_URL" in kept
    assert not [path for path in built.home.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()], (
        "the secret is in no file: settings, traces, log, database"
    )
