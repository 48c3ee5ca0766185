"""A table of loads: what is missing, or twice, or rightly different, and what is said of it. docs/deliveries.md shows the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from conftest import ROOT
from loads import Change, Raw, delivered, raw

from pipeline.core.between_runs.arrivals import compare
from pipeline.core.between_runs.delivery import Delivery
from pipeline.settings import Deliveries, InternalPreprocessing

LIMITS = Deliveries()
Rows = Callable[[pd.DataFrame], "pd.Series[bool]"]


def sales(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Change:
    """The load with other sales."""
    return lambda load: load.but(sales=change(load.sales))


def lacking(rows: Rows) -> Change:
    """The load without these rows of the sales."""
    return sales(lambda frame: frame[~rows(frame)])


def times(factor: float, rows: Rows) -> Change:
    """The load with these sales multiplied."""
    return sales(
        lambda frame: frame.assign(SALES=frame["SALES"].where(~rows(frame), (frame["SALES"] * factor).round(2)))
    )


def outside(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Change:
    """The load with other outside data."""
    return lambda load: load.but(external=change(load.external))


def needs(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Change:
    """The load with another map of need states."""
    return lambda load: load.but(needs=change(load.needs))


def is_newest(frame: pd.DataFrame) -> pd.Series[bool]:
    return frame["WEEK"] == 202513


def head(share: float, *order: str) -> Change:
    """The first rows of the sales."""
    return sales(
        lambda frame: (frame.sort_values([*order], kind="stable") if order else frame).head(int(len(frame) * share))
    )


def with_store_99(load: Raw) -> Raw:
    more = load.sales[load.sales["STORE"] == 5].assign(STORE=99)
    return load.but(
        sales=pd.concat([load.sales, more]), external=pd.concat([load.external, load.external.head(1).assign(STORE=99)])
    )


def with_oat(load: Raw) -> Raw:
    parts = [frame[frame["CAT"] == "Milk"].assign(CAT="Oat") for frame in (load.sales, load.needs)]
    return load.but(sales=pd.concat([load.sales, parts[0]]), needs=pd.concat([load.needs, parts[1]]))


def milk_as_dairy(load: Raw) -> Raw:
    return load.but(
        sales=load.sales.replace({"CAT": {"Milk": "Dairy"}}), needs=load.needs.replace({"CAT": {"Milk": "Dairy"}})
    )


# What is wrong with a load of a week more than the last one, and what is said of it.
MISSING: dict[str, tuple[Change, tuple[str, ...]]] = {
    "a category": (
        lacking(lambda frame: frame["CAT"] == "Coffee"),
        ("1 of 5 categories is gone, with 24 % of the sales: Coffee",),
    ),
    "a category, in the new week alone": (
        lacking(lambda frame: is_newest(frame) & (frame["CAT"] == "Coffee")),
        ("202513: no sales of 1 category, with 24 % of the sales: Coffee",),
    ),
    "10 of 38 stores": (
        lacking(lambda frame: frame["STORE"] <= 10),
        (
            "10 of 38 stores are gone from the sales, with 28 % of them: 1, 10, 2, 3, 4, 5, 6, 7, 8, 9",
            "202513: only 28 of usually 38 stores have sales",
            "sales of 202501 to 202512, which both loads have, fell by 28 %",
        ),
    ),
    "10 of 38 stores, in the new week alone": (
        lacking(lambda frame: is_newest(frame) & (frame["STORE"] <= 10)),
        ("202513: only 28 of usually 38 stores have sales",),
    ),
    "the last 40 % of the rows, sorted by week": (
        head(0.6),
        (
            "sales changed in 1 week that the last load had too: 202508 (-20 %)",
            "4 weeks are gone: 202509, 202510, 202511, 202512; the newest is 202508",
        ),
    ),
    "the last 40 % of the rows, sorted by category": (
        head(0.6, "CAT", "WEEK"),
        (
            "2 of 5 categories are gone, with 36 % of the sales: Milk, Tea",
            "202513: sales are 34 % below those of a usual week",
        ),
    ),
    "40 % of the rows, here and there": (
        sales(lambda frame: frame.sample(frac=0.6, random_state=1)),
        (
            "sales of 202501 to 202512, which both loads have, fell by 40 %",
            "202513: sales are 39 % below those of a usual week",
        ),
    ),
    "40 % of the rows of the new week": (
        sales(lambda frame: pd.concat([frame[~is_newest(frame)], frame[is_newest(frame)].sample(frac=0.6, random_state=1)])),
        ("202513: sales are 38 % below those of a usual week",),
    ),
    "half of the outside data": (
        outside(lambda frame: frame.head(19)),
        ("outside data: 19 of 38 stores are gone: 20, 21, 22, 23, 24, 25, 26, 27, 28, 29 and 9 more",),
    ),
    "a column of the outside data": (
        outside(lambda frame: frame.drop(columns="AGE")),
        ("outside data: the column AGE is gone",),
    ),
    "the values of a column, for a quarter of the stores": (
        outside(lambda frame: frame.assign(AGE=frame["AGE"].where(frame["STORE"] > 9))),
        ("outside data: AGE has a value for 76 % of its stores, and had one for 100 %",),
    ),
    "nothing: the sales are there twice": (
        sales(lambda frame: pd.concat([frame, frame])),
        (
            "sales of 202501 to 202512, which both loads have, rose to 2.0 times what they were: see whether a delivery is there twice",
            "202513: sales are 2.0 times those of a usual week: see whether a delivery is there twice",
        ),
    ),
    "nothing: the new week is there twice": (
        sales(lambda frame: pd.concat([frame, frame[is_newest(frame)]])),
        ("202513: sales are 2.0 times those of a usual week: see whether a delivery is there twice",),
    ),
    "a week": (lacking(lambda frame: frame["WEEK"] == 202507), ("1 week is gone: 202507",)),
    "a week before the new one": (
        sales(lambda frame: frame.replace({"WEEK": {202513: 202514}})),
        ("1 week is missing between 202512 and 202514",),
    ),
    "the history: only the new week is there": (
        lacking(lambda frame: ~is_newest(frame)),
        ("the sales hold 1 week, and held 12: 202501 to 202512 are gone",),
    ),
    "nine tenths of a category's sales": (
        times(0.1, lambda frame: frame["CAT"] == "Milk"),
        (
            "Milk: 202513: sales are below those of a usual week (90 %)",
            "sales of 202501 to 202512, which both loads have, fell by 18 %",
            "Milk: sales of 202501 to 202512, which both loads have, fell by 90 %",
        ),
    ),
    "the same, in the new week alone": (
        times(0.1, lambda frame: is_newest(frame) & (frame["CAT"] == "Milk")),
        ("Milk: 202513: sales are below those of a usual week (90 %)",),
    ),
    "the point in amounts: they are cents": (
        times(100, lambda frame: frame["SALES"] > 0),
        (
            "sales of 202501 to 202512, which both loads have, rose to 100.0 times what they were: see whether amounts are in another unit",
            "202513: sales are 102.3 times those of a usual week: see whether amounts are in another unit",
        ),
    ),
    "a need state of the map": (
        needs(lambda frame: frame[frame["NEED"] != "need 3"]),
        (
            "5 categories: need states are gone, with that much of its sales: Bread (13 %: need 3), Candles (13 %: need 3), "
            "Coffee (13 %: need 3), Milk (13 %: need 3), Tea (13 %: need 3)",
            "5 categories: the share of its sales without a need state rose: Bread (0.0 % -> 13 %), Candles (0.0 % -> 13 %), "
            "Coffee (0.0 % -> 13 %), Milk (0.0 % -> 13 %), Tea (0.0 % -> 13 %)",
        ),
    ),
    "the zeros in the stores' numbers": (
        sales(lambda frame: frame.assign(STORE=frame["STORE"].map("{:03d}".format))),
        (
            "38 of 38 stores are gone from the sales, with 100 % of them: 1, 10, 11, 12, 13, 14, 15, 16, 17, 18 and 28 more; 38 are new "
            "(001, 002, 003, 004, 005, 006, 007, 008, 009, 010 and 28 more): see whether their numbers are written in another way",
            "outside data: it has 0.0 % of the stores with sales, and had 100 %: without it are 001, 002, 003, 004, 005, 006, 007, 008, "
            "009, 010 and 28 more",
        ),
    ),
}  # fmt: skip

# What may be different.
RIGHT: dict[str, Change] = {
    "a new week": lambda load: load,
    "a new week, and the oldest one is left out": lacking(lambda frame: frame["WEEK"] == 202501),
    "a new store": with_store_99,
    "a store that closed": lacking(lambda frame: frame["STORE"] == 7),
    "a store that has no sales in the new week": lacking(lambda frame: is_newest(frame) & (frame["STORE"] == 7)),
    "a small category that is delisted": lacking(lambda frame: frame["CAT"] == "Candles"),
    "a new category, with its history": with_oat,
    "a category with another name": milk_as_dairy,
    "a need state with another name": needs(lambda frame: frame.replace({"NEED": {"need 3": "Premium"}})),
    "a column of the outside data with another name": outside(lambda frame: frame.rename(columns={"AGE": "AGE_2026"})),
    "a new column in the outside data": outside(lambda frame: frame.assign(RENT=frame["INCOME"] ** 2)),
    "small corrections of what was sold": times(0.97, lambda frame: frame["STORE"] % 7 == 0),
    "a strong week": times(1.25, is_newest),
    "rows in another order": sales(lambda frame: frame.sample(frac=1, random_state=3)),
}


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return delivered(raw(12), tmp_path_factory.mktemp("last"))


@pytest.fixture(scope="module")
def unaltered() -> Raw:
    return raw(13)


@pytest.mark.parametrize("what", MISSING)
def test_what_did_not_arrive_is_said(last: Delivery, unaltered: Raw, tmp_path: Path, what: str) -> None:
    change, expected = MISSING[what]
    assert tuple(compare(delivered(change(unaltered), tmp_path), last, LIMITS).findings) == expected


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_rightly_different_is_no_finding(last: Delivery, unaltered: Raw, tmp_path: Path, what: str) -> None:
    assert compare(delivered(RIGHT[what](unaltered), tmp_path), last, LIMITS).findings == []


def test_what_has_another_name_is_noted(last: Delivery, unaltered: Raw, tmp_path: Path) -> None:
    for what, note in (
        ("a category with another name", "the category Milk is called Dairy now: its sales are the same"),
        (
            "a column of the outside data with another name",
            "outside data: AGE is called AGE_2026 now: its values are the same",
        ),
    ):
        assert compare(delivered(RIGHT[what](unaltered), tmp_path), last, LIMITS).notes == (note,)


def test_the_page_shows_this_table() -> None:
    page = (ROOT / "docs" / "deliveries.md").read_text()
    for what, (_, expected) in MISSING.items():
        assert f"| {what} | {'<br>'.join(expected)} |" in page
    for what in RIGHT:
        assert f"| {what} | nothing |" in page


WITHOUT_WEEKS = {
    "a category": True,
    "10 of 38 stores": True,
    "the last 40 % of the rows, sorted by week": True,
    "40 % of the rows, here and there": True,
    "nothing: the sales are there twice": True,
    "nine tenths of a category's sales": True,
    "half of the outside data": True,
    "a week": False,  # one of 13: without a column of weeks nobody can know
}


@pytest.mark.parametrize("what", WITHOUT_WEEKS)
def test_without_weeks_the_sales_are_compared_in_all(unaltered: Raw, tmp_path: Path, what: str) -> None:
    before = delivered(raw(12), tmp_path / "last", weeks=False)
    now = delivered(MISSING[what][0](unaltered), tmp_path / "now", weeks=False)
    assert bool(compare(now, before, LIMITS).findings) == WITHOUT_WEEKS[what]


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_rightly_different_is_no_finding_without_weeks_either(
    unaltered: Raw, tmp_path: Path, what: str
) -> None:
    before = delivered(raw(12), tmp_path / "last", weeks=False)
    assert compare(delivered(RIGHT[what](unaltered), tmp_path / "now", weeks=False), before, LIMITS).findings == []


def test_a_file_more_explains_a_rise_where_weeks_are_not_known(tmp_path: Path) -> None:
    before = delivered(raw(4), tmp_path / "last", weeks=False)
    twice = raw(8)
    assert compare(delivered(twice, tmp_path / "now", weeks=False), before, LIMITS).findings != []
    assert compare(delivered(twice.but(files=2), tmp_path / "now", weeks=False), before, LIMITS).findings == []


def test_the_first_load_is_compared_with_nothing(last: Delivery) -> None:
    assert compare(last, None, LIMITS).changes == ()


def test_what_the_settings_choose_changes_nothing_of_what_arrived(
    last: Delivery, unaltered: Raw, tmp_path: Path
) -> None:
    choice = msgspec.convert(
        {"exclude": ["Bread"], "last_weeks": 8, "unmapped": "drop", "max_unmapped_share": 1.0}, InternalPreprocessing
    )
    assert compare(delivered(unaltered, tmp_path, choice=choice), last, LIMITS).findings == []
    without_coffee = MISSING["a category"][0](unaltered)
    assert compare(delivered(without_coffee, tmp_path, choice=choice), last, LIMITS).findings == list(
        MISSING["a category"][1]
    )


def test_fewer_weeks_are_no_finding_where_the_settings_read_no_more(
    last: Delivery, unaltered: Raw, tmp_path: Path
) -> None:
    archived = delivered(lacking(lambda frame: frame["WEEK"] <= 202505)(unaltered), tmp_path)
    assert compare(archived, last, LIMITS).findings == [
        "the sales hold 8 weeks, and held 12: 202501 to 202505 are gone"
    ]
    assert compare(archived, last, LIMITS, last_weeks=8).findings == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("internal_sales", "a category"),
        ("external", "half of the outside data"),
        ("need_states", "a need state of the map"),
    ],
)
def test_a_source_whose_settings_changed_is_not_compared_and_the_others_are(
    last: Delivery, unaltered: Raw, tmp_path: Path, source: str, what: str
) -> None:
    settings = dict.fromkeys(("internal_sales", "need_states", "external"), "same") | {source: "other"}
    lost = compare(delivered(MISSING[what][0](unaltered), tmp_path, settings=settings), last, LIMITS)
    assert lost.findings == []
    assert lost.notes == (f"{source}: its settings changed since the last load, so it is not compared with it",)
    other = "half of the outside data" if source != "external" else "10 of 38 stores"
    also = compare(delivered(MISSING[other][0](unaltered), tmp_path, settings=settings), last, LIMITS)
    assert also.findings == list(MISSING[other][1])


def test_a_source_that_is_new_or_left_out_is_not_compared(last: Delivery) -> None:
    alone = msgspec.structs.replace(
        last, settings={"internal_sales": "same"}, outside_stores=[], features={}, unmapped={}, need_states={}
    )
    for now, before in ((alone, last), (last, alone)):
        assert compare(now, before, LIMITS).findings == []


def test_what_came_back_after_a_load_with_findings_is_none_and_what_is_still_gone_is_told_once(
    last: Delivery, unaltered: Raw, tmp_path: Path
) -> None:
    twice = delivered(MISSING["nothing: the sales are there twice"][0](raw(12)), tmp_path / "twice")
    whole = delivered(unaltered, tmp_path / "whole")
    assert compare(whole, twice, LIMITS).findings != []
    assert compare(whole, twice, LIMITS, earlier=last, last_has_findings=True).findings == []
    lacking_one = delivered(MISSING["a category"][0](raw(12)), tmp_path / "lacking")
    still = delivered(MISSING["a category"][0](unaltered), tmp_path / "still")
    assert compare(still, lacking_one, LIMITS, earlier=last, last_has_findings=True).findings == []
    lacking_more = delivered(MISSING["10 of 38 stores"][0](unaltered), tmp_path / "more")
    assert compare(lacking_more, lacking_one, LIMITS, earlier=last, last_has_findings=True).findings != []


def test_a_week_that_grows_by_the_day_is_judged_when_it_is_over(unaltered: Raw, tmp_path: Path) -> None:
    monday = delivered(times(0.2, is_newest)(unaltered), tmp_path / "monday")
    tuesday = delivered(times(0.45, is_newest)(unaltered), tmp_path / "tuesday")
    assert compare(tuesday, monday, LIMITS).findings == []
    next_week = delivered(times(0.45, is_newest)(raw(14)), tmp_path / "next")
    (finding,) = compare(next_week, tuesday, LIMITS, earlier=monday).findings
    assert finding.startswith("202513: sales are 5")  # it stopped halfway


def test_the_limits_are_settings(last: Delivery, unaltered: Raw, tmp_path: Path) -> None:
    now = delivered(MISSING["a category"][0](unaltered), tmp_path)
    assert compare(now, last, Deliveries(max_gone_sales=0.25)).findings == []
    candles = delivered(RIGHT["a small category that is delisted"](unaltered), tmp_path / "candles")
    assert compare(candles, last, Deliveries(max_gone_sales=0.001)).findings != []
    closed = delivered(RIGHT["a store that closed"](unaltered), tmp_path / "closed")
    assert compare(closed, last, Deliveries(max_gone_share=0.01)).findings != []


def test_the_table_has_a_row_for_every_change_a_finding_or_not(last: Delivery, unaltered: Raw, tmp_path: Path) -> None:
    table = compare(delivered(RIGHT["a small category that is delisted"](unaltered), tmp_path), last, LIMITS).table()
    (row,) = table[table["kind"] == "categories gone"].to_dict("records")
    assert (row["subject"], row["area"], row["is_finding"], row["limit"]) == ("Candles", "categories", False, 0.01)
    assert row["share"] == pytest.approx(0.005, rel=0.05)


def days(*, until: int, closed_on: int | None = None) -> pd.DataFrame:
    """Sales by day from 6 January 2025, a Monday; on `closed_on`, a day of the week, there are none."""
    rows = [
        (pd.Timestamp("2025-01-06") + pd.Timedelta(days=day), store, 0, "Bread", 100.0 + 40 * (day % 7 == 5) + day % 3)
        for day in range(until)
        for store in range(1, 39)
        if day % 7 != closed_on
    ]
    frame = pd.DataFrame(rows, columns=["WEEK", "STORE", "SKU", "CAT", "SALES"])
    return frame.assign(WEEK=frame["WEEK"].dt.strftime("%Y-%m-%d"))


def test_days_are_compared_with_the_same_day_of_the_week(unaltered: Raw, tmp_path: Path) -> None:
    def of(frame: pd.DataFrame, name: str) -> Delivery:
        return delivered(unaltered.but(sales=frame), tmp_path / name)

    before = of(days(until=61, closed_on=6), "before")
    assert compare(of(days(until=64, closed_on=6), "now"), before, LIMITS).findings == []
    later = days(until=66, closed_on=6)
    assert compare(of(later[later["WEEK"] != "2025-03-11"], "gap"), before, LIMITS).findings == [
        "1 day is missing between 2025-03-07 and 2025-03-12"
    ]
    half = later[(later["WEEK"] != "2025-03-12") | (later["STORE"] <= 19)]
    assert compare(of(half, "half"), before, LIMITS).findings == [
        "2025-03-12: only 19 of usually 38 stores have sales",
        "2025-03-12: sales are 50 % below those of a usual week",
    ]
