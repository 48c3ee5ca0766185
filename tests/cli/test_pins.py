"""`store-clustering pin` and `store-clustering compare`: in this process, and once each as a user types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from projects import Project

from pipeline import schema
from pipeline.cli import compare as compare_command
from pipeline.cli import pin as pin_command
from pipeline.cli import results
from pipeline.config import environment
from pipeline.config.environment import tomllib
from pipeline.errors import InputChangedError, MissingDataError, OutputError, PipelineError, UsageError
from pipeline.freshness import fingerprints
from pipeline.pins import archive, making, naming
from pipeline.run.session import session
from pipeline.storage import parquet

CLUSTERS = "outputs/dev/merging/store_clusters.parquet"

compare, pin = compare_command.compare.callback, pin_command.pin.callback


def make(name: str, env: str = "dev", *, anyway: bool = False) -> None:
    session.renew()
    pin(name, env, anyway, False, False)


def compared(
    before: str, after: str, category: str | None = None, *, moves: bool = False, as_json: bool = False
) -> None:
    session.renew()
    compare(before, after, category, moves, as_json)


def one_line(error: pytest.ExceptionInfo[PipelineError]) -> str:
    assert len(error.value.lines) == 1
    return error.value.lines[0]


def move_stores(project: Project, stores: int, category: str = "Bread") -> list[str]:
    """Publish other final clusters: the first stores of a category's first cluster are in its second."""
    path = project.path(CLUSTERS)
    frame = parquet.read(path, schema.TABLES["store_clusters"])
    chosen = frame.index[(frame["category"] == category) & (frame["cluster"] == 1)][:stores]
    frame.loc[chosen, "cluster"] = 2
    parquet.write(frame, schema.TABLES["store_clusters"], path)
    return [str(store) for store in frame.loc[chosen, "store_id"]]


def another_environment(project: Project) -> None:
    project.configure("prod")
    shutil.copytree(project.path("outputs/dev"), project.path("outputs/prod"))


def test_a_pin_holds_the_published_tables_and_says_where_they_came_from(built: Project) -> None:
    done = built.command("store-clustering", "pin", "spring-1")
    assert done.returncode == 0, done.stderr
    folder = built.path("pins/dev/spring-1")
    told = tomllib.loads((folder / "pin.toml").read_text())
    assert (told["name"], told["env"], told["stale"]) == ("spring-1", "dev", "")
    assert told["created_at"].utcoffset().total_seconds() == 0
    assert (built.path("outputs/dev/.runs") / f"{told['run_id']}.jsonl").is_file()
    assert set(told["files"]) == {f"{name}.parquet" for name in archive.TABLES}
    assert {path.name for path in folder.iterdir()} == {*told["files"], "pin.toml"}
    assert all(fingerprints.content(folder / name) == content for name, content in told["files"].items())
    assert (folder / "store_clusters.parquet").read_bytes() == built.path(CLUSTERS).read_bytes()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    assert done.stdout == f"pinned: pins/dev/spring-1, 11 tables of run {told['run_id']}\n"
    assert [path.name for path in folder.parent.iterdir()] == ["spring-1"], "nothing temporary is left"


def test_pins_survive_the_outputs_and_are_no_orphans(built: Project, capsys: pytest.CaptureFixture[str]) -> None:
    make("spring")
    shutil.rmtree(built.path("outputs"))
    capsys.readouterr()
    session.renew()
    pin(None, None, False, True, True)
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["pins"]] == ["spring"]
    compared("spring", "dev/spring")
    assert "total: 0 of 108 stores moved (0.0%) over 3 categories" in capsys.readouterr().out


def test_a_pin_is_never_overwritten(built: Project) -> None:
    make("spring")
    before = {path: path.read_bytes() for path in built.path("pins/dev/spring").iterdir()}
    move_stores(built, 3)
    with pytest.raises(UsageError) as caught:
        make("spring", anyway=True)
    assert "never overwritten; choose another name" in one_line(caught)
    assert {path: path.read_bytes() for path in built.path("pins/dev/spring").iterdir()} == before


@pytest.mark.parametrize("name", ["", "..", "a/b", ".x", "-x", "x y", "x\n", "é"])
def test_a_name_that_is_none_is_refused(built: Project, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        make(name)
    assert "expected a plain name of at most 64 letters, digits, '_' and '-'" in one_line(caught)
    assert not built.path("pins").exists()


def test_a_pin_cannot_have_the_name_of_an_environment(built: Project) -> None:
    with pytest.raises(UsageError, match="is the name of an environment; choose another name"):
        make("dev")


def test_without_results_there_is_nothing_to_pin_and_the_exit_code_is_20(project: Project) -> None:
    with pytest.raises(MissingDataError) as caught:
        make("spring", anyway=True)
    assert "run `store-clustering run Merging --env dev` first" in one_line(caught)
    assert caught.value.exit_code == 20


def test_one_table_that_is_missing_is_named(built: Project) -> None:
    built.path("outputs/dev/internal_clustering/internal_verdicts.parquet").unlink()
    with pytest.raises(
        MissingDataError, match=r"^outputs/dev/internal_clustering/internal_verdicts\.parquet does not exist"
    ):
        make("spring", anyway=True)


def test_stale_clusters_are_pinned_only_when_told_so_and_noted(built: Project) -> None:
    built.configure(external={"clustering": {"random_state": 5}})
    with pytest.raises(UsageError) as caught:
        make("spring")
    line = one_line(caught)
    assert "ExternalClustering: setting changed: external.clustering.random_state (0 -> 5)" in line
    assert "run `store-clustering run Merging --env dev` first" in line
    assert not built.path("pins").exists()
    make("spring", anyway=True)
    assert "random_state" in archive.read(built.home, archive.Reference("dev", "spring")).stale


def test_a_stale_database_is_no_reason_not_to_pin(built: Project) -> None:
    built.database.unlink()
    make("spring")


def test_what_a_killed_pin_left_is_swept_and_is_no_pin(built: Project) -> None:
    leftover = built.path("pins/dev/.spring.99.tmp")
    leftover.mkdir(parents=True)
    (leftover / "store_clusters.parquet").write_bytes(b"half")
    assert archive.every(built.home) == []
    make("spring")
    assert [path.name for path in leftover.parent.iterdir()] == ["spring"]


def test_tables_that_change_while_they_are_copied_are_copied_again_then_refused(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copyfile
    changes = iter(range(1, 100))

    def copy(source: Path, target: Path) -> None:
        copied(source, target)
        if "store_clusters" in source.name and next(changes) in changing:
            source.write_bytes(source.read_bytes() + b"x")

    monkeypatch.setattr(making.shutil, "copyfile", copy)
    changing = {1}
    make("once")
    assert archive.file(built.home, archive.Reference("dev", "once"), "store_clusters").read_bytes().endswith(b"x")
    changing = set(range(100))
    with pytest.raises(InputChangedError, match="changed while it was copied, twice"):
        make("twice", anyway=True)
    assert [str(one) for one in archive.every(built.home)] == ["dev/once"]


def test_pins_are_listed_with_those_that_cannot_be_read(built: Project, capsys: pytest.CaptureFixture[str]) -> None:
    session.renew()
    pin(None, None, False, True, False)
    assert capsys.readouterr().out.startswith("no pins yet")
    make("spring")
    make("summer")
    damaged = built.path("pins/dev/summer/pin.toml")
    damaged.chmod(0o644)
    damaged.write_text("name = [")
    built.path("pins/old/winter").mkdir(parents=True)
    capsys.readouterr()
    pin(None, None, False, True, False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["dev/spring", "dev/summer", "old/winter"]
    assert "cannot be read" in lines[2]
    assert "No such file" in lines[3]
    pin(None, "dev", False, True, False)
    assert "old/winter" not in capsys.readouterr().out


@pytest.mark.parametrize(("name", "listed"), [(None, False), ("spring", True)])
def test_pin_wants_a_name_or_the_list(project: Project, name: str | None, listed: bool) -> None:
    with pytest.raises(UsageError, match="or --list, and not both"):
        pin(name, None, False, listed, False)


def test_compare_says_how_far_two_results_agree_and_which_stores_moved(built: Project) -> None:
    make("spring")
    moved = move_stores(built, 2)
    done = built.command("store-clustering", "compare", "spring", "dev", "--moves")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("note: the clusters of dev are stale (Merging: output altered: ")
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "category"
    assert lines[0].endswith("only in dev/spring  only in dev")
    bread = lines[1].split()
    assert bread[:2] == ["Bread", "36"]
    assert "2 (5.6%)" in lines[1]
    assert ["1.000" in line for line in lines[1:4]] == [False, True, True]
    assert lines[4].startswith("total: 2 of 108 stores moved (1.9%) over 3 categories")
    assert [line.split()[:5] for line in lines[6:]] == [[store, "Bread", "1", "->", "2"] for store in sorted(moved)]


def test_compare_as_json_has_the_figures_of_the_table(built: Project, capsys: pytest.CaptureFixture[str]) -> None:
    another_environment(built)
    make("spring")
    move_stores(built, 2)
    frame = parquet.read(built.path(CLUSTERS), schema.TABLES["store_clusters"])
    parquet.write(frame[frame["category"] != "Coffee"], schema.TABLES["store_clusters"], built.path(CLUSTERS))
    capsys.readouterr()
    compared("prod", "dev", moves=True, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["before"], told["after"]) == ("prod", "dev")
    bread, coffee, tea = told["categories"]
    assert (bread["moved"], bread["stores"], bread["moved_share"]) == (2, 36, pytest.approx(2 / 36))
    assert (coffee["stores"], coffee["only_before"], coffee["adjusted_rand"], coffee["k_after"]) == (0, 36, None, 0)
    assert (tea["adjusted_rand"], tea["moved"]) == (1.0, 0)
    assert told["total"] == {
        "categories": 3, "stores": 72, "only_before": 36, "only_after": 0, "moved": 2, "moved_share": 2 / 72,
    }  # fmt: skip
    assert [(row["category"], row["before"], row["after"], row["expected"]) for row in told["moves"]] == [
        ("Bread", 1, 2, 1)
    ] * 2
    compared("prod", "spring", as_json=True)
    assert "moves" not in json.loads(capsys.readouterr().out)


def test_one_category_can_be_compared_alone(built: Project, capsys: pytest.CaptureFixture[str]) -> None:
    make("spring")
    move_stores(built, 2)
    capsys.readouterr()
    compared("spring", "dev", "Tea & Cocoa", moves=True)
    out = capsys.readouterr().out
    assert "Bread" not in out
    assert out.endswith("no store moved\n")
    with pytest.raises(UsageError, match=r"category 'Bred' is in neither result \(did you mean 'Bread'\?\)"):
        compared("spring", "dev", "Bred")


def test_an_unknown_or_ambiguous_name_is_one_line_that_names_the_good_one(built: Project) -> None:
    another_environment(built)
    make("spring")
    make("spring", "prod", anyway=True)  # its traces name the files of dev
    make("fall")
    for text, said in {
        "sprng": "'sprng' is neither an environment nor a pin (did you mean 'spring'?); environments: dev, prod; pins: ",
        "spring": "'spring' is a pin of 2 environments: say which, dev/spring or prod/spring",
        "dev/sprin": "(did you mean 'dev/spring'?)",
        "prdo": "(did you mean 'prod'?)",
        "prod/fall": "'prod/fall' is neither an environment nor a pin",
        "": "'' is neither",
        "../dev": "'../dev' is neither",
    }.items():
        with pytest.raises(UsageError) as caught:
            compared(text, "dev")
        assert said in one_line(caught)
    compared("fall", "prod/spring")


def test_an_environment_that_nothing_was_built_in_cannot_be_compared(built: Project) -> None:
    built.configure("prod")
    with pytest.raises(MissingDataError, match="environment prod has no clusters yet: `store-clustering run Merging"):
        compared("dev", "prod")


def test_a_pin_that_was_altered_is_not_compared(built: Project) -> None:
    make("spring")
    path = built.path("pins/dev/spring/store_clusters.parquet")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(OutputError, match=r"store_clusters\.parquet: differs from what was pinned"):
        compared("spring", "dev")
    path.unlink()
    with pytest.raises(OutputError, match="No such file or directory; restore the pin"):
        compared("spring", "dev")


def test_a_pin_of_another_version_is_compared_by_the_columns_that_matter(tmp_path: Path) -> None:
    path = tmp_path / "store_clusters.parquet"
    pd.DataFrame({"cluster": [1], "new": [2], "store_id": ["a"], "category": ["b"]}).to_parquet(path, index=False)
    assert results.clusters(path).to_dict("records") == [{"store_id": "a", "category": "b", "cluster": 1}]
    pd.DataFrame({"store_id": ["a"]}).to_parquet(path)
    with pytest.raises(OutputError, match="cannot be read"):
        results.clusters(path)
    path.write_bytes(b"x")
    with pytest.raises(OutputError, match="cannot be read"):
        results.clusters(path)


def test_pins_know_the_environment_they_are_of_when_that_is_gone(built: Project) -> None:
    another_environment(built)
    make("spring", "prod", anyway=True)  # its traces name the files of dev
    built.path("configs/prod.toml").unlink()
    assert naming.resolve(built.home, "spring", environment.environments()) == archive.Reference("prod", "spring")


def test_a_result_beside_itself_has_two_column_heads(built: Project, capsys: pytest.CaptureFixture[str]) -> None:
    compared("dev", "dev")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("only in dev (A)  only in dev (B)")
    assert lines[-1].startswith("total: 0 of 108 stores moved (0.0%) over 3 categories")


def test_a_table_of_a_pin_that_has_nulls_is_read_whole(built: Project) -> None:
    sales = built.sales()
    built.write_sales(sales[sales["STORE"] != 1])
    assert built.build().status == "SUCCESS"
    assert built.command("store-clustering", "pin", "spring").returncode == 0
    found = archive.table(environment.load("dev"), archive.Reference("dev", "spring"), "store_clusters", ())
    assert found["internal_cluster"].isna().any()
    assert len(found) == len(pd.read_parquet(built.path("outputs/dev/merging/store_clusters.parquet")))
