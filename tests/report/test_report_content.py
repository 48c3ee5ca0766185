"""The report's figures, and that nothing in it is markup but what the templates say."""

from __future__ import annotations

import dataclasses
import json
import re
from html import unescape
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import report_pages
import report_tables
from report_tables import HOSTILE, NEEDS

from pipeline.report import category, html, overview, sections
from pipeline.report.clusters import Mix, mix
from pipeline.report.memberships import likely
from pipeline.report.outside import telling
from pipeline.report.source import Source
from pipeline.schema import TABLES
from pipeline.storage import parquet


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return report_tables.source(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def page(source: Source) -> str:
    return html.page(source)


def contents(page: str) -> list[dict]:
    every = [json.loads(text) for text in report_pages.categories(page)]
    for content in every:
        content["stores"]["at"] = [last - 1 for last in accumulate(content["stores"]["after"])]
    return every


def test_equal_tables_give_equal_pages(source: Source, page: str) -> None:
    assert html.page(Source(source.files, source.env)) == page


def test_no_name_from_the_data_is_markup(page: str) -> None:
    assert len(re.findall(r"<script\b", page)) == len(re.findall(r"</script>", page)) == len(HOSTILE) + 4
    assert not re.findall(r"<(img|b|i|em|u|s)[ >]", page)
    assert "49" not in "".join(row["needs"][0] for row in contents(page)), "a name is no template"
    assert [content["name"] for content in contents(page)] == sorted(HOSTILE)
    assert {need for content in contents(page) for need in content["needs"]} == set(NEEDS)


def test_the_policy_allows_the_page_s_own_script_and_nothing_else(page: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", directives["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", directives["style-src"])
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_sample_data_is_said_on_the_face_and_nowhere_else(source: Source, page: str) -> None:
    assert "SAMPLE DATA" not in page
    assert html.page(dataclasses.replace(source, sample=True)).count("SAMPLE DATA") == 2, "banner and title"


def test_a_table_that_nobody_publishes_leaves_its_section_out(source: Source) -> None:
    optional = {"reassignments", "excluded_stores", "store_labels", "external_verdicts", "external_feature_report"}
    page = html.page(Source({name: files for name, files in source.files.items() if name not in optional}, "dev"))
    assert "What merging moved" not in page
    assert len(contents(page)) == len(HOSTILE)


def test_what_is_published_is_shown_once_it_has_rows_and_per_category_only_where_it_can_be(
    tmp_path: Path, source: Source
) -> None:
    files = dict(source.files)
    shown = (*sections._CATEGORY, *sections._OUTSIDE, *sections._CHAIN, *sections._REFERENCE)
    for name in {section.table for section in shown} & TABLES.keys() - files.keys():
        keyed = "category" in TABLES[name].key
        parquet.write(
            report_tables.frame(name, [{"category": HOSTILE[0]} if keyed else {}]), TABLES[name], tmp_path / name
        )
        files[name] = [tmp_path / name]
    page = html.page(Source(files, "dev"))
    first = next(content for content in contents(page) if content["name"] == HOSTILE[0])
    titles = {grid["title"] for grid in first["grids"]}
    assert titles == {section.title for section in sections._CATEGORY if section.table in TABLES}
    for title in [section.title for section in shown[len(sections._CATEGORY) :]]:
        assert f"<h3>{title.replace(chr(39), '&#39;')}</h3>" in page
    assert all("category" in TABLES[one.table].key for one in sections._CATEGORY if one.table in TABLES)


def test_no_category_gives_a_page_that_says_so() -> None:
    assert "There is no category" in html.page(Source({}, "dev"))


def test_the_mix_is_what_adding_up_by_hand_gives(source: Source) -> None:
    placed = source.of_category("store_clusters", HOSTILE[0])
    sales = pd.concat([pd.read_parquet(path) for path in source.files["sales_by_need_state"]])
    sales = sales[sales["category"] == HOSTILE[0]].astype({"sales_value": float})
    found = mix(source.part("sales_by_need_state", _file(source)), placed, [1, 2, 3])
    total = sales["sales_value"].sum()
    for column, need in enumerate(found.need_states):
        assert found.chain[column] == pytest.approx(sales.loc[sales["need_state"] == need, "sales_value"].sum() / total)
        for row, cluster in enumerate((1, 2, 3)):
            stores = placed.loc[placed["cluster"] == cluster, "store_id"]
            own = sales[sales["store_id"].isin(stores) & (sales["need_state"] == need)]
            assert found.share[row][column] == pytest.approx(own["share"].sum() / len(stores))
            assert found.index(row)[column] == pytest.approx(100 * found.share[row][column] / found.chain[column])
    assert sum(found.sales) == round(100 * total)


def _file(source: Source) -> str:
    listed = source.table("categories")
    return str(listed.loc[listed["category"] == HOSTILE[0], "file"].iloc[0])


def test_what_a_cluster_sells_more_and_less_of_by_a_worked_example() -> None:
    found = Mix(["a", "b", "c", "d"], [0.5, 0.4, 0.095, 0.005], [[0.4, 0.45, 0.15, 0.0]], [0])
    assert found.apart(0) == pytest.approx(0.105)
    assert found.differences(0) == (
        ["c (15 %, chain 10 %)", "b (45 %, chain 40 %)"],
        ["a (40 %, chain 50 %)", "d (0.0 %, chain 0.5 %)"],
    )
    alike = Mix(["a", "b"], [0.5, 0.5], [[0.505, 0.495]], [0])
    assert alike.differences(0) == ([], [])


def test_how_big_the_stores_of_a_cluster_are_is_what_they_sell(source: Source, page: str) -> None:
    first = next(content for content in contents(page) if content["name"] == HOSTILE[0])
    volumes = source.of_category("store_volumes", HOSTILE[0]).set_index("store_id")
    names = json.loads(re.search(r'id="stores">(.*?)</script>', page)[1])["id"]
    assert first["stores"]["sales"] == [round(volumes["sales_cents"][names[at]] / 100) for at in first["stores"]["at"]]
    assert first["stores"]["tier"] == [volumes["volume_tier"][names[at]] for at in first["stores"]["at"]]


def test_the_outside_of_a_cluster_is_told_by_means_and_standard_deviations(page: str) -> None:
    """Three clusters of eight stores at 10, 20 and 30: the deviation of all is the root of 200 / 3."""
    outside = contents(page)[0]["outside"]
    assert (outside["features"], outside["chain"], outside["explained"]) == (["<s>age</s>"], [20.0], [100])
    assert outside["mean"] == [[10.0], [20.0], [30.0]]
    assert outside["apart"] == [[-1.2], [0.0], [1.2]]
    assert outside["less"] == [["<s>age</s> (10, all stores 20)"], [], []]
    assert outside["more"] == [[], [], ["<s>age</s> (30, all stores 20)"]]


def about(page: str) -> str:
    return unescape(re.search(r'<p class="about">(.*?)</p>', page)[1])


def with_table(source: Source, folder: Path, name: str, **columns: object) -> Source:
    """The same tables, one with other values."""
    path = folder / f"{name}.parquet"
    parquet.write(source.table(name).assign(**columns), TABLES[name], path)
    return dataclasses.replace(source, files=source.files | {name: [path]}, _read={}, _by_category={})


def test_the_report_says_which_weeks_which_currency_and_which_result_it_is_of(tmp_path: Path, source: Source) -> None:
    weeks = {"first_week": "2025-W40", "last_week": "2026-W13", "weeks": 26}
    spring = with_table(source, tmp_path, "categories", **weeks)
    spring = dataclasses.replace(spring, currency="EUR", contents={"categories": ["one"]})
    summer = dataclasses.replace(spring, contents={"categories": ["two"]})
    text = about(html.page(spring))
    assert text.startswith("Sales of weeks 2025-W40 to 2026-W13 (26 weeks); amounts in EUR; result ")
    assert re.fullmatch(r".*; result [0-9a-f]{8}\.", text)
    assert about(html.page(summer)) != text, "mailed a month apart they can be told apart"
    assert "<title>Store clusters: dev, 2025-W40 to 2026-W13" in html.page(spring)
    assert html.page(spring) == html.page(dataclasses.replace(spring, _read={}, _by_category={}))
    nothing = with_table(source, tmp_path, "categories", first_week=None, last_week=None, weeks=pd.NA)
    assert about(html.page(nothing)).startswith("Amounts in the currency of the sales' files; result ")


def test_a_store_placed_by_hand_is_said_to_be_so_and_has_no_confidence_of_the_clustering(
    tmp_path: Path, source: Source
) -> None:
    placed = source.table("store_clusters")
    by_hand = with_table(
        source, tmp_path, "store_clusters", overridden=placed["store_id"] == placed["store_id"].iloc[1]
    )
    stores = contents(html.page(by_hand))[0]["stores"]
    at = stores["overridden"].index(1)
    assert stores["confidence"][at] is None
    assert sum(value is None for value in stores["confidence"]) == 1


def test_one_store_is_one_store_wherever_it_is_counted(tmp_path: Path) -> None:
    alone = report_tables.source(tmp_path, ["Bread"], stores=3)
    page = html.page(alone)
    script = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b1 (stores|clusters|categories|weeks|rows|features)\b", script)


def test_a_feature_that_was_logged_is_shown_as_what_it_was_before(tmp_path: Path, source: Source) -> None:
    path, logs = tmp_path / "report.parquet", tmp_path / "features.parquet"
    rows = [{"feature": "<s>age</s>", "action": "transformed"}]
    parquet.write(report_tables.frame("external_feature_report", rows), TABLES["external_feature_report"], path)
    features = source.table("external_features")
    features["<s>age</s>"] = np.log1p(features["<s>age</s>"])
    parquet.write(features, TABLES["external_features"], logs)
    changed = Source(source.files | {"external_feature_report": [path], "external_features": [logs]}, "dev")
    outside = contents(html.page(changed))[0]["outside"]
    assert outside["mean"] == [[10.0], [20.0], [30.0]], "as published, in its own unit"
    assert outside["chain"] == [20.0]
    first = (np.log1p(10) - np.log1p(20)) / features["<s>age</s>"].std(ddof=0)
    assert outside["apart"][0] == [pytest.approx(first, abs=0.06)], "how far apart, by the logarithms"


def test_an_outside_difference_is_told_where_it_is_large_and_more_than_chance_gives_so_few_stores() -> None:
    away = [0.6, -0.9, 0.49, None]
    assert telling(away, list("abcd"), stores=100) == (["a"], ["b"])
    assert telling(away, list("abcd"), stores=16) == ([], ["b"])
    assert telling(away, list("abcd"), stores=0) == ([], [])


def test_what_tells_clusters_over_all_categories_apart_is_shown_the_most_telling_first(
    source: Source, page: str
) -> None:
    chain = json.loads(re.search(r'id="data-chain">(.*?)</script>', page)[1])
    assert [(one["number"], one["stores"]) for one in chain["clusters"]] == [(1, 12), (2, 11)]
    assert (chain["need"], chain["explained"]) == ([NEEDS[2], NEEDS[1], NEEDS[0]], [20, 10, 0]), (
        "none that is sold rarely"
    )
    assert chain["index"] == [[102, 202], [101, 201], [100, 200]]
    assert (set(chain["category"]), chain["of"]) == ({HOSTILE[0]}, 3)
    of_store = source.table("chain_clusters").set_index("store_id")["cluster"]
    stores = json.loads(re.search(r'id="stores">(.*?)</script>', page)[1])["id"]
    assert chain["at"] == [of_store.get(store) for store in stores]
    assert chain["at"].count(None) == 1


def test_stores_that_are_in_a_cluster_for_certain_take_no_room() -> None:
    rows = [("a", 1, 0.6), ("a", 3, 0.4), ("b", 1, 1.0), ("b", 3, 0.0)]
    memberships = pd.DataFrame(rows, columns=["store_id", "cluster", "probability"])
    assert likely(memberships, ["b", "a", "c"]) == {"clusters": [1, 3], "percent": [None, [60, 40], None]}
    assert likely(memberships.head(0), ["a"]) is None


@pytest.mark.nightly
def test_a_hundred_categories_of_a_thousand_stores_stay_below_ten_megabytes(tmp_path: Path) -> None:
    source = report_tables.source(tmp_path, [f"category {number}" for number in range(100)], stores=1000)
    assert len(html.page(source).encode()) < 10_000_000


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ({"holds": "yes", "kept": 0.9}, None),
        ({"holds": "unknown", "kept": None}, None),
        ({"holds": "partly", "kept": 0.6}, None),
        ({"holds": "partly", "kept": 0.4}, "on weeks that the fit did not see, 40 % of the mix"),
        ({"holds": "no", "kept": 0.05}, "clusters on its sales mix do not hold: on other weeks 5.0 % of the mix"),
        (
            {"holds": "yes", "kept": 0.9, "still_explained": 0.62, "outdated": True},
            "its clusters are outdated: of what new ones explain on the newest weeks they explain 62 %",
        ),
    ],
)
def test_how_clusters_hold_stands_beside_the_verdict_and_is_looked_at_where_it_is_little(
    source: Source, weeks: dict[str, Any], expected: str | None
) -> None:
    verdicts = source.table("internal_verdicts").assign(outdated=False).assign(**weeks)
    changed = dataclasses.replace(source, _read={"internal_verdicts": verdicts}, _by_category={})
    row = next(changed.table("categories").itertuples(index=False))
    line = overview.line(changed, row, 0, [])
    sentences = [finding for finding in line.findings() if "weeks" in finding]
    assert (line.holds, line.kept_share) == (weeks["holds"], weeks["kept"])
    assert [sentence[: len(expected or "")] for sentence in sentences] == ([] if expected is None else [expected])


def test_the_page_counts_how_many_categories_hold_and_says_so_of_each(source: Source) -> None:
    holds = ["yes", "partly", "no", "unknown", "yes", "yes", "yes"]
    verdicts = source.table("internal_verdicts").assign(holds=holds)
    page = html.page(dataclasses.replace(source, _read={"internal_verdicts": verdicts}, _by_category={}))
    assert (
        "On other weeks, the clusters hold in 4 categories, hold in part in 1 category and do not hold in 1 category."
        in page
    )
    shown = {content["holds"]: content["says"] for content in contents(page)[: len(holds)] if "holds" in content}
    assert "It holds:" in shown["yes"]
    assert "Do not plan an assortment by them" in shown["no"]
    assert "hold" not in shown["unknown"]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["separated"] * 7, "fall into clear groups in all categories."),
        (["axis"] * 6 + ["separated"], "fall into clear groups in 1 category and lie along one continuous axis in 6 categories."),
        (
            ["separated", "tiers", "axis", "axis", "no structure", "no structure", "no structure"],
            "fall into clear groups in 1 category, stand on steps along a scale in 1 category, lie along one continuous axis in 2 categories "
            "and show no reliable groups in 3 categories (one cluster there).",
        ),
    ],
)  # fmt: skip
def test_the_first_sentence_names_the_verdicts_that_there_are_and_no_other(
    source: Source, verdicts: list[str], expected: str
) -> None:
    changed = source.table("internal_verdicts").assign(verdict=verdicts)
    page = html.page(dataclasses.replace(source, _read={"internal_verdicts": changed}, _by_category={}))
    assert f"By their sales mix, the stores {expected}" in page


def test_a_store_takes_few_bytes_of_the_file_in_each_category(tmp_path: Path) -> None:
    sizes = {
        stores: len(html.page(report_tables.source(tmp_path / str(stores), HOSTILE[:1], stores)))
        for stores in (200, 1000)
    }
    of_the_chain = 60  # of a store once: its number, label, and place on the maps of the chain and the outside data
    assert (sizes[1000] - sizes[200]) / 800 <= of_the_chain + 30  # as plain JSON about 130


def test_a_category_holds_the_stores_that_sell_it_and_no_others() -> None:
    assert category._steps([0, 1, 2, 5, 6]) == [1, 1, 1, 3, 1]
    assert category._steps([3]) == [4]
    assert category._steps([]) == []
