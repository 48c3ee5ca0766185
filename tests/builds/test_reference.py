"""`reference`: a pin as an input of the stages, from its name in the config to what is said of the changes since it."""

from __future__ import annotations

import pandas as pd
import pytest
from projects import CATEGORIES, Project

from pipeline import schema, tasks
from pipeline.cli.pin import pin
from pipeline.config import environment
from pipeline.errors import SettingsError
from pipeline.freshness import fingerprints
from pipeline.pins import archive, naming
from pipeline.run.session import session
from pipeline.storage import parquet

REFERENCES = {
    "internal": {"clustering": {"reference": "spring"}},
    "external": {"clustering": {"reference": "spring"}},
    "merging": {"reference": "spring"},
}


def table(project: Project, name: str) -> pd.DataFrame:
    (path,) = project.path("outputs/dev").rglob(f"[!.]*/{name}.parquet")
    return parquet.read(path, schema.TABLES[name])


def pinned(project: Project) -> None:
    session.renew()
    pin.callback("spring", "dev", False, False, False)


def shifted(project: Project, store: int) -> None:
    """This store sells Bread as the other kind of store does."""
    sales = project.sales()
    chosen = (sales["STORE"] == store) & (sales["CAT"] == "Bread")
    sales.loc[chosen, "SALES"] = sales.loc[chosen, "SALES"].to_numpy()[::-1]
    project.write_sales(sales)


def test_numbers_are_kept_and_what_changed_is_told(built: Project) -> None:
    before = table(built, "store_clusters")
    pinned(built)
    built.configure(**REFERENCES)
    outcome = built.build()
    assert outcome.status == "SUCCESS"
    assert "Migrations" in outcome.built
    assert built.build().built == set(), "a pin is an input like any other"
    pd.testing.assert_frame_equal(table(built, "store_clusters"), before)
    agreement = table(built, "agreement")
    assert agreement["level"].value_counts().to_dict() == {"internal": 3, "final": 3, "external": 1}
    assert (agreement[["adjusted_rand", "kept_share"]] == 1.0).all(axis=None)
    assert set(agreement["reference"]) == {"spring"}
    assert len(table(built, "migrations")) == 0
    assert set(table(built, "cluster_changes")["change"]) == {"kept"}
    drift = table(built, "drift")
    assert drift["psi"].eq(0.0).all()
    assert set(drift["change"]) == {"stable"}

    shifted(built, 7)
    assert built.build().status == "SUCCESS"
    moved = table(built, "migrations")
    assert set(moved["store_id"]) == {"7"}
    assert set(zip(moved["level"], moved["category"], strict=True)) == {("internal", "Bread"), ("final", "Bread")}
    row = table(built, "agreement").set_index(["level", "category"]).loc[("internal", "Bread")]
    assert (row["stores"], row["moved"], row["kept_share"]) == (36, 1, pytest.approx(35 / 36))
    assert (table(built, "drift").query("level == 'internal' and category == 'Bread'")["psi"] > 0).any()


def test_numbers_come_from_the_pin_where_the_clusters_own_order_is_another(built: Project) -> None:
    pinned(built)
    path = built.path("pins/dev/spring/internal_clusters.parquet")
    path.chmod(0o644)
    frame = parquet.read(path, schema.TABLES["internal_clusters"])
    swapped = frame.assign(cluster=frame["cluster"].map({1: 2, 2: 5}))
    parquet.write(swapped, schema.TABLES["internal_clusters"], path)
    told = built.path("pins/dev/spring/pin.toml")
    told.chmod(0o644)
    old = archive.read(built.home, archive.Reference("dev", "spring")).files[path.name]
    told.write_text(told.read_text().replace(old, fingerprints.content(path)))
    built.configure(internal=REFERENCES["internal"])
    assert built.build(tasks.InternalClustering).status == "SUCCESS"
    found = table_of(built, "internal_clusters")
    expected = swapped.set_index(["store_id", "category"])["cluster"]
    assert found.set_index(["store_id", "category"])["cluster"].equals(expected)
    assert set(table_of(built, "internal_verdicts")["highest_number"]) == {5}
    assert set(table_of(built, "internal_profiles")["cluster"]) == {2, 5}
    assert set(table_of(built, "internal_rules")["cluster"]) == {2, 5}
    other = found["next_cluster"].astype(int)
    assert (other + found["cluster"] == 7).all()


def table_of(project: Project, name: str) -> pd.DataFrame:
    return parquet.read(project.path(f"outputs/dev/internal_clustering/{name}.parquet"), schema.TABLES[name])


def test_without_a_reference_the_tables_are_there_and_have_no_rows(built: Project) -> None:
    for name in ("agreement", "migrations", "cluster_changes", "drift"):
        assert len(table(built, name)) == 0


def test_a_pin_that_is_not_there_is_one_line_before_anything_runs(built: Project) -> None:
    pinned(built)
    built.configure(merging={"reference": "sprin"}, internal={"clustering": {"reference": "prod/x"}})
    done = built.command("store-clustering", "run")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: internal.clustering.reference: no pin 'prod/x': the pins are spring; 'prod' is no environment, so name a pin of dev",
        "error: merging.reference: no pin 'sprin' (did you mean 'spring'?): the pins are spring; create it with "
        "`store-clustering pin sprin --env dev` first, or remove the setting",
    ]
    assert built.luigi("FullPipeline").returncode == 2


def test_a_pin_that_was_altered_fails_the_stage_that_reads_it(built: Project) -> None:
    pinned(built)
    path = built.path("pins/dev/spring/store_clusters.parquet")
    path.chmod(0o644)
    path.write_bytes(built.path("outputs/dev/merging/merged_clusters.parquet").read_bytes())
    built.configure(merging={"reference": "spring"})
    outcome = built.build()
    assert set(outcome.failed) == {f"MergeCategory({category})" for category in CATEGORIES}
    assert set(outcome.failed.values()) == {
        f"{path}: differs from what was pinned; restore the pin, or delete its folder"
    }


def test_a_pin_of_an_older_version_is_refused(built: Project) -> None:
    pinned(built)
    told = built.path("pins/dev/spring/pin.toml")
    told.chmod(0o644)
    told.write_text("\n".join(line for line in told.read_text().splitlines() if "cluster_numbers" not in line))
    built.configure(merging={"reference": "spring"})
    session.renew()
    with pytest.raises(SettingsError) as refused:
        naming.check_references(environment.load("dev"))
    assert refused.value.lines == [
        "merging.reference: the pin dev/spring has no cluster_numbers and cannot be a reference: an older version created "
        "it; create a new pin"
    ]
