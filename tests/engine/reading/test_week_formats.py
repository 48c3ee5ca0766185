"""Which way a column writes its weeks: told by all of its texts together, or asked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipeline.engine.reading.week_formats import WeekFormatError
from pipeline.engine.reading.week_recognition import recognise
from pipeline.engine.reading.week_windows import window


def weeks_of(texts: list[str], name: str | None = None, rows: int = 100):
    return recognise(dict.fromkeys(texts, rows), name)


def fault(counts: dict[str, int] | list[str], name: str | None = None) -> str:
    with pytest.raises(WeekFormatError) as caught:
        recognise(counts if isinstance(counts, dict) else dict.fromkeys(counts, 100), name)
    return f"{caught.value}; {caught.value.advice}"


def kept(texts: list[str], last: int) -> list[str]:
    return sorted(window(weeks_of(texts), last).kept)


MONDAYS = [date(2024, 12, 9) + timedelta(days=7 * week) for week in range(6)]  # over the year's end


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("%Y-%m-%d", "YMD"),
        ("%Y/%m/%d", "YMD"),
        ("%Y.%m.%d", "YMD"),
        ("%Y%m%d", "YMD"),
        ("%Y-%b-%d", "YMD"),
        ("%y%m%d", "YMD"),
        ("%d/%m/%Y", "DMY"),
        ("%d.%m.%Y", "DMY"),
        ("%d-%m-%Y", "DMY"),
        ("%d.%m.%y", "DMY"),
        ("%d%m%Y", "DMY"),
        ("%d %b %Y", "DMY"),
        ("%d-%b-%y", "DMY"),
        ("%d. %B %Y", "DMY"),
        ("%m/%d/%Y", "MDY"),
        ("%m-%d-%y", "MDY"),
        ("%b %d, %Y", "MDY"),
        ("%B %d %Y", "MDY"),
        ("%G-W%V", "YYYYWW"),
        ("%GW%V", "YYYYWW"),
        ("%G%V", "YYYYWW"),
        ("%G/%V", "YYYYWW"),
        ("%G KW%V", "YYYYWW"),
        ("%G-W%V-1", "YYYYWW"),
        ("FY%G W%V", "YYYYWW"),
        ("%V%G", "WWYYYY"),
        ("%V.%G", "WWYYYY"),
        ("%V/%G", "WWYYYY"),
        ("KW %V/%G", "WWYYYY"),
        ("Week %V, %G", "WWYYYY"),
        ("W%V-%G", "WWYYYY"),
    ],
)
def test_a_spelling_is_recognised_and_the_last_weeks_cross_the_years_end(written: str, name: str) -> None:
    texts = [monday.strftime(written) for monday in MONDAYS]
    assert weeks_of(texts).format.name == name
    assert set(kept(texts, 4)) == set(texts[-4:])


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["2450", "2451", "2452", "2501", "2502"], "YYWW"),
        (["24W51", "24W52", "25W01"], "YYWW"),
        (["24-51", "24-52", "25-01"], "YYWW"),
        (["5024", "5124", "5224", "0125", "0225"], "WWYY"),
        (["KW51/24", "KW52/24", "KW01/25"], "WWYY"),
        (["11450", "11451", "11452", "11501", "11502"], "1YYWW"),
        (["12024", "22024", "32024", "42024"], "WWYYYY"),
        (["92024", "102024", "112024"], "WWYYYY"),
        (["45292", "45299", "45306", "45313"], "excel"),
        (["45292.0", "45299.0", "45306.0"], "excel"),
        (["1", "2", "3", "104"], "index"),
        (["P1", "P2", "P3"], "index"),
        (["202352", "202353", "202401"], "YYYYWW"),
        (["202352.0", "202401.0"], "YYYYWW"),
    ],
)
def test_numbers_are_recognised_by_all_of_them_together(texts: list[str], name: str) -> None:
    found = weeks_of(texts)
    assert found.format.name == name
    assert [found.positions[text] for text in texts] == sorted(found.positions.values())


def test_day_and_month_are_told_apart_by_a_day_beyond_twelve_or_by_one_weekday() -> None:
    assert weeks_of(["01/02/2024", "13/02/2024"]).format.name == "DMY"
    assert weeks_of(["02/01/2024", "02/13/2024"]).format.name == "MDY"
    assert weeks_of(["01/04/2024", "08/04/2024", "06/05/2024", "03/06/2024"]).format.name == "DMY"  # Mondays


@pytest.mark.parametrize(
    "texts", [["05/02/2024", "12/02/2024"], ["1.2.24", "2.2.24", "3.2.24"], ["03-04-2024", "05-06-2024"]]
)
def test_day_and_month_that_nothing_tells_apart_are_asked_for(texts: list[str]) -> None:
    said = fault(texts)
    assert 'set week_format = "' in said
    assert '"DMY"' in said
    assert '"MDY"' in said
    assert weeks_of(texts, "DMY").format.name == "DMY"


@pytest.mark.parametrize(
    "texts", [["W05", "W06"], ["KW 5", "KW 6"], ["Week 51", "Week 52", "Week 1"], ["51", "52", "1", "2"]]
)
def test_week_numbers_without_a_year_cannot_be_ordered(texts: list[str]) -> None:
    assert "without a year" in fault(texts)
    assert "YEAR" in fault(texts)


def test_weeks_of_one_year_without_a_hole_are_periods() -> None:
    assert weeks_of([str(week) for week in range(1, 54)]).format.name == "index"
    assert window(weeks_of(["51", "52", "1", "2"], "index"), 2).kept == {"51", "52"}


@pytest.mark.parametrize(
    "texts", [["202311", "202312", "202401", "202402"], ["Jan 2024", "Feb 2024"], ["2024-Jan", "2024-Feb"]]
)
def test_months_are_no_weeks(texts: list[str]) -> None:
    assert "months" in fault(texts)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (["2024-01-01", "2024-01-08"], "9999-12-31"),
        (["20240101", "20240108"], "99991231"),
        (["202401", "202402"], "202400"),
        (["202401", "202402"], "202499"),
        (["202401", "202402"], "999999"),
        (["2024-W01", "2024-W02"], "2042-W01"),
        (["45292", "45299"], "73050"),
        (["1", "2", "3"], "999"),
        (["01.01.2024", "15.01.2024"], "31.12.2099"),
        (["2024-01-01", "2024-01-08"], "unknown"),
    ],
)
def test_one_row_that_breaks_the_pattern_of_thousands_is_shown(good: list[str], bad: str) -> None:
    said = fault(dict.fromkeys(good, 37_000) | {bad: 1})
    assert f"'{bad}'" in said
    assert f"1 of {37_000 * len(good) + 1:,} rows" in said


def test_a_week_00_of_as_many_rows_as_others_is_the_days_before_the_first_monday() -> None:
    found = recognise({"202352": 700, "202400": 100, "202401": 700})
    assert sorted(found.positions.values()) == [202352, 202400, 202401]


def test_some_rows_a_year_before_the_others_are_no_fault() -> None:
    assert window(recognise({"1900-01-01": 1, "2024-01-01": 1000, "2024-01-08": 1000}), 2).has_older


def test_text_that_is_no_week_at_all_names_what_is_allowed() -> None:
    assert "no format fits, such as 'spring', 'summer'; set week_format" in fault(["spring", "summer"])


def test_a_format_that_is_named_and_does_not_fit_is_said() -> None:
    assert "YYYYWW" in fault(["2024-01-01"], "YYYYWW")


def test_a_window_says_its_first_and_last_week_and_whether_there_are_older_ones() -> None:
    found = window(weeks_of(["1", "2", "104"]), 100)
    assert (found.first, found.last, found.count, found.asked, found.has_older) == ("104", "104", 1, 100, True)
    assert window(weeks_of(["202401", "202405"]), 5).has_older is False


@pytest.mark.parametrize("last", [10**9, 10**12])
def test_more_weeks_than_there_ever_were_are_all_weeks(last: int) -> None:
    for text in ("2024-01-01", "0001-01-02", "20240101", "202401", "1"):
        assert window(weeks_of([text]), last).kept == {text}
