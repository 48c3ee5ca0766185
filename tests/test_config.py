"""What a config file may say, and what is said back when it may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from projects import Project

from pipeline.config import environment
from pipeline.errors import SettingsError
from pipeline.settings.per_category import for_category, unknown


def fault(project: Project, text: str) -> list[str]:
    """The lines that dev.toml with this text gives."""
    project.path("configs/dev.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        environment.load("dev")
    assert all("\n" not in line for line in caught.value.lines)
    return caught.value.lines


def test_the_environment_is_read_on_top_of_base(project: Project) -> None:
    project.configure(merging={"internal_weight": 0.9})
    settings = environment.load("dev").settings
    assert settings.merging.internal_weight == 0.9
    assert settings.merging.external_weight == 0.4
    assert settings.sources.internal_sales.columns.sales_value == "SALES"


def test_a_process_keeps_the_settings_it_began_with(project: Project) -> None:
    assert environment.load("dev").settings.merging.internal_weight == 0.6
    project.configure(merging={"internal_weight": 0.9})
    assert environment.load("dev").settings.merging.internal_weight == 0.6
    environment.forget()
    assert environment.load("dev").settings.merging.internal_weight == 0.9


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[internal.clustering]\nrule = "silhouette"',
            "internal.clustering.rule: was removed: the mixture's likelihood decides k",
        ),
        (
            '[internal.clustering.category.Tea]\nalgorithm = "ward"',
            "Tea.algorithm: was removed: clusters are those of a mixture",
        ),
        ("[merging]\nk = 4", "merging.k: was removed: no method of merging has a number of clusters of its own"),
        ("[mergin]\nk = 1", "configs/dev.toml: mergin: unknown key (did you mean 'merging'?); allowed are alerts, "),
        ("[merging]\ninternal_weight = 1.5", "merging.internal_weight: expected `float` <= 1.0, found 1.5"),
        ("[external.clustering]\nscaling = 'robst'", "found 'robst'; allowed are 'robust', 'standard', 'minmax' (did"),
        ("[internal.clustering]\nk = 0", "internal.clustering.k: expected `int` >= 1, found 0"),
        ('[internal.clustering.category."A & B"]\nk = "4"', 'internal.clustering.category."A & B".k: expected `int'),
        ("merging = 3", "configs/dev.toml: merging: expected a table, found 3"),
        ("[sources]\nexternal = 3", "sources.external: expected one or more tables, written [[sources.external]]"),
        ("[[sources.external]]\nlabels = []", "sources.external[0]: names nothing to read: set path, or table or sql"),
        ("[merging]\nmethod = 'cross'\nmethod = 'cross'", "configs/dev.toml: not valid TOML"),
        ("[merging", "configs/dev.toml: not valid TOML"),
        ("[sample_data]\nwhen_missing = true", "sample_data.when_missing: cannot be true if sample_data.accept is"),
        (
            "[internal.preprocessing]\nlast_weeks = 4",
            "internal.preprocessing.last_weeks: needs the column of the weeks; set",
        ),
        ("[merging]\ninternal_weight = 0\nexternal_weight = 0", "merging.internal_weight: both weights are 0"),
        (
            "[external.clustering.weights]\nincome = -1",
            "external.clustering.weights: expected `float` >= 0.0",
        ),
        ('[internal.clustering.category.Bread]\nreference = "spring"', "category.Bread.reference: unknown key"),
        (
            "[warehouse]\npath = '${NOT_SET_ANYWHERE}'",
            "the environment variable NOT_SET_ANYWHERE is not set; set it, or",
        ),
    ],
)
def test_a_fault_names_file_key_found_and_allowed(project: Project, text: str, line: str) -> None:
    lines = fault(project, text)
    assert any(line in one for one in lines), lines
    assert all(one.startswith("configs/dev.toml: ") for one in lines), lines


def test_every_fault_is_reported_at_once(project: Project) -> None:
    lines = fault(project, "[merging]\nx = 1\nmethod = 2\n[logging]\nlevel = 'LOUD'\n[engine]\nthreads = -1")
    assert len(lines) == 4


def test_settings_are_read_while_a_run_removes_folders(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, stays = project.path("outputs/dev/a"), project.path("outputs/dev/b")
    gone.mkdir(parents=True)
    stays.mkdir()
    scandir = os.scandir

    def scandir_later(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path) == gone:
            gone.rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir_later)
    environment.forget()
    assert environment.load("dev").env == "dev"
    assert not gone.exists()
    stays.joinpath("link").symlink_to(project.home)
    environment.forget()
    with pytest.raises(SettingsError, match="symbolic link"):
        environment.load("dev")


def test_a_fault_of_base_is_said_to_be_there(project: Project) -> None:
    project.settings["merging"] = {"method": "corss"}
    project.configure()
    with pytest.raises(SettingsError, match=r"^configs/base\.toml: merging\.method: .*did you mean 'cross'"):
        environment.load("dev")


def test_variables_are_filled_in_from_the_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_FOLDER", "elsewhere")
    project.configure(warehouse={"path": "${DB_FOLDER}/${DB_NAME:-clusters}.duckdb"})
    found = environment.load("dev")
    assert found.database == project.path("elsewhere/clusters.duckdb")
    monkeypatch.setenv("DB_NAME", "other")
    environment.forget()
    assert environment.load("dev").database == project.path("elsewhere/other.duckdb")
    assert found.written["warehouse"]["path"] == "${DB_FOLDER}/${DB_NAME:-clusters}.duckdb"


def test_a_category_sees_its_own_overrides_and_nobody_elses(project: Project) -> None:
    project.configure(internal={"clustering": {"category": {"Bread": {"k": 4}, "Tea": {"k": 2}}}})
    section = environment.load("dev").settings.internal.clustering
    assert (for_category(section, "Bread").k, for_category(section, "Coffee").k) == (4, None)
    assert for_category(section, "Bread").category == {}
    assert for_category(section, "Bread").k_max == section.k_max


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_the_configs_that_ship_are_good(env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORE_CLUSTERING_HOME", raising=False)
    found = environment.load(env)
    assert found.home == ROOT
    assert found.settings.sample_data.accept == (env == "dev")


def test_an_override_goes_by_the_key_of_the_category(project: Project) -> None:
    project.configure(internal={"clustering": {"category": {" Cafe\u0301 ": {"k": 4}}}})
    section = environment.load("dev").settings.internal.clustering
    assert for_category(section, "Caf\u00e9").k == 4
    assert unknown(section, ["Caf\u00e9"]) == []
    assert unknown(section, ["Tea"]) == [" Cafe\u0301 "]


def test_one_category_cannot_have_two_tables_of_overrides(project: Project) -> None:
    tables = '[merging.category."Bread"]\nmin_cluster_size = 4\n[merging.category."Bread "]\nmin_cluster_size = 6\n'
    assert fault(project, tables) == [
        "configs/dev.toml: merging.category.Bread: appears twice, with different blanks or spellings of accents; join the two tables"
    ]


def test_a_category_cannot_have_both_weights_zero(project: Project) -> None:
    assert fault(project, "[merging.category.Bread]\ninternal_weight = 0.0\nexternal_weight = 0.0\n") == [
        "configs/dev.toml: merging.category.Bread.internal_weight: both weights are 0; at least one must be above 0"
    ]


@pytest.mark.parametrize("path", ["outputs/dev/store_clusters.xlsx", "data/../outputs/x.csv", "outputs"])
def test_a_source_among_the_outputs_is_refused(project: Project, path: str) -> None:
    assert fault(project, f"[sources.overrides]\npath = '{path}'\n") == [
        f"configs/dev.toml: sources.overrides.path: '{path}' is in outputs, which runs write and replace; save the file "
        "elsewhere, such as in data/raw, and set the path to it"
    ]


def test_a_store_cannot_be_closed_and_held_out(project: Project) -> None:
    assert fault(project, "[stores]\nclosed = ['7', '8']\nheld_out = [' 7 ']\n") == [
        "configs/dev.toml: stores.held_out: store '7' is in stores.closed too; leave it in one of them"
    ]


def test_a_fault_of_a_source_that_may_be_left_out_is_named_by_its_key(project: Project) -> None:
    assert fault(project, "[sources.overrides]\npath = 'a.csv'\ncolumns = { store = 'x' }\n") == [
        "configs/dev.toml: sources.overrides.columns.store: unknown key (did you mean 'store_id'?); allowed are category, "
        "cluster, reason, store_id"
    ]


def test_a_byte_order_mark_is_no_fault(project: Project) -> None:
    path = project.path("configs/base.toml")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert environment.load("dev").settings.merging.internal_weight == 0.6


def test_a_home_that_is_no_project_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STORE_CLUSTERING_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match=f"^{tmp_path} is not a project: it has no folder configs;"):
        environment.load("dev")


def test_base_is_no_environment(project: Project) -> None:
    with pytest.raises(SettingsError, match="environment 'base' is unknown: allowed are dev"):
        environment.load("base")


def test_the_project_root_is_that_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORE_CLUSTERING_HOME", raising=False)
    assert environment.home() == ROOT
    monkeypatch.setenv("STORE_CLUSTERING_HOME", "/tmp")  # noqa: S108  # only its name
    assert environment.home() == Path("/tmp").resolve()  # noqa: S108
