from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from engine.given import MAP, SALES, said

from pipeline.engine.reading.weeks import first_kept


@pytest.mark.parametrize(
    ("weeks", "last", "first"),
    [
        ({1, 2, 53}, 52, 2),
        ({1, 2, 53}, 1, 53),
        ({10, 3}, 5, 6),
        ({-3, 0}, 2, -1),
        ({202452, 202501, 202502, 202451}, 3, 202452),
        ({202501}, 52, 202501),
        ({202499, 202501}, 3, 202499),
        ({20250102, 20241201}, 1, 20241227),
        ({20240301}, 1, 20240224),
        ({20241301, 20240101}, 10, 20241292),
        ({20240301}, 10**9, 10101),
        ({5}, 10**9, 6 - 10**9),
    ],
)
def test_the_first_of_the_last_weeks(weeks: set[int], last: int, first: int) -> None:
    assert first_kept(weeks, last) == first


@pytest.mark.parametrize("week", [date(2024, 1, 1), date(1, 1, 2), 20240101, 202401, 1, pd.Timestamp("2024-01-01")])
def test_more_weeks_than_there_ever_were_are_all_weeks(gather_internal, week: object) -> None:
    found = gather_internal(SALES.assign(week=[week]), MAP, columns={"week": "week"}, last_weeks=10**12)
    assert found["sales"]["sales_cents"].tolist() == [100]


@pytest.mark.parametrize("day", ["20244-01-01", "infinity", "-infinity", "0044-03-15 (BC)"])
@pytest.mark.parametrize("duckdb_type", ["DATE", "TIMESTAMP"])
def test_a_date_outside_the_calendar_is_no_week(gather_internal, tmp_path: Path, day: str, duckdb_type: str) -> None:
    path = str(tmp_path / "s.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT '1' AS store_id, 'a' AS sku_id, 'Bread' AS category, 1.0::DOUBLE AS sales_value, "
            f"day::{duckdb_type} AS week FROM (VALUES ('2024-01-01'), ('{day}')) AS days(day)) TO '{path}'"
        )
    message = said(gather_internal, [path], MAP, columns={"week": "week"}, last_weeks=1)
    assert f"{path}: 1 row without a week in column 'week' (such as '{day.split(' ')[0]}" in message
