"""Raw files that another takes the place of while they are read: once, the result is of the new one; every time, the run says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from projects import Project

from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.internal import preprocessing as internal_preprocessing

FILES = {"internal_sales": "sales.parquet", "need_states": "needs.csv", "external": "external.parquet"}
PROOF = "a raw file that another takes the place of while it is read"


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def replace(path: Path) -> None:
    """Another file of the same name: every number is one more, every need state has another name."""
    frame = read(path)
    for column in ("SALES", "AGE"):
        if column in frame:
            frame[column] += 1
    if "NEED" in frame:
        frame["NEED"] += "!"
    other = path.with_name("other")
    frame.to_csv(other, index=False) if path.suffix == ".csv" else frame.to_parquet(other, index=False)
    os.replace(other, path)  # noqa: PTH105  # what a careful writer calls


def while_computing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Act after the raw files were read and before anything is published."""
    for module, name in ((internal_preprocessing, "together"), (external_preprocessing, "preprocess")):
        compute = getattr(module, name)

        def acting(compute: Callable[..., object] = compute, **frames: object) -> object:
            act()
            return compute(**frames)

        monkeypatch.setattr(module, name, acting)


def loaded(project: Project) -> dict[str, object]:
    """What the database says of each of the files."""
    with duckdb.connect(str(project.database), read_only=True) as database:

        def one(query: str) -> object:
            return database.execute(query).fetchone()[0]

        return {
            "internal_sales": int(one("SELECT sum(sales_value) * 100 FROM need_state_coverage")),
            "need_states": one("SELECT list_sort(list(DISTINCT need_state)) FROM sales_by_need_state"),
            "external": round(one("SELECT sum(AGE) FROM external_features"), 6),
        }


def in_the_file(project: Project, source: str) -> object:
    frame = read(project.path("data/raw") / FILES[source])
    if source == "internal_sales":
        return int((frame["SALES"] * 100).round().sum())
    return sorted(set(frame["NEED"])) if source == "need_states" else round(frame["AGE"].sum(), 6)


@pytest.mark.parametrize("source", FILES)
def test_a_raw_file_that_is_replaced_once_while_it_is_read_is_read_again(
    source: str, built: Project, monkeypatch: pytest.MonkeyPatch, tried
) -> None:
    path = built.path("data/raw") / FILES[source]
    replace(path)
    changes = iter([path])
    while_computing(monkeypatch, lambda: [replace(one) for one in changes] and None)
    assert built.build().status == "SUCCESS"
    assert next(changes, None) is None
    assert loaded(built)[source] == in_the_file(built, source)
    assert built.build().built == set()
    tried(PROOF)["once: the result is of the new one"] += 1


@pytest.mark.parametrize("source", FILES)
def test_a_raw_file_that_is_replaced_whenever_it_is_read_is_an_error_that_names_it_and_nothing_is_published(
    source: str, built: Project, monkeypatch: pytest.MonkeyPatch, tried
) -> None:
    path, before = built.path("data/raw") / FILES[source], built.published()
    replace(path)
    while_computing(monkeypatch, lambda: replace(path))
    outcome = built.build()
    [said] = outcome.failed.values()
    assert f"data/raw/{path.name} changed while it was read, twice" in said
    assert "\n" not in said
    assert outcome.built == set()
    assert built.published() == before
    tried(PROOF)["every time: refused in one line, what is published untouched"] += 1
