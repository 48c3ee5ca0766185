"""Links from luigid's page to the workbench."""

from __future__ import annotations

import pytest
from projects import Project

from pipeline import tasks
from pipeline.stage.declared import DeclaredStage

ADDRESS = "https://workbench.example.com"


def link_of(task: DeclaredStage) -> str:
    """The link that the task has on luigid's page."""
    links: list[str] = []
    task.set_tracking_url = links.append
    task.link()
    return links[-1]


def test_a_task_at_luigid_leads_to_itself_on_the_workbench(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_CLUSTERING_WORKBENCH", f"{ADDRESS}/")
    assert link_of(tasks.Merging(env="dev")) == f"{ADDRESS}/#dev/pipeline/Merging"
    tea = tasks.ClusterCategory(env="dev", category="Tea/Cocoa & 50 %")
    assert link_of(tea) == f"{ADDRESS}/#dev/pipeline/ClusterCategory/Tea%2FCocoa%20%26%2050%20%25"
    monkeypatch.delenv("STORE_CLUSTERING_WORKBENCH")
    assert link_of(tea) == project.path("outputs/dev/report.html").as_uri()
