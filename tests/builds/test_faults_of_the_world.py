"""What is wrong with names, amounts and machines is no fault of ours: one line, and never exit code 40."""

from __future__ import annotations

import logging
import os

import pandas as pd
import pytest
from projects import Project

from pipeline.wording import gist, plain, quoted, variables

HIDDEN = "S3cr3t-folder-of-anna"
COMMANDS = (
    ("store-clustering", "check"),
    ("store-clustering", "run", "InternalPreprocessing"),
    ("luigi", "--module", "pipeline.tasks", "InternalPreprocessing", "--env", "dev", "--local-scheduler"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=["check", "run", "luigi"])
def test_a_folder_whose_name_is_not_utf_8_is_named_in_one_line(project: Project, words: tuple[str, ...]) -> None:
    folder = project.path("data/raw") / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    project.path("data/raw/sales.parquet").rename(folder / "sales.parquet")
    project.settings["sources"]["internal_sales"]["path"] = "data/raw/*/sales.parquet"
    project.configure()
    done = project.command(*words)
    assert done.returncode == 30, done.stderr
    assert "caf?/sales.parquet: the name of the file or of a folder is not UTF-8; rename it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [*COMMANDS, ("store-clustering", "status")], ids=["check", "run", "luigi", "status"])
def test_a_project_whose_name_is_not_utf_8_is_named_in_one_line(project: Project, words: tuple[str, ...]) -> None:
    home = project.path(os.fsdecode(b"caf\xe9"))
    home.mkdir()
    project.path("configs").rename(home / "configs")
    done = project.command(*words, cwd=project.home, STORE_CLUSTERING_HOME=str(home))
    assert done.returncode == 2
    assert done.stderr.endswith("is not UTF-8; rename it\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("amount", [1e13, 4e12, -1e13], ids=["large", "many", "negative"])
@pytest.mark.parametrize("words", COMMANDS[:2], ids=["check", "run"])
def test_sales_that_add_up_to_more_than_a_table_holds_are_refused_in_one_line(
    project: Project, words: tuple[str, ...], amount: float
) -> None:
    sales = project.sales()
    sales.loc[sales["CAT"] == "Bread", "SALES"] = amount
    project.write_sales(pd.concat([sales] * 10))
    done = project.command(*words)
    assert done.returncode == 30, done.stderr
    assert "sales.parquet: the amounts of column 'SALES' add up to 1e16 or more" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------- the values of variables


def test_the_value_of_a_variable_is_in_no_log_no_error_no_record_and_no_table(project: Project) -> None:
    project.path("data/raw").rename(project.path(f"data/{HIDDEN}"))
    for source, file in (("internal_sales", "sales.parquet"), ("need_states", "needs.csv")):
        project.settings["sources"][source]["path"] = f"data/${{WHERE}}/{file}"
    project.settings["sources"]["external"][0]["path"] = "${WHOLE}"
    project.settings["logging"] = {"level": "DEBUG", "format": "json"}
    project.configure()
    environ = {"WHERE": HIDDEN, "WHOLE": f"data/{HIDDEN}/external.parquet"}
    spoken = ""
    good = project.path(f"data/{HIDDEN}/sales.parquet").read_bytes()
    for content in (good, b"PAR1 and no more", None):
        project.path(f"data/{HIDDEN}/sales.parquet").write_bytes(content or b"")
        if content is None:
            project.path(f"data/{HIDDEN}/sales.parquet").unlink()
        for words in (
            ("run", "InternalPreprocessing"),
            ("run", "ExternalPreprocessing"),
            ("history",),
            ("why", "Overrides"),
        ):
            done = project.command("store-clustering", *words, **environ)
            spoken += done.stderr
        done = project.command(*COMMANDS[2], **environ)
        spoken += done.stderr
    assert "${WHERE}/sales.parquet" in spoken
    assert HIDDEN not in spoken
    for folder in ("logs", "outputs/dev/.runs", "outputs/dev/internal_preprocessing"):
        for path in project.path(folder).rglob("*"):
            assert path.is_dir() or HIDDEN.encode() not in path.read_bytes(), path


def test_another_value_of_a_variable_makes_stale_and_the_same_does_not(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.settings["sources"]["internal_sales"]["columns"]["store_id"] = "${STORE_COLUMN}"
    project.configure()
    monkeypatch.setenv("STORE_COLUMN", "STORE")
    from pipeline import tasks

    assert project.build(tasks.InternalPreprocessing).built == {"InternalPreprocessing"}
    assert project.build(tasks.InternalPreprocessing).built == set()
    project.write_sales(project.sales().rename(columns={"STORE": "BRANCH_OF_THE_CHAIN"}))
    monkeypatch.setenv("STORE_COLUMN", "BRANCH_OF_THE_CHAIN")
    done = project.build(tasks.InternalPreprocessing)
    assert done.built == {"InternalPreprocessing"}
    assert "BRANCH_OF_THE_CHAIN" not in done.reasons["InternalPreprocessing"]


@pytest.fixture
def _hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "_written", {})
    monkeypatch.setattr(variables, "_pattern", None)
    factory = logging.getLogRecordFactory()
    variables.hide(HIDDEN, "${WHERE}")
    variables.hide("data", "${SHORT}")
    variables.hide("abc", "${SHORTER}")
    yield
    logging.setLogRecordFactory(factory)


@pytest.mark.usefixtures("_hidden")
def test_a_value_is_hidden_before_a_text_is_cut() -> None:
    long = "x" * 40 + HIDDEN
    assert quoted(long) == f"'{'x' * 40}${{WHERE}}'"
    assert HIDDEN[:5] not in gist(Exception("y" * 190 + HIDDEN))
    assert plain(f"a {HIDDEN} b") == "a ${WHERE} b"
    assert plain("the metadata of data/raw and abc") == "the metadata of ${SHORT}/raw and abc"


@pytest.mark.usefixtures("_hidden")
def test_a_traceback_in_the_log_hides_it_too(caplog: pytest.LogCaptureFixture) -> None:
    try:
        int(HIDDEN)
    except ValueError:
        logging.getLogger("luigi-interface.test").exception("failed: %s", HIDDEN)
    assert "failed: ${WHERE}" in caplog.text
    assert "ValueError: invalid literal for int() with base 10: '${WHERE}'" in caplog.text
    assert HIDDEN not in caplog.text
