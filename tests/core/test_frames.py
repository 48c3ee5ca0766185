"""Frames of the schema's tables: from rows, from parts, and without rows."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.core.frames import empty, frame, stacked
from pipeline.schema import TABLES
from pipeline.storage.rows import to_arrow

TABLE = TABLES["overrides_applied"]
ROW = ("7", "Bread", None, 2, "it is a flagship", True, "")


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"lineage", "runs"}))
def test_every_table_without_rows_can_be_published(name: str) -> None:
    nothing = to_arrow(empty(TABLES[name]), TABLES[name])
    assert nothing.column_names == [column.name for column in TABLES[name].columns]
    assert len(nothing) == 0


def test_rows_are_sorted_by_the_key_and_none_is_a_missing_value() -> None:
    made = frame(TABLE, [("8", "Bread", 1, 2, "why", False, ""), ROW])
    assert made["store_id"].tolist() == ["7", "8"]
    assert made["from_cluster"].isna().tolist() == [True, False]
    assert made["to_cluster"].dtype == "int64"


def test_parts_without_rows_do_not_change_the_types_of_the_others() -> None:
    made = stacked(TABLE, [empty(TABLE), frame(TABLE, [ROW]), pd.DataFrame()])
    pd.testing.assert_frame_equal(made, frame(TABLE, [ROW]))
    pd.testing.assert_frame_equal(stacked(TABLE, []), empty(TABLE))
