"""Publishing and reading Parquet."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.errors import OutputError
from pipeline.freshness.fingerprints import content
from pipeline.schema import TABLES
from pipeline.storage import joining, parquet
from pipeline.storage.publication import Publication
from pipeline.storage.replacement import sweep

SALES = TABLES["sales_by_need_state"]
FEATURES = TABLES["external_features"]


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def sales(**columns: object) -> pd.DataFrame:
    """Two rows of sales, some columns replaced."""
    rows = {
        "store_id": ["b", "a"],
        "category": ["x", "x"],
        "need_state": ["n", "n"],
        "sales_cents": [-5, 123_456_789_012_345],
        "share": [0.5, np.nan],
        "share_index": [np.nan, 100.0],
        "is_excluded": [True, False],
    }
    return pd.DataFrame({**rows, **columns})


def test_a_table_reads_back_as_it_was_written_sorted_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write(sales(), SALES, path)
    expected = sales().sort_values("store_id", ignore_index=True)
    pd.testing.assert_frame_equal(parquet.read(path, SALES), expected, check_dtype=False)


def test_money_is_exact_decimal_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write(sales(), SALES, path)
    column = pq.read_table(path).column("sales_value")
    assert str(column.type) == "decimal128(22, 6)"
    assert [str(value) for value in column.to_pylist()] == ["1234567890123.450000", "-0.050000"]


@pytest.mark.parametrize("cents", [[-0.5, 1281558.4], [0.0001, -0.0001], [4e11 + 0.25, 7.0], [12.3333, -99.9999]])
def test_parts_of_a_cent_read_back_as_they_were(tmp_path: Path, cents: list[float]) -> None:
    path = tmp_path / "t.parquet"
    parquet.write(sales(sales_cents=cents), SALES, path)
    assert sorted(parquet.read(path, SALES)["sales_cents"]) == sorted(cents)
    published = sorted(pq.read_table(path).column("sales_value").to_pylist())
    assert published == sorted(Decimal(repr(value)) / 100 for value in cents)


def test_whole_cents_are_whole_numbers_also_where_they_were_floats(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write(sales(sales_cents=[5.0, -7.0]), SALES, path)
    assert parquet.read(path, SALES)["sales_cents"].dtype == "int64"


def test_equal_tables_give_equal_bytes_whatever_their_order(tmp_path: Path) -> None:
    parquet.write(sales(), SALES, tmp_path / "one")
    parquet.write(sales().iloc[::-1, ::-1], SALES, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_floats_are_rounded_and_zero_has_no_sign(tmp_path: Path) -> None:
    frame = pd.DataFrame({"store_id": ["a", "b"], "x": [1 / 3, -0.0]})
    parquet.write(frame, FEATURES, tmp_path / "t")
    assert parquet.read(tmp_path / "t", FEATURES)["x"].tolist() == [0.3333333333, 0.0]
    assert not np.signbit(parquet.read(tmp_path / "t", FEATURES)["x"].to_numpy()).any()


def test_the_largest_floats_are_no_overflow_of_the_rounding(tmp_path: Path) -> None:
    values = [np.finfo(float).max, -1e300, 2.0**53 + 2, 12.00000000004]
    parquet.write(pd.DataFrame({"store_id": list("abcd"), "x": values}), FEATURES, tmp_path / "t")
    assert parquet.read(tmp_path / "t", FEATURES)["x"].tolist() == [*values[:3], 12.0]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (sales(store_id=["a", "a"]), "key .* is not unique"),
        (sales(store_id=["a", None]), "store_id is null in 1 row"),
        (sales(share=[np.inf, 0.0]), "share is infinite"),
        (sales().drop(columns="share"), r"columns missing: \['share'\]"),
        (sales(extra=[1, 2]), r"unknown: \['extra'\]"),
    ],
)
def test_a_frame_that_is_not_the_table_is_refused(tmp_path: Path, frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(OutputError, match=said):
        parquet.write(frame, SALES, tmp_path / "t")


def test_every_flipped_bit_of_the_pages_is_found_on_reading(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"store_id": [f"s{i}" for i in range(2000)], "x": rng.normal(size=2000)})
    path = tmp_path / "t"
    parquet.write(frame, FEATURES, path)
    good, expected = path.read_bytes(), parquet.read(path, FEATURES)
    silent = 0
    for position in rng.integers(4, len(good) - 700, size=60):
        path.write_bytes(good[:position] + bytes([good[position] ^ (1 << int(position) % 8)]) + good[position + 1 :])
        try:
            silent += not parquet.read(path, FEATURES).equals(expected)
        except OutputError:
            pass
    assert silent == 0


def test_a_missing_target_is_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"gone\.parquet: cannot be read .*run again"):
        parquet.read(tmp_path / "gone.parquet", SALES)


def test_no_files_give_no_rows_of_the_right_columns() -> None:
    found = parquet.read([], TABLES["store_clusters"])
    assert len(found) == 0
    assert list(found.columns) == [column.frame_name for column in TABLES["store_clusters"].columns]


def test_nothing_is_in_place_before_publish_and_all_after(tmp_path: Path) -> None:
    publication = Publication(content)
    for name in ("one", "two"):
        with publication.staged(tmp_path / name) as path:
            path.write_text(name)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
    published = publication.publish()
    assert names(tmp_path) == ["one", "two"]
    assert published[tmp_path / "one"] == content(tmp_path / "one")


def test_what_is_discarded_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    publication = Publication(content)
    with publication.staged(tmp_path / "one") as path:
        path.write_text("new")
    publication.discard()
    assert names(tmp_path) == ["one"]
    assert (tmp_path / "one").read_text() == "old"


def test_equal_content_keeps_the_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("same")
    before = (tmp_path / "one").stat()
    publication = Publication(content)
    with publication.staged(tmp_path / "one") as path:
        path.write_text("same")
    publication.publish()
    assert (tmp_path / "one").stat() == before
    assert names(tmp_path) == ["one"]


def test_a_sweep_takes_dotted_leftovers_and_nothing_else(tmp_path: Path) -> None:
    for name in (".a.parquet.12.tmp", ".b.parquet.13.tmp", "a.parquet", ".hidden"):
        (tmp_path / name).touch()
    sweep(tmp_path, "a.parquet")
    assert names(tmp_path) == [".b.parquet.13.tmp", ".hidden", "a.parquet"]
    sweep(tmp_path)
    assert names(tmp_path) == [".hidden", "a.parquet"]


def test_of_a_table_only_the_rows_of_some_categories_can_be_read(tmp_path: Path) -> None:
    table = TABLES["cluster_numbers"]
    path = tmp_path / "cluster_numbers.parquet"
    parquet.write(pd.DataFrame({"category": ["Bread", "Oil", "Tea"], "highest_number": [3, 1, 2]}), table, path)
    assert parquet.read(path, table, categories={"Tea", "Bread"}).to_numpy().tolist() == [["Bread", 3], ["Tea", 2]]
    assert parquet.read(path, table, ("highest_number", "category"), {"Oil"}).to_numpy().tolist() == [[1, "Oil"]]
    assert parquet.read(path, table, categories={"Coffee"}).columns.tolist() == ["category", "highest_number"]
    assert len(parquet.read(path, table, categories=set())) == 0


def test_joined_files_have_the_bytes_of_one_and_no_key_twice(tmp_path: Path) -> None:
    table = TABLES["cluster_numbers"]
    rows = pd.DataFrame({"category": ["Bread", "Oil", "Tea"], "highest_number": [3, 1, 2]})
    parts = [tmp_path / f"{number}.parquet" for number in range(3)]
    for part, row in zip(parts, (rows[2:], rows[:1], rows[1:2]), strict=True):
        parquet.write(row, table, part)
    parquet.write(rows, table, tmp_path / "whole.parquet")
    joining.join(parts, table, tmp_path / "joined.parquet")
    assert (tmp_path / "joined.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    with pytest.raises(OutputError, match="is not unique"):
        joining.join([parts[0], parts[0]], table, tmp_path / "twice.parquet")
    joining.join([], table, tmp_path / "nothing.parquet")
    assert len(parquet.read(tmp_path / "nothing.parquet", table)) == 0


def volumes(category: str, stores: int) -> pd.DataFrame:
    """store_volumes of a category: stores in the opposite order, each with a tier."""
    names = [f"s{number:03d}" for number in reversed(range(stores))]
    cents = [100 * number for number in range(stores)]
    return pd.DataFrame({"store_id": names, "category": category, "sales_cents": cents, "volume_tier": 1})


@pytest.mark.parametrize("stores", [0, 1, 5, 21])
@pytest.mark.parametrize("in_a_range", [1, 4, 1000])
def test_what_does_not_fit_in_memory_is_joined_to_the_bytes_of_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stores: int, in_a_range: int
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 10)
    monkeypatch.setattr(joining, "_IN_A_RANGE", in_a_range)
    table = TABLES["store_volumes"]
    frames = [volumes(name, stores + more) for more, name in enumerate(("Tea", "Bread", "Oil"))]
    parquet.write(pd.concat(frames), table, tmp_path / "whole.parquet")
    parts = [tmp_path / f"{number}.parquet" for number in range(3)]
    for part, frame in zip(parts, frames, strict=True):
        parquet.write(frame, table, part)
    joining.join(parts, table, tmp_path / "joined.parquet", str(tmp_path / "spill"))
    joining.write(iter(frames), table, tmp_path / "written.parquet", str(tmp_path / "spill"))
    whole = (tmp_path / "whole.parquet").read_bytes()
    assert (tmp_path / "joined.parquet").read_bytes() == whole
    assert (tmp_path / "written.parquet").read_bytes() == whole
    assert not list((tmp_path / "spill").iterdir())
    assert pq.ParquetFile(tmp_path / "whole.parquet").num_row_groups == max(1, -(-(3 * stores + 3) // 10))


def test_a_large_join_refuses_a_key_that_is_there_twice_and_a_part_in_no_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 10)
    monkeypatch.setattr(joining, "_IN_A_RANGE", 4)
    table, path = TABLES["store_volumes"], tmp_path / "tea.parquet"
    parquet.write(volumes("Tea", 21), table, path)
    with pytest.raises(OutputError, match="is not unique"):
        joining.join([path, path], table, tmp_path / "twice.parquet")
    pq.write_table(pq.read_table(path).take(list(range(20, -1, -1))), path)
    with pytest.raises(OutputError, match="not in the order of its key"):
        joining.join([path], table, tmp_path / "unordered.parquet")
