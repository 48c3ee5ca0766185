"""The pipeline run by a program of the user's: `luigi.build` in a notebook or a service."""

from __future__ import annotations

import gc

import luigi
import pytest
from projects import Project

from pipeline import tasks
from pipeline.config import environment
from pipeline.errors import SettingsError
from pipeline.records import runs
from pipeline.run.session import session


def built_by(env: str = "dev") -> luigi.execution_summary.LuigiRunResult:
    """What `luigi.build` answers; nothing is renewed by hand before it."""
    task = tasks.ExternalClustering(env=env)
    return luigi.build([task], local_scheduler=True, log_level="ERROR", detailed_summary=True)


def test_a_second_build_in_a_process_reads_the_settings_as_they_are_then(project: Project) -> None:
    session.renew()
    assert built_by().status.name == "SUCCESS"
    first = runs.current()
    project.configure(external={"clustering": {"k": 2}})
    assert built_by().status.name == "SUCCESS"
    assert environment.load("dev").settings.external.clustering.k == 2
    assert runs.current() != first
    [_, second] = runs.every(environment.load("dev"))
    assert [event["task"] for event in second.tasks(runs.BUILT)] == ["ExternalClustering"]


def test_a_build_ends_its_run_and_leaves_the_program_as_it_was(project: Project) -> None:
    session.renew()
    built_by()
    [run] = runs.every(environment.load("dev"))
    assert (run.status, run.finished_at is not None) == ("done", True)
    assert gc.isenabled()


def test_a_config_that_became_invalid_is_an_error_and_no_success(project: Project) -> None:
    session.renew()
    built_by()
    project.configure(external={"clustering": {"k": "two"}})
    with pytest.raises(SettingsError, match=r"external\.clustering\.k: "):
        built_by()


@pytest.mark.parametrize("env", ["nowhere", ""])
def test_a_bad_environment_is_an_exception_that_a_program_can_catch(project: Project, env: str) -> None:
    session.renew()
    with pytest.raises(SettingsError, match="environment"):
        tasks.FullPipeline(env=env)
