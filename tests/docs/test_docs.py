"""The docs: every command on a page is run in a copy of the project, every config parsed, every link followed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from conftest import ROOT, Shared

from pipeline.config import environment
from pipeline.config.environment import tomllib

BIN = Path(sys.executable).parent
GENERATED = ("docs/settings.md", "docs/tables.md", "docs/commands.md")
EXAMPLE = "examples/completejourney/README.md"
PAGES = [
    str(path.relative_to(ROOT))
    for path in sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("examples/*/*.md")]
    )
]
WRITTEN = [page for page in PAGES if page not in GENERATED]

# What is not run here, and why.
NOT_RUN = {
    r"uv run pytest$": "it is what runs this",
    r"\.ci/\w+$": "it runs these tests, or asks a registry",
    r".*completejourney": "fetches a package; tests/e2e/test_completejourney.py runs it where the data is there",
    r"git pull$|deploy/install\b|cd /opt/store-clustering && deploy/install": "asks a server; tests/deploy installs from a folder",
    r"(useradd|install|cp|systemctl|journalctl|crontab|nginx|printf) ": "changes the machine; tests/deploy checks the files",
    r".*store-clustering open": "it serves until Ctrl-C; tests/workbench starts it",
    r"(ssh|docker) ": "needs a server, or Docker's daemon; tests/deploy checks the Dockerfile",
}
# What is run in another form: the same words, without what asks a server or the machine.
REWRITTEN = {
    r"python3 -m pip install uv && ": "",
    r"sudo -u store-clustering STORE_CLUSTERING_HOME=/var/lib/store-clustering \.venv/bin/": "",
}
PROGRAMS = ("uv run ", "store-clustering ", "luigi ", "rm -r data/raw/*", "rm -r outputs/")


@dataclass(frozen=True)
class Block:
    """Code on a page: its language (`indented` where that has to be told by its look), text, line, and what stands above it."""

    language: str
    text: str
    line: int
    above: str

    @property
    def is_toml(self) -> bool:
        return self.language == "toml" or (self.language == "indented" and self.text.startswith("["))

    def commands(self) -> Iterator[tuple[str, int]]:
        """Each command and the exit code that its comment states, 0 where it states none."""
        if self.is_toml or self.language not in ("sh", "indented"):
            return
        for line in self.text.splitlines():
            command, _, comment = re.sub(r"\s+# ", "\0", line, count=1).partition("\0")
            stated = re.search(r"exit code (\d+)", comment)
            yield command.strip(), int(stated[1]) if stated else 0


def blocks(page: str) -> list[Block]:
    result: list[Block] = []
    lines, above = (ROOT / page).read_text().splitlines(), ""
    number = 0
    while number < len(lines):
        line, start = lines[number], number
        if line.startswith("```"):
            end = next(n for n in range(number + 1, len(lines)) if lines[n] == "```")
            result.append(Block(line[3:], "\n".join(lines[number + 1 : end]), start + 1, above))
            number = end + 1
        elif line.startswith("    ") and (number == 0 or not lines[number - 1].strip()):
            while number < len(lines) and lines[number].startswith("    "):
                number += 1
            result.append(Block("indented", textwrap.dedent("\n".join(lines[start:number])), start + 1, above))
        else:
            above = line if line.strip() else above
            number += 1
    return result


def commands(page: str) -> list[tuple[str, int]]:
    return [command for block in blocks(page) for command in block.commands()]


def runnable(command: str) -> str:
    """The command as it is run here; empty where it is not."""
    if any(re.match(pattern, command) for pattern in NOT_RUN):
        return ""
    for pattern, instead in REWRITTEN.items():
        command = re.sub(pattern, instead, command)
    return command


@pytest.mark.parametrize("page", WRITTEN)
def test_every_command_is_one_that_is_run_here_or_not_run_for_a_reason(page: str) -> None:
    strange = []
    for command, _ in commands(page):
        words = re.sub(r"^([A-Z_]+=\S+ )+", "", runnable(command))
        if words and (not words.startswith(PROGRAMS) or ".." in words):
            strange.append(command)
    assert strange == []
    assert {block.language for block in blocks(page)} <= {
        "indented",
        "sh",
        "toml",
        "python",
        "text",
        "ini",
        "sql",
        "mermaid",
    }


# ---------------------------------------------------------------- commands


@dataclass
class Clone:
    """A copy of the project that its own code runs in."""

    home: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        environment = {
            key: value for key, value in os.environ.items() if key not in ("STORE_CLUSTERING_HOME", "ALERT_URL")
        }
        shims = self.home / ".shims"
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.home,
            env={
                **environment,
                "PATH": f"{shims}:{BIN}:/usr/bin:/bin",
                "PYTHONPATH": str(self.home),
                "OMP_NUM_THREADS": "1",
                "PYTEST_ADDOPTS": "",
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    def carry_out(self, page: str) -> str:
        """Run the page's commands, in order; their output."""
        output = ""
        for command, code in commands(page):
            words = runnable(command)
            if words:
                done = self.run(words)
                assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
                output += done.stdout
        return output


# As the project ships, but small; and every environment takes the sample data that stands in for a user's own.
SMALL: dict[str, dict[str, Any]] = {
    "sample_data": {"stores": 40, "skus": 48, "weeks": 2, "accept": True},
    "internal": {"clustering": {"k_max": 2, "resamples": 10, "null_resamples": 19}},
    "external": {"clustering": {"k_max": 2, "resamples": 10, "null_resamples": 19}},
    "chain": {"clustering": {"k_max": 2, "resamples": 10, "null_resamples": 19}},
}


def make_clone(home: Path) -> Clone:
    for name in ("pipeline", "configs", "docs", "tests"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("luigi.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, home)
    (home / "data" / "raw").mkdir(parents=True)
    for path in (home / "configs").glob("*.toml"):
        if path.name != "base.toml":
            settings = tomllib.loads(path.read_text())
            settings["sample_data"] = {**settings.get("sample_data", {}), **SMALL["sample_data"]}
            path.write_text(tomli_w.dumps(SMALL | settings))
    (home / ".shims").mkdir()
    uv = home / ".shims" / "uv"
    uv.write_text(
        '#!/bin/sh\n# uv run PROGRAM...: the program of this environment\n[ "$1" = run ] || exit 99\nshift\nexec "$@"\n'
    )
    uv.chmod(0o755)
    return Clone(home)


def _built_clone(home: Path) -> None:
    done = make_clone(home).run("uv run store-clustering run --quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def clone(shared: Shared, tmp_path: Path) -> Clone:
    """A copy of the project in which everything was built."""
    shutil.copytree(shared("clone", _built_clone), tmp_path / "project", symlinks=True)
    return Clone(tmp_path / "project")


@pytest.mark.nightly  # .ci/run carries out the first of them in a fresh clone, too
def test_the_readme_s_commands_work_in_a_fresh_clone(tmp_path: Path) -> None:
    first = commands("README.md")[0][0]
    assert first.endswith("uv run luigi --module pipeline.tasks FullPipeline --env dev --local-scheduler")
    clone = make_clone(tmp_path / "project")
    clone.carry_out("README.md")
    assert (clone.home / "outputs" / "clustering_prod.duckdb").is_file()


OTHERS = ("deploy/README.md", "docs/assign.md", "docs/freshness.md", "docs/own-data.md")
SLOW = "docs/operations.md"  # what it takes is read on every run all the same, below


@pytest.mark.parametrize("page", [*OTHERS, pytest.param(SLOW, marks=pytest.mark.nightly)])
def test_a_page_s_commands_work_where_everything_was_built(clone: Clone, page: str) -> None:
    clone.carry_out(page)


def test_no_page_with_commands_is_forgotten() -> None:
    run = {page for page in WRITTEN if any(runnable(command) for command, _ in commands(page))}
    assert run == {"README.md", "docs/adding-a-stage.md", *OTHERS, SLOW}
    assert EXAMPLE in PAGES


def named_commands() -> list[str]:
    """The words behind `store-clustering` wherever it is called: on pages, in their text, in the commands' help, in deploy/."""
    files = [*PAGES, "deploy/crontab", "deploy/store-clustering-nightly.service"]
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    called = re.compile(r"(?:^|[`/]|(?<!the) )store-clustering ([a-z][a-z-]*(?=[ `]|$)[^`#|;]*)")
    return [words.strip() for line in lines if "Usage:" not in line for words in called.findall(line)]


def test_every_command_that_is_named_takes_what_it_is_given() -> None:
    import click

    from pipeline.cli import main

    top = click.Context(main.app, info_name="store-clustering")
    calls = sorted(set(named_commands()))
    assert len(calls) > 25
    for words in calls:
        name, *given = shlex.split(words)
        command = main.app.get_command(top, name)
        assert command is not None, words
        command.make_context(name, given, parent=top)
    named = {words.split()[0] for words in calls}
    assert named == set(main.COMMANDS), "the pages name every command, and no other"


# ---------------------------------------------------------------- the stage that is added


def write(home: Path, block: Block) -> None:
    """Do with a Python block what the line above it says."""
    instruction = re.fullmatch(r"(?:A new file|In)(?:,)? `([^`]+)`(?:, (above|below) `([^`]+)`)?:", block.above)
    assert instruction, f"adding-a-stage.md:{block.line}: {block.above!r} does not say where the block goes"
    path, where, anchor = home / instruction[1], instruction[2], instruction[3]
    if where is None:
        assert not path.exists()
        path.write_text(block.text + "\n")
        return
    lines = path.read_text().splitlines()
    [at] = [number for number, line in enumerate(lines) if line.strip() == anchor]
    indent = re.match(" *", lines[at])[0]  # type: ignore[index]
    if where == "above":
        lines[at:at] = [*block.text.splitlines(), "", ""]
    elif anchor.endswith("("):
        lines[at + 1 : at + 1] = textwrap.indent(block.text + ",", indent + "    ").splitlines()
    else:
        lines[at + 1 : at + 1] = textwrap.indent(block.text, indent).splitlines()
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.nightly
def test_the_stage_of_the_docs_is_built_and_loaded_and_makes_nothing_else_stale(clone: Clone) -> None:
    page = "docs/adding-a-stage.md"
    written = [block for block in blocks(page) if block.language == "python"]
    assert len(written) == 7
    for block in written:
        write(clone.home, block)
    dry = clone.run("store-clustering run --dry-run")
    stale = [line.split()[0] for line in dry.stdout.splitlines()[1:]]
    assert stale == ["LabelledClusters", "Warehouse", "Report", "Workbook"], dry.stdout
    assert "REGION" in clone.carry_out(page)
    assert "min_stores" in (clone.home / "docs" / "settings.md").read_text()
    assert "## cluster_labels" in (clone.home / "docs" / "tables.md").read_text()
    files = "pipeline/core/final/cluster_labels.py pipeline/schema/merging.py pipeline/settings/__init__.py pipeline/tasks.py tests/core/test_cluster_labels.py"
    for check in (f"ruff check {files}", f"ruff format --check {files}"):
        done = clone.run(check)
        assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- configs, links, generated pages


CONFIGS = [(page, block) for page in WRITTEN for block in blocks(page) if block.is_toml]


@pytest.mark.parametrize(("page", "block"), CONFIGS, ids=[f"{page}:{block.line}" for page, block in CONFIGS])
def test_every_config_is_accepted(page: str, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    monkeypatch.delenv("ALERT_URL", raising=False)
    monkeypatch.setenv("SALES_DATABASE", "postgresql://robot@db.example/shop")
    folder = tmp_path / "configs"
    folder.mkdir()
    shutil.copy(ROOT / "configs" / "base.toml", folder)
    (folder / "plain.toml").write_text("")
    plain = environment.load("plain").settings
    (folder / ("base.toml" if "whole `configs/base.toml`" in block.above else "example.toml")).write_text(block.text)
    (folder / "example.toml").touch()
    assert environment.load("example").settings != plain, "the example changes nothing"


def test_the_smallest_config_is_all_that_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    (tmp_path / "configs").mkdir()
    smallest = next(block for page, block in CONFIGS if page == "docs/own-data.md")
    (tmp_path / "configs" / "base.toml").write_text(smallest.text)
    (tmp_path / "configs" / "dev.toml").write_text("")
    assert environment.load("dev").settings.sources.internal_sales.columns.sales_value == "NET_SALES"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            lost.append(target)
    assert lost == []


def test_the_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_that_is_out_of_date_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "generate.py", tmp_path / "docs")
    words = [sys.executable, str(tmp_path / "docs" / "generate.py")]
    subprocess.run(words, check=True, timeout=60)
    page = tmp_path / "docs" / "settings.md"
    good = page.read_text()
    page.write_text(good.replace("`k_max`", "`k_most`"))
    done = subprocess.run([*words, "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "docs/settings.md is out of date: run `uv run python docs/generate.py`\n"
    assert subprocess.run(words, capture_output=True, text=True, timeout=60).stdout == "docs/settings.md\n"
    assert page.read_text() == good


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = Counter(page.name.partition("-")[0] for page in (ROOT / "docs/decisions").glob("*.md"))
    assert [number for number, pages in numbers.items() if pages > 1] == []


def test_every_word_of_the_glossary_stands_there_once() -> None:
    words = re.findall(r"^\| (?!word \|)([^|]+?) \|", (ROOT / "docs" / "glossary.md").read_text(), flags=re.MULTILINE)
    assert len(words) > 50
    assert [word for word, count in Counter(words).items() if count > 1] == []
