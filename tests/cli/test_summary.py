"""What a person reads at the end of a run, from both commands, and while it runs."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import struct
import sys
import termios
import time
from pathlib import Path

import pandas as pd
import pytest
from projects import CATEGORIES, Project
from rich.console import Console

from pipeline.cli import bar, progress
from pipeline.cli.grouped import grouped
from pipeline.freshness.traces import slug
from pipeline.run.summary import WIDTH, wrapped

OVERRIDES = {"overrides": {"path": "data/raw/overrides.csv"}}
RESULT = re.compile(r"result ([0-9a-f]{8})")


def said(project: Project, *command: str) -> list[str]:
    """The lines that a run says of its result: without the table of tasks and the paths."""
    done = project.command(*command)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    first = next(at for at, line in enumerate(lines) if " final cluster" in line)
    return lines[first:]


def test_both_commands_end_by_saying_what_came_out_in_lines_that_fit_a_terminal(project: Project) -> None:
    once = said(project, "store-clustering", "run")
    assert re.fullmatch(r"3 categories, 36 stores, \d+ final clusters", once[0])
    assert any(line.startswith("  separated: ") and "Bread 2" in line for line in once)
    assert any(RESULT.match(line) for line in once)
    assert "changed: nothing to compare with, this is the first result" in once
    for path in (project.path("outputs/dev/.trace/merging.json"), project.database):
        path.unlink()
    again = said(project, "luigi", "--module", "pipeline.tasks", "FullPipeline", "--env", "dev", "--local-scheduler")
    verdicts = [line for line in once if line == once[0] or line.startswith("  ")]
    assert again[: len(verdicts)] == verdicts, "the same words"
    assert [RESULT.match(line)[1] for line in once + again if RESULT.match(line)][0:2] == [
        RESULT.search("".join(once))[1]
    ] * 2, "equal tables have the same hash"
    assert all(len(line) <= WIDTH for line in (*once, *again) if str(project.home) not in line)


def test_a_run_says_which_stores_are_in_another_cluster_now_and_what_to_look_at(built: Project) -> None:
    built.path("data/raw/overrides.csv").write_text(
        "store_id,category,cluster,reason\n7,Bread,1,x\n8,Bread,1,x\n9,Bread,1,x\n10,Bread,1,x\n"
    )
    built.configure(sources=OVERRIDES)
    lines = said(built, "store-clustering", "run")
    assert any(
        re.fullmatch(
            r"changed: 2 stores are in another cluster than before, of 108 over all categories \(Bread 2\), 2 of them by hand",
            line,
        )
        for line in lines
    ), lines
    assert "  4 placements by hand" in lines


def test_a_run_that_did_not_touch_the_clusters_says_nothing_of_them(built: Project) -> None:
    built.path(f"outputs/dev/.trace/cluster_category-{slug('Bread')}.json").unlink()
    done = built.command("store-clustering", "run", "--category", "Bread")
    assert done.returncode == 0
    assert "final cluster" not in done.stdout


def test_a_long_line_is_wrapped_with_an_indent_and_no_word_is_cut() -> None:
    lines = wrapped(f"  tiers: 40 categories ({', '.join(['Frozen Meals 3'] * 12)}, {'x' * 90})")
    assert max(len(line) for line in lines[:-1]) <= WIDTH
    assert lines[0].startswith("  tiers")
    assert all(line.startswith("    ") for line in lines[1:])
    assert lines[-1].strip() == "x" * 90 + ")"


def test_many_categories_with_the_same_reason_are_one_line_and_few_are_a_line_each() -> None:
    names = [f"C{number}" for number in range(40)]
    rows = [[f"ClusterCategory({name})", "stale", f"missing: outputs/{slug(name)}/a.parquet"] for name in names]
    rows.insert(3, ["Merging", "stale", "upstream stale: InternalClustering"])
    lines = grouped(rows, [1.0] * 41)
    assert [line[0] for line, _ in lines] == ["ClusterCategory (40 categories, such as C0)", "Merging"]
    assert lines[0][0][2] == "missing: outputs/*/a.parquet"
    assert [seconds for _, seconds in lines] == [40.0, 1.0]
    rows[0][2] = "code changed: x"
    assert len(grouped(rows[:5])) == 5, "four or less have a line each"
    assert [line[0] for line, _ in grouped(rows)] == [
        "ClusterCategory(C0)", "ClusterCategory (39 categories, such as C1)", "Merging",
    ]  # fmt: skip


def test_status_of_many_categories_fits_a_screen_and_json_has_them_all(project: Project) -> None:
    sales = project.sales()
    bread = sales[sales["CAT"] == "Bread"]
    more = [bread.assign(CAT=f"Category {number:02d}") for number in range(8)]
    project.write_sales(pd.concat([sales, *more]))
    project.configure(internal={"preprocessing": {"max_unmapped_share": 1.0}})
    assert project.command("store-clustering", "run", "InternalClustering", "--quiet").returncode == 0
    for path in project.path("outputs/dev/.trace").glob("cluster_category-*.json"):
        path.unlink()
    lines = project.command("store-clustering", "status").stdout.splitlines()
    assert sum("ClusterCategory" in line.split("  ")[0] for line in lines) == 1
    assert any(line.startswith(f"ClusterCategory ({len(CATEGORIES) + 8} categories, such as ") for line in lines)
    told = json.loads(project.command("store-clustering", "status", "--json").stdout)
    assert sum(task["task"].startswith("ClusterCategory(") for task in told["tasks"]) == len(CATEGORIES) + 8


@pytest.mark.parametrize("is_listed", [True, False], ids=["after a build", "before the first"])
@pytest.mark.parametrize(
    "command",
    [
        ["store-clustering", "run", "--category"],
        ["store-clustering", "run", "--dry-run", "--category"],
        ["luigi", "--module", "pipeline.tasks", "ClusterCategory", "--env", "dev", "--local-scheduler", "--category"],
    ],
    ids=["run", "dry run", "luigi"],
)
def test_a_mistyped_category_is_exit_2_with_the_nearest_name_and_nothing_is_built(
    built: Project, command: list[str], is_listed: bool
) -> None:
    if not is_listed:
        built.path("outputs/dev/internal_preprocessing/categories.parquet").unlink()
    before = sorted(built.path("outputs/dev/.runs").iterdir())
    done = built.command(*command, "Bred")
    assert done.returncode == 2, done.stderr
    assert "error: category 'Bred' is not in the data (did you mean 'Bread'?)" in done.stderr
    assert sorted(built.path("outputs/dev/.runs").iterdir()) == before


def test_a_category_that_came_with_new_sales_is_built_though_the_last_list_does_not_have_it(built: Project) -> None:
    sales = built.sales()
    new = sales[sales["CAT"] == "Bread"].assign(CAT="Cheese")
    built.write_sales(pd.concat([sales, new]))
    built.configure(internal={"preprocessing": {"max_unmapped_share": 1.0}})
    done = built.command("store-clustering", "run", "--category", "Cheese")
    assert "is not in the data" not in done.stderr
    wrong = built.command("store-clustering", "run", "--category", "Chese")
    assert wrong.returncode == 2
    assert "did you mean 'Cheese'?" in wrong.stderr


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["rnu"], "command 'rnu' is unknown (did you mean 'run'?); the commands are init, run"),
        (["statsu"], "did you mean 'status'?"),
        (["run", "--categry", "Bread"], "--category"),
        (["run", "--env", "dve"], "did you mean 'dev'?"),
    ],
)
def test_a_mistyped_command_or_option_names_the_one_that_is_meant(
    built: Project, words: list[str], advice: str
) -> None:
    done = built.command("store-clustering", *words)
    assert done.returncode == 2
    assert advice in done.stderr


def in_terminal(project: Project, *words: str, columns: int = 80) -> str:
    """What a person sees of a command on a terminal of so many columns, with the codes for colours and lines."""
    program = Path(sys.executable).parent / words[0]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"STORE_CLUSTERING_HOME": str(project.home), "OMP_NUM_THREADS": "1", "TERM": "xterm"}
        time.sleep(0.2)  # until the terminal has its size
        os.execv(program, [str(program), *words[1:]])  # noqa: S606  # a child of this test
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    shown = b""
    try:
        while part := os.read(terminal, 65536):
            shown += part
    except OSError:  # the program ended
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode()


def plain(shown: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n").split("\n")


def test_on_a_terminal_the_bar_moves_and_names_the_task_and_run_ids_stay_whole(built: Project) -> None:
    built.path("outputs/dev/.trace/merging.json").unlink()
    lines = plain(in_terminal(built, "store-clustering", "run"))
    frames = [line for line in lines if re.search(r"\d+/(\d+|\?) +\d:\d\d:\d\d", line)]
    assert len({line[0] for line in frames}) > 1, "it moves while nothing is reported"
    assert any("Merging" in line for line in frames)
    assert max(map(len, frames)) <= 80
    history = plain(in_terminal(built, "store-clustering", "history"))
    ids = [path.stem for path in built.path("outputs/dev/.runs").glob("*.jsonl")]
    assert all(any(line.startswith(run) for line in history) for run in ids)
    assert max(map(len, history)) <= 80


def test_the_bar_counts_tasks_and_prints_lines_above_itself() -> None:
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=80)
    events = [
        {"task": "Fresh_1", "state": "DONE"},
        {"task": "Merging_1", "state": "PENDING"},
        {"running": "Merging"},
        {"running": "ClusterCategory(" + "x" * 90 + ")"},
        {"text": "warning: [red]this stays a text"},
        {"task": "Merging_1", "state": "DONE"},
    ]
    bar.draw([json.dumps(event) for event in events], console)
    assert "warning: [red]this stays a text\n" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.getvalue())
    assert "1/1" in drawn.getvalue()
    assert "Merging" in drawn.getvalue(), "a task is named, however short it is"
    assert max(map(len, plain(drawn.getvalue()))) <= 80


def test_a_task_has_its_short_name_in_the_bar() -> None:
    assert progress.name_of("Merging(env=dev, project=x-1)") == "Merging"
    assert (
        progress.name_of("ClusterCategory(env=dev, project=x-1, category=Tea (green))")
        == "ClusterCategory(Tea (green))"
    )
