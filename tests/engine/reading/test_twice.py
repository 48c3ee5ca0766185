"""Sales that are there twice: found by their content, whatever files and rows are called; and what is legitimate is no doubt."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.gathered import Gathered
from pipeline.settings import CsvSettings

Gather = Callable[..., Gathered]
MAP = pd.DataFrame(
    {"sku_id": [f"s{n}" for n in range(8)], "category": ["Bread"] * 4 + ["Coffee"] * 4, "need_state": list("abcdabcd")}
)


def sales(weeks: range = range(202401, 202405), stores: int = 6, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keys = [
        (f"{store}", sku, cat, week)
        for store in range(stores)
        for sku, cat in zip(MAP["sku_id"], MAP["category"], strict=True)
        for week in weeks
    ]
    frame = pd.DataFrame(keys, columns=["store_id", "sku_id", "category", "week"])
    # the amount of a key is the same in whichever export it is
    frame["sales_value"] = [
        round(1 + (hash_ % 9973) / 100, 2) for hash_ in pd.util.hash_pandas_object(frame, index=False)
    ]
    return frame.sample(frac=1, random_state=int(rng.integers(99)))


def doubts(found: Gathered) -> list[str]:
    return [doubt for doubt in found.doubts if "twice" in doubt]


def rows_of(frame: pd.DataFrame) -> list[list[object]]:
    return [list(frame.columns), *frame.to_numpy().tolist()]


@pytest.mark.parametrize("columns", [{}, {"week": "week"}])
@pytest.mark.parametrize("second", ["b.xlsx", "b.parquet", "b.csv.gz", "b.ods"])
def test_a_copy_in_another_format_is_doubted(
    gather_internal: Gather, write, second: str, columns: dict[str, str]
) -> None:
    frame = sales(range(202401, 202403), stores=3)
    copy = frame.sample(frac=1, random_state=5)
    content: object = rows_of(copy) if second.endswith(("xlsx", "ods")) else copy
    if second.endswith("gz"):
        other = write(second, gzip.compress(copy.to_csv(index=False).encode()))
    else:
        other = write(second, {"S": content} if isinstance(content, list) else content)
    (doubt,) = doubts(gather_internal([write("a.csv", frame), other], MAP, columns=columns))
    assert "a.csv" in doubt
    assert second in doubt
    assert "the same sales stand in both" in doubt


@pytest.mark.parametrize("week", ["week", None])
@pytest.mark.parametrize("written", ["{}", "2024-W{}", "W"])
def test_exports_that_overlap_by_a_week_are_doubted(
    gather_internal: Gather, write, week: str | None, written: str
) -> None:
    frames = [sales(range(202401, 202405)), sales(range(202404, 202408))]
    if written != "{}":
        spelled = (
            (lambda number: f"2024-W{number % 100:02}")
            if written != "W"
            else (lambda number: f"{number % 100:02}.{number // 100}")
        )
        frames = [frame.assign(week=frame["week"].map(spelled)) for frame in frames]
    paths = [write(f"{n}.csv", frame) for n, frame in enumerate(frames)]
    (doubt,) = doubts(gather_internal(paths, MAP, columns={"week": week} if week else {}))
    assert "48 of the 48 sums per store, SKU, category and week" in doubt


def test_two_sheets_with_the_same_sales_and_a_sheet_that_is_the_total_are_doubted(
    gather_internal: Gather, write
) -> None:
    from pipeline.settings import ExcelSettings

    jan, feb = sales(range(202401, 202403), stores=3), sales(range(202405, 202407), stores=3)
    path = write("s.xlsx", {"Jan": rows_of(jan), "Jan (2)": rows_of(jan), "Feb": rows_of(feb)})
    (doubt,) = doubts(gather_internal([path], MAP, excel=ExcelSettings(sheet="*")))
    assert "sheet 'Jan'" in doubt
    assert "sheet 'Jan (2)'" in doubt
    total = (
        pd.concat([jan, feb])
        .groupby(["store_id", "sku_id", "category"], as_index=False)["sales_value"]
        .sum()
        .assign(week=0)
    )
    path = write("t.xlsx", {"Jan": rows_of(jan), "Feb": rows_of(feb), "Year": rows_of(total[jan.columns])})
    (doubt,) = doubts(gather_internal([path], MAP, excel=ExcelSettings(sheet="*")))
    assert "sheet 'Year': its sales are those of all the others together" in doubt


@pytest.mark.parametrize("week", ["week", None])
def test_files_of_other_weeks_of_other_stores_and_of_other_days_of_a_week_are_no_doubt(
    gather_internal: Gather, write, week: str | None
) -> None:
    columns = {"week": week} if week else {}
    whole = sales()
    by_week = [write(f"w{number}.csv", part) for number, part in whole.groupby("week")]
    assert doubts(gather_internal(by_week, MAP, columns=columns)) == []
    by_store = [write(f"s{number}.parquet", part) for number, part in whole.groupby("store_id")]
    assert doubts(gather_internal(by_store, MAP, columns=columns)) == []
    by_day = [
        write(f"d{n}.csv", whole.assign(sales_value=(whole["sales_value"] * share).round(2)))
        for n, share in enumerate((0.3, 0.45, 0.25))
    ]
    assert doubts(gather_internal(by_day, MAP, columns=columns)) == []


TOTALS = {"store_id": "Total", "sku_id": "Summe", "category": "Alle Warengruppen"}


def with_total(frame: pd.DataFrame, of: str, name: str) -> pd.DataFrame:
    others = [column for column in frame.columns if column not in (of, "sales_value")]
    if of == "category":
        others.remove("sku_id")
    total = frame.groupby(others, as_index=False)["sales_value"].sum().assign(**{of: name})
    if of == "category":
        total["sku_id"] = name
    return pd.concat([frame, total[frame.columns]])


@pytest.mark.parametrize("of", ["store_id", "sku_id", "category"])
@pytest.mark.parametrize("name", ["Total", "Summe", "0", "ALL STORES", "\u5408\u8ba1"])
def test_a_total_is_doubted_whatever_it_is_called_and_left_out_by_the_setting(
    gather_internal: Gather, write, of: str, name: str
) -> None:
    frame = with_total(sales(), of, "zz" if (of, name) == ("store_id", "0") else name)
    name = "zz" if (of, name) == ("store_id", "0") else name
    path = write("s.csv", frame)
    limits = {"max_unmapped_share": 1.0}
    said = doubts(gather_internal([path], MAP, **limits))
    word = {"store_id": "store", "sku_id": "SKU", "category": "category"}[of]
    assert any(f"{word} '{name}' sold as much as all" in doubt for doubt in said), said
    assert any(f'exclude_rows = {{ {of} = ["{name}"] }}' in doubt for doubt in said)
    found = gather_internal([path], MAP, source={"exclude_rows": {of: (name,)}})
    assert doubts(found) == []
    assert found["sales"]["sales_cents"].sum() == round(sales()["sales_value"].sum() * 100)


def test_a_grand_total_with_a_product_of_its_own_is_doubted(gather_internal: Gather, write) -> None:
    frame = sales()
    line = {
        "store_id": "Grand total",
        "sku_id": "-",
        "category": "-",
        "week": 0,
        "sales_value": frame["sales_value"].sum(),
    }
    said = doubts(
        gather_internal([write("s.csv", pd.concat([frame, pd.DataFrame([line])]))], MAP, max_unmapped_share=1.0)
    )
    assert any("store 'Grand total' sold as much as all others together" in doubt for doubt in said), said


@pytest.mark.parametrize("stores", [2, 3, 4, 9])
def test_stores_that_sell_the_same_and_two_stores_are_no_totals(gather_internal: Gather, write, stores: int) -> None:
    one = sales(stores=1)
    alike = pd.concat([one.assign(store_id=str(number)) for number in range(stores)])
    assert doubts(gather_internal([write("s.csv", alike)], MAP)) == []
    assert doubts(gather_internal([write("t.csv", sales(stores=stores))], MAP)) == []


def test_values_that_exclude_rows_names_are_compared_as_keys_are(gather_internal: Gather, write) -> None:
    path = write("s.csv", "store_id;sku_id;category;sales_value\n1;s0;Bread;2\n Total ;s0;Bread;2\n;s0;Bread;2\n")
    csv = CsvSettings(delimiter=";", fill_down=())
    with pytest.raises(Exception, match="without store_id"):
        gather_internal([path], MAP, csv=csv, source={"exclude_rows": {"store_id": ("Total",)}})
    with pytest.raises(Exception, match="exclude_rows: no column 'STORE'"):
        gather_internal([path], MAP, csv=csv, source={"exclude_rows": {"STORE": ("Total",)}})
