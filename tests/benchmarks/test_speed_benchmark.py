"""The benchmark of speed: what it measures, that it refuses to compare what differs, and what it writes."""

from __future__ import annotations

import argparse
import math
import sys
import xml.etree.ElementTree as ET

import duckdb
import pytest

from benchmarks import chart, data, growth, kept, machine, processes, project, written
from benchmarks.found import Row, same
from benchmarks.growth import STAGES, Grown
from benchmarks.processes import Command, Cost, Middle

SHAPE = {
    "stores": 6,
    "categories": 3,
    "skus": 4,
    "weeks": 5,
    "features": 2,
    "need_states": 4,
    "changed": 0,
    "changed_category": 0,
}


def row(figure: float, goal: float | None = 1.5, **given: object) -> Row:
    costs = {"a process": [Cost(2.0, 3.0, 120.0, "said"), Cost(4.0, 5.0, 100.0, "said")]}
    told = {"what": "a thing", "yardstick": "another", "unit": "x", "parity": "all is the same", "costs": costs}
    return Row(goal=goal, figure=Middle(figure, 1.0, 9.0), **(told | given))


@pytest.mark.parametrize("in_order", [0, 1])
def test_the_raw_files_have_each_store_sell_each_sku_in_each_week(tmp_path, in_order):
    data.write(tmp_path, argparse.Namespace(**SHAPE, sorted=in_order))
    with duckdb.connect() as connection:
        sales = connection.read_parquet(str(tmp_path / "internal_sales.parquet")).df()
    assert len(sales) == len(sales[["STORE_NBR", "SKU_NBR", "CAT_DSC", "WEEK"]].drop_duplicates()) == 360
    assert sales["TOTAL_SALES"].min() > 0
    assert sales["STORE_NBR"].head(20).is_monotonic_increasing is bool(in_order)


def test_a_process_is_measured_with_all_that_it_starts():
    burn = "x = 0\nfor i in range(3_000_000): x += i\n"
    child = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}], check=True)\nprint('{{\"a\": 1}}')"
    )
    cost = processes.run(Command([sys.executable, "-c", child]))
    assert 0.05 < cost.cpu <= cost.wall * 2
    assert cost.peak_mb > 5
    assert cost.told == {"a": 1}
    with pytest.raises(SystemExit, match="exit code 3"):
        processes.run(Command([sys.executable, "-c", "raise SystemExit(3)"]))


def test_commands_are_run_in_turns_and_compared_turn_by_turn(monkeypatch):
    order, walls = [], iter([9, 9, 1, 2, 4, 2])
    monkeypatch.setattr(processes, "run", lambda command: order.append(command) or Cost(next(walls), 1, 1, ""))
    found = processes.interleaved({"a": "A", "b": "B"}, times=2)
    assert order == ["A", "B"] * 3
    assert processes.ratio(found["a"], found["b"]) == Middle(1.25, 0.5, 2.0)


def test_what_did_not_compute_the_same_is_not_compared():
    same("two results", [1], [1])
    with pytest.raises(SystemExit, match="two results: not the same"):
        same("two results", [1], [2])


def test_the_page_says_what_was_met_and_why_not():
    rows = [row(1.2), row(2.0, what="slow", why="it is hard"), row(2.0, None, what="shown")]
    page = written.page(rows, ["a machine"], [], "", "")
    assert "| a thing | another | 1.20 x (1.00 x to 9.00 x) | <= 1.50 x | met |" in page
    assert "| slow | another | 2.00 x (1.00 x to 9.00 x) | <= 1.50 x | missed by 0.50 x |" in page
    assert "| shown | another | 2.00 x (1.00 x to 9.00 x) | - | - |" in page
    assert "- slow: all is the same. **Missed**: it is hard" in page
    assert page.count("**Missed**") == 1
    assert "| a process | 2 | 3.00 | 4.00 | 120 |" in page


def test_an_exponent_is_said_of_what_lies_beyond_the_start_where_that_is_enough():
    quadratic = Grown("stores", "Merging", [1, 10, 100], [2.01, 3.0, 102.0], [100.0, 120.0, 200.0], (2.0, 90.0))
    assert quadratic.time_exponent == pytest.approx(2.0)
    assert quadratic.memory_exponent == pytest.approx(math.log10(110 / 30))
    small = quadratic._replace(seconds=[2.0, 2.1, 2.9], peaks=[100.0, 95.0, 102.0])
    assert small.time_exponent is small.memory_exponent is None
    assert "- Merging in stores: time with the power 2.00\n" in written.steep([quadratic, small])
    assert "Nothing grows faster" in written.steep([small])


def test_the_chart_has_a_panel_per_thing_and_a_line_per_stage():
    grown = [
        Grown(what, stage, [1, 2, 4], [1.1, 1.2, 1.4], [1, 1, 1], (1.0, 1.0))
        for what in ("stores", "SKUs")
        for stage in STAGES
    ]
    root = ET.fromstring(chart.svg(grown))  # noqa: S314  # our own text
    assert len(root.findall("{*}polyline")) == 2 * len(STAGES)
    texts = [element.text for element in root.findall("{*}text")]
    assert {"stores", "SKUs", *STAGES} <= set(texts)


def test_a_run_is_kept_whole(tmp_path):
    grown = [Grown("stores", "Merging", [1, 2, 4], [0.1, 0.2, 0.4], [1.0, 2.0, 3.0], (0.1, 0.5))]
    run = kept.Run("quick", machine.facts(), [row(1.2)], grown, "a table")
    run.write(tmp_path / "results" / "run.json")
    assert kept.read(tmp_path / "results" / "run.json") == run


@pytest.mark.nightly
def test_the_quick_benchmark_runs_to_its_end(tmp_path):
    parts = ["nothing_to_do", "many_traces", "aggregation", "full_run", "two_workers", "scale", "hashing"]
    cost = processes.run(
        Command([sys.executable, "-m", "benchmarks", "--quick", "--place", str(tmp_path), "--only", *parts])
    )
    assert "| cold full run" in cost.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.nightly
def test_growth_has_every_stage_at_every_size(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "SETTLED", 0.0)
    found = growth.measure(tmp_path, "quick")
    assert [(one.what, one.stage) for one in found] == [("rows of sales", stage) for stage in STAGES]
    assert all(len(one.seconds) == len(one.sizes) == 3 and min(one.seconds) > 0 for one in found)
