"""Random tables through `core`: what is promised holds, or the error is a documented one.

P1, sales are conserved; P2, k is justified; P3, no store is lost; and the schema: types, keys, nulls, ranges. P4 and P5 are promises of whole
runs: `test_random_files.py`.
"""

from __future__ import annotations

import random
from collections import Counter

import pandas as pd
import pytest
from hostile.promises import check, check_schema, through_core
from hostile.random_tables import Tables, tables
from hypothesis import HealthCheck, given, seed, settings

from pipeline.core.between_runs import migrations
from pipeline.errors import PipelineError
from pipeline.settings import References

LEAST_THROUGH = 0.85  # of the tables: what mostly ends in an error tests little


def tried_with(counts: Counter[str], one: Tables) -> None:
    """One set of tables; some of them once more, with their rows in another order, or with their own result as the reference."""
    refused: list[str] = []
    try:
        made = through_core(one)
    except PipelineError as error:
        refused = error.lines
    if refused:
        assert [line for line in refused if not line.isprintable() or "report this" in line] == []
        counts["refused by a documented error"] += 1
        return
    check(one, made)
    counts["promises held"] += 1
    if counts["promises held"] % 10 == 4:
        check_order_is_nothing(one, made)
        counts["the same with rows in another order"] += 1
    if counts["promises held"] % 10 == 9 and not one.overrides:
        check_nothing_changes_since_itself(one, made)
        counts["the same numbers with itself as the reference"] += 1


def check_order_is_nothing(one: Tables, made: dict[str, pd.DataFrame]) -> None:
    rng = random.Random(1)
    shuffled = [frame.sample(frac=1, random_state=rng.randrange(10**6)) for frame in (one.sales, one.features)]
    sales, features = (frame.reset_index(drop=True) for frame in shuffled)
    again = through_core(Tables(sales, features, one.closed, one.held_out, one.overrides[::-1], one.settings))
    for name, frame in made.items():
        pd.testing.assert_frame_equal(ordered(frame), ordered(again[name]), rtol=1e-9, obj=name)


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in order of all that is no fraction."""
    keys = [name for name in frame if frame[name].dtype != "float64"]
    return frame.sort_values(keys, ignore_index=True) if keys else frame


def check_nothing_changes_since_itself(one: Tables, made: dict[str, pd.DataFrame]) -> None:
    """The numbers of the clusters, and the clusters, stay; nothing has migrated."""
    again = through_core(one, reference=made)
    for name in ("internal_clusters", "external_clusters", "store_clusters"):
        pd.testing.assert_frame_equal(made[name], again[name], obj=name)
    now = ("internal_clusters", "internal_features", "external_clusters", "external_features", "store_clusters")
    since = migrations.compare_with_references(
        **{name: again[name] for name in now},
        **{f"before_{name}": made[name] for name in now},
        settings=References(internal="pin", external="pin", final="pin"),
    )
    check_schema(since)
    assert since["migrations"].empty
    assert set(since["cluster_changes"]["change"]) == {"kept"}
    assert set(since["drift"]["change"]) <= {"stable"}


@pytest.mark.parametrize(
    ("start", "examples"),
    [(0, 12), *(pytest.param(start, 500, marks=pytest.mark.nightly) for start in range(1, 21))],
)
def test_random_tables_through_core_keep_what_is_promised(start: int, examples: int, tried) -> None:
    counts = tried("random tables through core")

    @seed(start)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(tables())
    def check_one(one: Tables) -> None:
        tried_with(counts, one)

    check_one()
    through, refused = counts["promises held"], counts["refused by a documented error"]
    assert through >= LEAST_THROUGH * (through + refused), counts
