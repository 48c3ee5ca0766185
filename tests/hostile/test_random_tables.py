"""Random tables through `core`, and random raw files through the whole pipeline: what is promised holds, or the error is a documented one.

P1, sales are conserved; P2, labels are 1..k and k is what the verdict says; P3, no store is lost. P4 and P5 are promises of whole runs: what a
run built, the next one finds fresh.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Project, make_project
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from pipeline.core import external_clustering, external_preprocessing, internal_clustering, internal_preprocessing
from pipeline.core.merging import join
from pipeline.errors import RawDataError
from pipeline.schema import UNMAPPED
from pipeline.settings import (
    ExternalClustering,
    ExternalPreprocessing,
    InternalClustering,
    InternalPreprocessing,
    Merging,
)

STORES = [f"{n}" for n in range(14)] + ["007", "NA", "é", "<b>", "a b", "=1"]
CATEGORIES = ["Bread", "bread", "NULL"]
NEEDS = ["Daily", "Feast", UNMAPPED, "true", "ü"]
CENTS = st.one_of(st.integers(-(10**4), 10**6), st.sampled_from([0, 1, -1, 10**14, -(10**14), 12_345]))
NUMBER = st.one_of(
    st.none(),
    st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
    st.sampled_from([0.0, -0.0, 1.0, 1e100, -1e100, 1e-300, 7.0]),
)
LEVEL = st.one_of(st.none(), st.sampled_from(["city", "land", "NaN", ""]))
FAST = {"k_max": 3, "resamples": 10, "null_resamples": 19, "min_cluster_size": 2}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Sales and outside features of a few stores, some of them on one side only."""
    cells = st.tuples(st.sampled_from(STORES), st.sampled_from(CATEGORIES), st.sampled_from(NEEDS))
    rows = draw(st.dictionaries(cells, CENTS, min_size=1, max_size=60))
    outside = draw(st.lists(st.sampled_from(STORES), min_size=1, max_size=20, unique=True))
    columns = {
        name: draw(st.lists(kind, min_size=len(outside), max_size=len(outside)))
        for name, kind in {"x": NUMBER, "y": NUMBER, "z": NUMBER, "level": LEVEL}.items()
    }
    chosen = {
        "unmapped": draw(st.sampled_from(["keep", "drop"])),
        "transform": draw(st.sampled_from(["hellinger", "zscore", "none", "chi_square", "clr"])),
        "outliers": draw(st.sampled_from(["none", "none", "none", "isolation_forest"])),
        "scaling": draw(st.sampled_from(["robust", "standard", "minmax"])),
        "k": draw(st.sampled_from([None, None, 2, 5])),
    }
    return {"rows": rows, "outside": outside, "columns": columns, "chosen": chosen}


def through_core(given_tables: dict[str, Any], order: random.Random | None = None) -> dict[str, pd.DataFrame]:
    """What the stages of core make of it."""
    chosen = given_tables["chosen"]
    sales = pd.DataFrame(
        [(*key, cents) for key, cents in given_tables["rows"].items()],
        columns=["store_id", "category", "need_state", "sales_cents"],
    )
    features = pd.DataFrame({"store_id": given_tables["outside"], **given_tables["columns"]})
    for name in ("x", "y", "z"):
        features[name] = features[name].astype("float64")
    features["level"] = features["level"].astype(object).where(features["level"].notna(), None)
    if order is not None:
        sales = sales.sample(frac=1, random_state=order.randrange(10**6)).reset_index(drop=True)
        features = features.sample(frac=1, random_state=order.randrange(10**6)).reset_index(drop=True)
    inside = internal_preprocessing.preprocess(
        sales=sales,
        unchosen_stores=pd.DataFrame({"store_id": pd.Series([], dtype=object)}),
        settings=InternalPreprocessing(max_unmapped_share=1.0, max_clipped_share=0.5, unmapped=chosen["unmapped"]),
    )
    outside = external_preprocessing.preprocess(
        features=features,
        ignored=pd.DataFrame(columns=["feature", "reason"], dtype=object),
        labels=pd.DataFrame(columns=["store_id", "label", "value"], dtype=object),
        settings=ExternalPreprocessing(),
    )
    mine = InternalClustering(transform=chosen["transform"], outliers=chosen["outliers"], k=chosen["k"], **FAST)
    each = [
        internal_clustering.cluster_category(
            sales_by_need_state=inside["sales_by_need_state"].query("category == @name"), settings=mine
        )
        for name in inside["categories"]["category"]
    ]
    internal = {name: pd.concat([one[name] for one in each], ignore_index=True) for name in each[0]}
    external = external_clustering.cluster(
        external_features=outside["external_features"],
        settings=ExternalClustering(scaling=chosen["scaling"], outliers=chosen["outliers"], **FAST),
    )
    merged = join.merge(
        internal_clusters=internal["internal_clusters"],
        internal_features=internal["internal_features"],
        internal_excluded=inside["excluded_stores"],
        external_clusters=external["external_clusters"],
        external_scaled_features=external["external_scaled_features"],
        external_excluded=outside["excluded_stores"],
        settings=Merging(min_cluster_size=2),
    )
    return inside | {"outside_excluded": outside["excluded_stores"]} | internal | external | merged


def check_promises(given_tables: dict[str, Any], made: dict[str, pd.DataFrame]) -> None:
    """P1, P2 and P3."""
    sales = pd.Series(given_tables["rows"])
    coverage = made["need_state_coverage"].set_index("category")
    published = made["sales_by_need_state"].groupby("category")["sales_cents"].sum()
    for category, cents in sales.groupby(level=1).sum().items():
        assert cents == coverage.loc[category, "sales_cents"]
        assert cents == published.get(category, 0) + coverage.loc[category, "dropped_sales_cents"]
    kept = made["sales_by_need_state"].query("not is_excluded")
    sums = kept.groupby(["store_id", "category"])["share"].sum()
    assert ((sums - 1).abs() < 1e-9).all()
    verdicts = made["internal_verdicts"].set_index("category")["k"]
    for category, rows in made["internal_clusters"].groupby("category"):
        assert set(rows["cluster"]) <= set(range(1, int(verdicts[category]) + 1))
        assert rows["store_id"].is_unique
    clusters, excluded = made["store_clusters"], made["excluded_stores"]
    placed = set(zip(clusters["store_id"], clusters["category"], strict=True))
    out = set(zip(excluded["store_id"], excluded["category"], strict=True))
    assert {(store, category) for store, category, _ in given_tables["rows"]} <= placed | out
    everywhere = {store for store, _ in placed | out}
    assert set(given_tables["outside"]) <= everywhere


def tried_with(counts: Counter[str], given_tables: dict[str, Any]) -> None:
    """One set of tables; every tenth once more, with its rows in another order."""
    try:
        made = through_core(given_tables)
    except RawDataError as error:
        said = error.lines
    else:
        said = []
    if said:
        assert [line for line in said if not line.isprintable() or "please report" in line] == []
        counts["a documented error"] += 1
        return
    check_promises(given_tables, made)
    counts["promises held"] += 1
    if sum(counts.values()) % 10 == 0:
        again = through_core(given_tables, random.Random(1))
        for name, frame in made.items():
            pd.testing.assert_frame_equal(ordered(frame), ordered(again[name]), rtol=1e-9, obj=name)
        counts["the same with rows in another order"] += 1


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in order of all that is no fraction."""
    keys = [name for name in frame if frame[name].dtype != "float64"]
    return frame.sort_values(keys, ignore_index=True) if keys else frame


@pytest.mark.parametrize(
    ("start", "examples"),
    [(0, 12), *(pytest.param(start, 500, marks=pytest.mark.nightly) for start in range(1, 21))],
)
def test_random_tables_through_core(start: int, examples: int, tried) -> None:
    counts = tried("random tables through core")

    @seed(start)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(tables())
    def check(one: dict[str, Any]) -> None:
        tried_with(counts, one)

    check()


VALUES = [0.0, 1.0, -1.0, 12.345, 1e6, 0.004, 99.99]
KEYS = [
    "7",
    "007",
    " 7 ",
    "NA",
    "None",
    "é",
    "e\u0301",
    "a/b",
    "../x",
    '"',
    "'",
    "<i>",
    "x" * 300,
    "CON",
    "*",
    "\u202ea",
    "true",
]


def random_project(home: Path, start: int) -> Project:
    """Raw files of keys that are hard, with values that are odd."""
    rng = random.Random(start)
    project = make_project(home)
    stores = rng.sample(KEYS, rng.randrange(1, 10)) + [str(n) for n in range(rng.choice([0, 5, 20]))]
    skus, categories = rng.sample(KEYS, 4), rng.sample(KEYS, rng.randrange(1, 4))
    rows = [
        (rng.choice(stores), rng.choice(skus), rng.choice(categories), rng.choice(VALUES) * rng.random())
        for _ in range(rng.choice([1, 30, 400]))
    ]
    project.write_sales(pd.DataFrame(rows, columns=["STORE", "SKU", "CAT", "SALES"]))
    needs = [(sku, category, rng.choice(KEYS)) for sku in skus for category in categories]
    pd.DataFrame(needs, columns=["SKU", "CAT", "NEED"]).to_csv(project.path("data/raw/needs.csv"), index=False)
    known = sorted({store.strip() for store in stores} | {"elsewhere"})
    outside = pd.DataFrame({"STORE": known, "INCOME": [rng.choice([1.0, 2.5, float("nan"), 1e9]) for _ in known]})
    outside["AGE"], outside["NAME"] = [rng.randrange(9) for _ in known], known
    outside.drop_duplicates("STORE").to_parquet(project.path("data/raw/external.parquet"))
    project.settings["internal"]["preprocessing"] = {"max_unmapped_share": 1.0, "max_clipped_share": 1.0}
    project.configure()
    return project


@pytest.mark.parametrize(
    "seeds", [range(1), *(pytest.param(range(n, n + 20), marks=pytest.mark.nightly) for n in range(0, 200, 20))]
)
def test_random_files_through_the_whole_pipeline(
    seeds: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried
) -> None:
    counts = tried("random raw files through the whole pipeline")
    for number in seeds:
        home = tmp_path / str(number)
        home.mkdir()
        monkeypatch.setenv("STORE_CLUSTERING_HOME", str(home))
        project = random_project(home, number)
        outcome = project.build()
        if outcome.failed:
            assert all("Error" not in said and "please report" not in said for said in outcome.failed.values()), outcome
            counts["a documented error"] += 1
            continue
        assert outcome.status == "SUCCESS"
        raw = project.sales()
        published = pd.concat(
            pd.read_parquet(path)
            for path in home.glob("outputs/dev/internal_preprocessing/sales_by_need_state/*.parquet")
        )
        cents = (raw["SALES"].abs() * 100 + 1e-4).round().astype("int64") * (raw["SALES"] >= 0).map(
            {True: 1, False: -1}
        )
        assert abs(int(published["sales_value"].sum() * 100) - cents.sum()) <= len(raw)  # halves may differ here
        assert {path.resolve().is_relative_to(home) for path in home.rglob("*")} == {True}
        assert project.build().built == set()
        counts["promises held, and nothing to do afterwards"] += 1
