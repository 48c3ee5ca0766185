"""Closed and held-out stores, from the setting to the tables."""

from __future__ import annotations

import pandas as pd
from projects import CATEGORIES, Project

from pipeline import schema
from pipeline.config import environment
from pipeline.run import notices
from pipeline.storage import parquet


def table(project: Project, stage: str, name: str) -> pd.DataFrame:
    return parquet.read(project.path(f"outputs/dev/{stage}/{name}.parquet"), schema.TABLES[name])


def test_closed_stores_are_excluded_everywhere_held_out_ones_are_placed_and_unknown_ones_are_warned_of(
    built: Project,
) -> None:
    built.configure(stores={"closed": ["7", "no store"], "held_out": ["8"]})
    assert built.build().status == "SUCCESS"
    placed = table(built, "merging", "store_clusters")
    assert "7" not in set(placed["store_id"])
    lost = table(built, "merging", "excluded_stores")
    lost = lost[lost["store_id"] == "7"]
    assert set(lost["category"]) == {*CATEGORIES, "(none)"}
    assert set(lost["reason"]) == {"closed"}
    assert len(placed[placed["store_id"] == "8"]) == len(CATEGORIES)
    for stage, name in (("internal_clustering", "internal_clusters"), ("external_clustering", "external_clusters")):
        clusters = table(built, stage, name)
        assert set(clusters.loc[clusters["is_held_out"], "store_id"]) == {"8"}
    assert list(notices.unknown_stores(environment.load("dev"))) == [
        "stores.closed: 'no store' has no effect: no source has such a store; correct the name, or remove it (environment dev)"
    ]
