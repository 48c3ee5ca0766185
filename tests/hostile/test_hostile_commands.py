"""Command lines, configs and folders that are wrong on purpose: exit code 2, one line, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from projects import Project

from pipeline.config import environment
from pipeline.errors import SettingsError
from pipeline.run.parameters import CategoryParameter

BAD = {
    "an environment above": ["--env", "../x"],
    "an environment elsewhere": ["--env", "/etc/passwd"],
    "an environment with a null": ["--env", "de\u2400v"],
    "the base": ["--env", "base"],
    "a tag without a value": ["--env", "dev", "--tag", "novalue"],
    "a tag without a key": ["--env", "dev", "--tag", "=x"],
    "a tag that climbs": ["--env", "dev", "--tag", "../../x=y"],
    "a tag that ends a line elsewhere": ["--env", "dev", "--tag", "a=x\u2028y"],
    "a tag with a control character": ["--env", "dev", "--tag", "a=x\u0085y"],
    "a tag that turns the line around": ["--env", "dev", "--tag", "a=\u202ex"],
    "a tag that is no UTF-8": ["--env", "dev", "--tag", "a=\udcff"],
    "a tag twice": ["--env", "dev", "--tag", "a=1", "--tag", "a=2"],
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("program", ["store-clustering", pytest.param("luigi", marks=pytest.mark.nightly)])
def test_a_bad_command_line_is_one_line_and_exit_2(program: str, case: str, project: Project, tried) -> None:
    if program == "luigi":
        done = project.command("luigi", "--module", "pipeline.tasks", "FullPipeline", "--local-scheduler", *BAD[case])
    else:
        done = project.command("store-clustering", "run", *BAD[case])
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not project.path("outputs").exists()
    tried("command lines and configs")["exit 2, one line"] += 1


TOML = {
    "a key twice": ("[engine]\nthreads = 1\nthreads = 2\n", "not valid TOML"),
    "a table twice": ("[engine]\nthreads = 1\n[engine]\nthreads = 2\n", "not valid TOML"),
    "an unknown key": ("[engine]\nthread = 1\n", "engine.thread: unknown key (did you mean 'threads'?)"),
    "an unknown table": ("[engines]\nthreads = 1\n", "engines: unknown key"),
    "a database in place of a raw file": (
        '[warehouse]\npath = "data/raw/sales.parquet"\n',
        "warehouse.path: 'data/raw/sales.parquet' is not the name of a database, and a file there would be replaced; choose a "
        "name that ends in .duckdb or .db",
    ),
    "a database in place of the settings": (
        '[warehouse]\npath = "luigi.cfg"\n',
        "'luigi.cfg' is not the name of a database",
    ),
    "a wrong type": ('[engine]\nthreads = "many"\n', "engine.threads: expected `int`, got `str`"),
    "nested too deep": ("a = " + "[" * 100_000, "not valid TOML"),
    "no UTF-8": (b"a = '\xff'", "not UTF-8"),
    "nothing that TOML is": ("\x00\x01", "not valid TOML"),
    "a key of Python's": ("__class__ = 1\n", "__class__: unknown key"),
    "no end": ("a = '", "not valid TOML"),
}


@pytest.mark.parametrize("case", TOML)
def test_a_bad_config_is_a_line_that_names_file_and_key(case: str, project: Project, tried) -> None:
    content, words = TOML[case]
    path = project.path("configs/dev.toml")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    environment.forget()
    with pytest.raises(SettingsError) as caught:
        environment.load("dev")
    assert caught.value.exit_code == 2
    (line,) = caught.value.lines
    assert line.startswith("configs/dev.toml: ")
    assert words in line
    assert line.isprintable()
    tried("command lines and configs")["exit 2, one line"] += 1


@pytest.mark.parametrize("words", [["run", "--category"], ["run", "--dry-run", "--category"]])
def test_a_category_that_no_text_can_be_is_one_line(words: list[str], built: Project, tried) -> None:
    done = built.command("store-clustering", *words, "\udcff")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "is not UTF-8 text" in line
    tried("command lines and configs")["exit 2, one line"] += 1


def test_a_config_that_is_a_folder_is_one_line(project: Project) -> None:
    project.path("configs/odd.toml").mkdir()
    environment.forget()
    with pytest.raises(SettingsError, match=r"configs/odd.toml: cannot be read: Is a directory"):
        environment.load("odd")


@pytest.mark.parametrize(
    "place", ["outputs/dev", "outputs/dev/merging", "outputs/dev/.trace", "outputs/dev/.locks/merging.json"]
)
def test_a_link_out_of_the_output_folder_is_refused(place: str, project: Project, tried) -> None:
    elsewhere, link = project.path("elsewhere"), project.path(place)
    elsewhere.mkdir()
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    done = project.command("store-clustering", "run")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{link}: this symbolic link leads to {elsewhere}, out of " in line
    assert list(elsewhere.iterdir()) == []
    tried("command lines and configs")["exit 2, one line"] += 1


def test_the_folder_of_all_outputs_may_be_a_link_and_links_within_it_too(project: Project, tmp_path: Path) -> None:
    disk = project.path("disk")
    (disk / "dev" / "merging").mkdir(parents=True)
    project.path("outputs").symlink_to(disk)
    (disk / "dev" / "shortcut").symlink_to("merging")
    environment.forget()
    assert environment.load("dev").outputs == project.path("outputs/dev")


@given(st.text(alphabet=st.sampled_from("a\\nx01bu\n\r\x1b\u202e\U0001f35e\U000e0001 ")))
def test_what_luigi_writes_of_a_category_is_one_printable_line_that_stands_for_no_other(name: str) -> None:
    parameter = CategoryParameter()
    written = parameter.serialize(name)
    assert written.isprintable()
    assert parameter.parse(written) == name


def test_a_category_is_given_as_it_stands_in_the_data() -> None:
    assert CategoryParameter().parse(r"Half\Half: A&B") == r"Half\Half: A&B"
