"""What takes long: from an empty clone to clusters on the page alone; many requests while a run goes on; the proxy."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chromium
import pytest
import workbenches
from conftest import ROOT
from projects import Project
from workbench_pages import Open

LONG = 280_000


@pytest.mark.nightly
def test_from_an_empty_clone_to_clusters_without_the_terminal(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    with workbenches.served(tmp_path) as bench, chromium.new_page() as page:
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(bench.address)
        opened = Open(page, bench, Project(tmp_path, {}), said)
        opened.now("are stale")
        assert "SampleData" in page.locator(".columns").inner_text()
        opened.launch("FullPipeline")
        page.locator("#now").get_by_text("A run of dev is going on").wait_for(timeout=LONG)
        page.locator("#now").get_by_text("are fresh").wait_for(timeout=LONG)
        opened.go("tables/store_clusters")
        page.get_by_text("1 to 100 of").first.wait_for(timeout=LONG)
        with page.expect_popup() as popup:
            page.get_by_role("link", name="Report", exact=True).click()
        popup.value.get_by_text("The verdict").first.wait_for(timeout=LONG)
        assert said == []


def built_in(project: Project) -> tuple[float, float]:
    """Build everything anew, by the command; the seconds that it took, and its seconds of processor time."""
    shutil.rmtree(
        project.path("outputs/dev/.trace")
    )  # so that every task is stale, and readers have what was published
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [workbenches.PROGRAM, "run", "--quiet"],
        env={"STORE_CLUSTERING_HOME": str(project.home), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=300,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


ADDRESSES = ("pipeline", "runs?last=20", "tables", "rows?table=store_clusters&sort=cluster", "rows?sql=FROM+latest_run")


@pytest.mark.nightly
def test_fifty_requests_side_by_side_are_all_answered_and_a_run_is_no_slower_than_by_a_tenth(built: Project) -> None:
    with workbenches.served(built.home) as bench:

        def ask(number: int) -> int:
            time.sleep(1)  # the run has begun
            return bench.get(f"/api/dev/{ADDRESSES[number % len(ADDRESSES)]}").status

        built_in(built)
        alone, beside = [], []
        for _ in range(3):  # in turns, so that what else the machine does meets both
            alone.append(built_in(built))
            with ThreadPoolExecutor(50) as pool:
                answers = [pool.submit(ask, number) for number in range(50)]
                beside.append(built_in(built))
                assert {answer.result() for answer in answers} == {200}
        for fastest, fastest_beside in zip(
            map(min, zip(*alone, strict=True)), map(min, zip(*beside, strict=True)), strict=True
        ):
            assert fastest_beside <= 1.1 * fastest, (alone, beside)
