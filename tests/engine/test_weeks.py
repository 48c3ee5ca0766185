from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from engine.given import MAP, SALES, said


@pytest.mark.parametrize(
    ("weeks", "last", "cents"),
    [
        ([1, 2, 104], 52, [100]),
        ([10, 3], 5, [100]),
        ([202451, 202452, 202501, 202502], 3, [300]),
        ([202501], 52, [100]),
        ([202451, 202501], 3, [200]),
        ([20250102, 20241227, 20241226], 1, [200]),
        ([2451, 2452, 2501, 2502], 3, [300]),
        ([45292, 45299, 45306], 2, [200]),
    ],
)
def test_whole_numbers_are_the_weeks_that_they_all_can_be(
    gather_internal, weeks: list[int], last: int, cents: list[int]
) -> None:
    sales = pd.concat([SALES.assign(week=week) for week in weeks])
    found = gather_internal(sales, MAP, columns={"week": "week"}, last_weeks=last)
    assert found["sales"]["sales_cents"].tolist() == cents


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
    assert f"{path}: column 'week': 1 of 2 rows have no week that can be read, such as '{day.split(' ')[0]}" in message
