"""Stores placed by hand, looked at before anything is built."""

from __future__ import annotations

from typing import Any

import pandas as pd
from engine.checked_files import Check, only

OVERRIDES = {"sources": {"overrides": {"path": "data/raw/overrides.parquet"}}}


def by_hand(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["store_id", "category", "cluster", "reason"])


def test_overrides_are_told_and_what_is_wrong_with_a_row_or_in_no_source_is_an_error(check: Check) -> None:
    rows = by_hand(
        ("77", "Bread", "1", "x"), ("7", "Bred", "1", "x"), ("8", "Bread", "0", "x"), (None, "Bread", "1", "x")
    )
    report = check(OVERRIDES, overrides=rows)
    seen = report.sources[-1]
    assert (seen.source, seen.rows, [column.nulls for column in seen.columns]) == ("overrides", 4, [1, 0, 0, 0])
    assert [one.text.partition(".parquet: ")[2] or one.text for one in report.errors] == [
        "category 'Bread': no store_id; correct the row, or remove it",
        "store '8', category 'Bread': cluster '0', but a whole number from 1 is needed; correct the row, or remove it",
        "category 'Bred' (did you mean 'Bread'?) is none of the sales' chosen ones",
        "store '77', category 'Bread': neither the sales nor the outside data have the store",
    ]


def test_overrides_without_a_reference_are_doubtful(check: Check) -> None:
    rows = by_hand(("7", "Bread", 1, "x"))
    assert only(check(OVERRIDES, overrides=rows).doubts).startswith("overrides: merging.reference names no pin")
    kept = check(OVERRIDES | {"merging": {"reference": "spring"}}, overrides=rows)
    assert (kept.errors, kept.doubts) == ((), ())


def test_overrides_that_cannot_be_read_are_named_and_the_rest_is_looked_at(check: Check) -> None:
    report = check(OVERRIDES, overrides=by_hand(("7", "Bread", 1, "x")).drop(columns="reason"))
    assert "no column 'reason'" in only(report.errors)
    assert only(report.not_looked_at) == "overrides: values, until its rows can be read"
