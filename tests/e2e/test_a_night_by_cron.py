"""Five nights of the nightly command, as cron runs it: what it says is mailed by cron, what it alerts of by Apprise."""

from __future__ import annotations

import re
import shlex
from email.message import Message

import pandas as pd
import pytest
from conftest import ROOT
from projects import Project
from servers import body, mail_server, mail_url, subject


def nightly() -> list[str]:
    """The words of the command in deploy/crontab, its program without the folder."""
    lines = (ROOT / "deploy" / "crontab").read_text().splitlines()
    (line,) = [line for line in lines if "store-clustering run" in line and not line.startswith("#")]
    words = shlex.split(line)[5:]
    return [words[0].rpartition("/")[2], *words[1:]]


@pytest.fixture
def weekly(project: Project) -> Project:
    """The project as a retailer has it at night: prod, sales a file per week, alerts by mail."""
    folder = project.path("data/raw/weekly")
    folder.mkdir()
    project.sales().to_parquet(folder / "week_01.parquet", index=False)
    project.path("data/raw/sales.parquet").unlink()
    project.settings["sources"]["internal_sales"]["path"] = "data/raw/weekly"
    project.configure("prod", alerts={"urls": ["${ALERT_URL}"], "max_unmapped_share": 0.05})
    return project


@pytest.mark.nightly
def test_five_nights(weekly: Project) -> None:
    database = weekly.path("outputs/clustering_prod.duckdb")
    folder = weekly.path("data/raw/weekly")
    first = pd.read_parquet(folder / "week_01.parquet")
    with mail_server() as (port, mails):

        def night() -> tuple[int, str, list[Message]]:
            """Exit code, what cron would mail, and what was alerted of."""
            mails.clear()
            done = weekly.command(*nightly(), ALERT_URL=mail_url(port))
            return done.returncode, done.stdout + done.stderr, list(mails)

        assert night() == (0, "", [])  # the first run builds everything, and there is nothing to look at
        assert database.exists()

        built = database.read_bytes()
        assert night() == (0, "", [])  # nothing new: nothing is built
        assert database.read_bytes() == built

        bread = first[first["CAT"] == "Bread"]
        more = bread.assign(SKU=99_999, SALES=bread["SALES"] * 0.3)
        new = pd.concat([first.assign(SALES=first["SALES"] * 2), more])
        new.to_parquet(folder / "week_02.parquet", index=False)
        code, cron, alerted = night()  # a new week, in which a SKU has no need state yet
        rise = "Bread: the share of its sales without a need state rose (0.0 % -> 9 %)"
        assert (code, cron) == (0, f"warning: Deliveries: {rise}\n")
        assert database.read_bytes() != built
        (mail,) = alerted
        assert subject(mail) == "store-clustering prod: done, 2 things to look at"
        assert rise in body(mail)
        assert "Bread: more than 5% of sales are of SKUs without a need state (9.09%)" in body(mail)
        assert "reason=nightly" in body(mail)

        built = database.read_bytes()
        (folder / "week_03.parquet").write_bytes((folder / "week_02.parquet").read_bytes()[:5000])
        code, cron, alerted = night()  # a file that was cut off on its way
        assert code == 30
        (line,) = cron.splitlines()
        assert line.startswith("error: InternalPreprocessing: ")
        assert "week_03.parquet" in line
        (mail,) = alerted
        assert subject(mail) == "store-clustering prod: failed"
        assert "week_03.parquet" in body(mail)
        assert database.read_bytes() == built

        first.to_parquet(folder / "week_03.parquet", index=False)
        code, cron, alerted = night()  # sent again, whole
        assert (code, cron) == (0, "")
        assert database.read_bytes() != built
        (mail,) = alerted
        assert "Bread: more than 5% of sales are of SKUs without a need state (6.98%)" in body(mail)


def masked(mail: Message) -> str:
    """Subject and text of a mail, as docs/operations.md shows it: without what differs from night to night and from machine to machine."""
    text = f"{subject(mail)}\n\n{body(mail).strip()}".replace("\r\n", "\n")
    text = re.sub(r"built: .*", "built: ...", text)  # two workers build them in any order
    text = re.sub(r"run \S+ of prod by \S+ on \S+", "run 20260105T030004-0a1b2c3d of prod by robot on box", text)
    return re.sub(r"started .* \(UTC\)", "started 2026-01-05 03:00:04, ended 2026-01-05 03:02:41 (UTC)", text)


@pytest.mark.nightly
def test_two_nights_with_a_missing_category(weekly: Project) -> None:
    database = weekly.path("outputs/clustering_prod.duckdb")
    path = weekly.path("data/raw/weekly/week_01.parquet")
    whole = pd.read_parquet(path)
    page = (ROOT / "docs" / "operations.md").read_text()
    with mail_server() as (port, mails):

        def night() -> tuple[int, str, str]:
            """Exit code, what cron would mail, and the mail of the alert."""
            mails.clear()
            done = weekly.command(*nightly(), ALERT_URL=mail_url(port))
            return done.returncode, done.stdout + done.stderr, "".join(map(masked, mails))

        assert night() == (0, "", "")
        without_bread = whole[whole["CAT"] != "Bread"]
        without_bread.to_parquet(path, index=False)
        code, cron, mail = night()
        assert code == 0
        assert cron == "warning: Deliveries: 1 of 3 categories is gone, with 33 % of the sales: Bread\n"
        assert f"```text\n{mail}\n```" in page

        whole.to_parquet(path, index=False)
        assert night()[0] == 0
        weekly.configure("prod", alerts={"urls": ["${ALERT_URL}"]}, deliveries={"fail_on": ["categories"]})
        built = database.read_bytes()
        without_bread.to_parquet(path, index=False)
        code, cron, mail = night()
        assert code == 30
        assert cron.startswith(
            "error: Deliveries: 1 of 3 categories is gone, with 33 % of the sales: Bread; fail_on of [deliveries] "
        )
        assert f"```text\n{mail}\n```" in page
        assert database.read_bytes() == built


def test_a_missing_file_is_mailed_by_both_and_the_secret_of_the_url_by_neither(weekly: Project) -> None:
    weekly.path("data/raw/needs.csv").unlink()
    with mail_server() as (port, mails):
        done = weekly.command(*nightly(), ALERT_URL=f"{mail_url(port)}&name=s3cr3t")
    assert done.returncode == 20
    assert "data/raw/needs.csv" in done.stderr
    (mail,) = mails
    assert subject(mail) == "store-clustering prod: failed"
    assert "data/raw/needs.csv" in body(mail)
    log = weekly.path("logs/clustering_prod.log").read_text()
    assert "s3cr3t" not in done.stderr + done.stdout + body(mail) + log


@pytest.mark.e2e  # at the end of a process, which differs from one Python to the next
def test_plain_luigi_alerts_too(weekly: Project) -> None:
    (weekly.path("data/raw/weekly") / "week_01.parquet").write_bytes(b"x")
    words = ["luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "prod", "--local-scheduler"]
    with mail_server() as (port, mails):
        done = weekly.command(*words, "--workers", "2", ALERT_URL=mail_url(port))
        assert done.returncode == 30
        weekly.command("store-clustering", "status", "--env", "prod", ALERT_URL=mail_url(port))
    (mail,) = mails
    assert subject(mail) == "store-clustering prod: failed"
