"""The quality benchmark: its sets are as difficult as the shared yardstick's, its figures are right, and a run goes on."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import planned, yardstick
from benchmarks.quality.goals import GOALS, measure
from benchmarks.quality.labelled import chosen, parity
from benchmarks.quality.labels import Kept, kept
from benchmarks.quality.methods import DEFAULTS, ORACLE, Outcome, _said, measured
from benchmarks.quality.planned import OURS, Measurement
from benchmarks.quality.planted import LEVELS, planted
from benchmarks.quality.real import Real
from benchmarks.quality.written import page


@pytest.mark.parametrize("level", LEVELS)
def test_a_planted_set_is_repeatable_and_has_the_stores_and_clusters_asked_for(level):
    k = 1 if level == "gradient" else 3
    one, again = planted(level=level, k=k, seed=1), planted(level=level, k=k, seed=1)
    pd.testing.assert_frame_equal(one.sales, again.sales)
    assert len(one.truth) == 240
    assert (one.truth == -1).sum() == LEVELS[level].outliers
    assert sorted(set(one.truth) - {-1}) == list(range(k))


@pytest.mark.skipif(not yardstick.is_there(), reason="the shared yardstick is not beside the project")
@pytest.mark.parametrize(
    ("level", "seeds", "tolerance"),
    [
        ("easy", (11,), 0.02),
        # The oracle's ARI differs by about .2 from one of these sets to the next, so that few of them say nothing.
        *(
            pytest.param(level, range(11, 17), 0.08, marks=pytest.mark.nightly)
            for level in LEVELS
            if level != "gradient"
        ),
    ],
)
def test_our_sets_are_as_difficult_as_the_yardsticks(level, seeds, tolerance):
    sets = [(k, seed) for k in ((4,) if len(seeds) == 1 else (2, 3, 4, 5, 6, 7)) for seed in seeds]
    ours = [measured(planted(level=level, k=k, seed=seed), ORACLE)["ari"] for k, seed in sets]
    theirs = [measured(yardstick.planted(level=level, k=k, seed=seed), ORACLE)["ari"] for k, seed in sets]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=tolerance)


def test_a_run_keeps_each_result_and_does_not_measure_it_again(tmp_path):
    kept = tmp_path / "results.jsonl"
    wanted = [Measurement(OURS, "easy", 3, 7, ORACLE), Measurement(OURS, "easy", 3, 7, DEFAULTS)]
    assert len(planned.run(wanted[:1], kept)) == 1
    results = planned.run(wanted, kept)
    assert len(kept.read_text().splitlines()) == 2
    assert results["ari"].min() > 0.98
    assert results["found_k"].tolist() == [3, 3]
    kept.write_text(
        "".join(json.dumps({**json.loads(line), "code": "other"}) + "\n" for line in kept.read_text().splitlines())
    )
    assert planned.run(wanted, kept, seconds=-1).empty, "results of other code count for nothing"
    text = page(results, [parity("iris")])
    assert "| easy | k exact | >= 0.98 | 1.000 | too few sets to say | 1 |" in text
    assert "| easy | k exact | >= 0.98 | 1.000 | yes | 40 |" in page(pd.concat([results] * 40), [])
    assert "| medium | k exact | >= 0.94 | not measured |  | 0 |" in text
    assert "| 0.9 to 1.0 | 240 | " in text


def test_said_and_right_are_counted_by_tenth_of_the_confidence_whatever_the_clusters_are_called():
    truth = pd.Series([0, 0, 0, 1, 1], index=list("abcde"))
    outcome = Outcome(
        pd.Series([7, 7, 3, 3, 3], index=list("abcde")),
        2,
        "tiers",
        pd.Series([1.0, 0.95, 0.55, 0.52, 0.9], index=list("abcde")),
    )
    by_tenth = _said(truth, outcome)
    assert by_tenth[5] == [2.0, pytest.approx(1.07), 1.0]  # c is in the cluster of d and e
    assert by_tenth[9] == [3.0, pytest.approx(2.85), 3.0]
    assert sum(stores for stores, _, _ in by_tenth) == 5


def test_the_page_tells_of_labels_and_of_real_stores_what_was_measured():
    verdicts = pd.DataFrame({"verdict": ["tiers"], "categories": [22], "stability": [0.69]})
    nothing = pd.DataFrame(columns=[*Measurement._fields, "true_k", "found_k", "ari", "verdict", "said"])
    text = page(nothing, [], [Kept("easy", 9, 0.98, 8)], Real(verdicts, "no structure, k = 1", 3, 1, 3.0, 12.0))
    assert "| easy | 9 | 0.980 | 8 |" in text
    assert "| tiers | 22 | 0.690 |" in text
    assert "it was tested in 3 categories, and earns its place in 1" in text
    assert "12.0 s for all" in text
    assert "Of that, 3.0 s are the mixtures of every k" in text


def test_the_page_has_the_k_that_each_way_chooses():
    nothing = pd.DataFrame(columns=[*Measurement._fields, "true_k", "found_k", "ari", "verdict", "said"])
    row = chosen("iris")
    assert row["true_k"] == 3
    assert row["ari"] > 0.5
    assert f"| iris | 3 | {row['verdict']} | {row['k']} | {row['ari']:.3f} | 2 | 0.568 |" in page(
        nothing, [], chosen=[row]
    )


def test_stores_keep_their_numbers_where_one_in_twenty_sells_something_else():
    [of_level] = kept(["easy"], [1], [3])
    assert of_level.sets == of_level.enough == 1
    assert 0.95 <= of_level.share <= 1.0


def test_goals_are_measured_against_the_oracle_on_the_same_sets():
    rows = [
        (OURS, "hard", 3, 1, DEFAULTS, 3, 3, 0.45, "tiers"),
        (OURS, "hard", 3, 1, ORACLE, 3, 3, 0.50, None),
        (OURS, "hard", 4, 1, DEFAULTS, 4, 2, 0.10, "tiers"),
    ]
    columns = [*Measurement._fields, "true_k", "found_k", "ari", "verdict"]
    found = {(one.goal.level, one.goal.what): one for one in measure(pd.DataFrame(rows, columns=columns))}
    assert len(found) == len(GOALS)
    assert found["hard", "ARI / the oracle's"].figure == pytest.approx(0.9)
    assert found["hard", "ARI / the oracle's"].sets == 1


MISSED = pytest.mark.xfail(strict=True, reason="what both kinds differ in is taken for an axis: ARI 0 (decision 24)")


@pytest.mark.parametrize(
    "name",
    [
        "iris",
        "wine",
        pytest.param("breast cancer", marks=[pytest.mark.nightly, MISSED]),
        pytest.param("digits", marks=pytest.mark.nightly),
    ],
)
def test_with_the_true_k_external_clustering_gives_no_less_than_scikit_learn(name):
    assert (found := parity(name))["ari"] >= found["ari_scikit_learn"] - 0.02
