"""Numbers kept from a reference: against every assignment there is, and on planted stores of which some change."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.between_runs.alignment import Numbers, Reference, aligned, reference, renumbered
from pipeline.core.internal.clustering import cluster_category
from pipeline.settings import InternalClustering


def series(labels: list[int] | np.ndarray) -> pd.Series:
    return pd.Series(np.asarray(labels, dtype="int64"), index=[f"s{i:03d}" for i in range(len(labels))])


def test_without_a_reference_every_cluster_keeps_its_number() -> None:
    assert aligned(series([1, 2, 2, 3]), None) == Numbers({1: 1, 2: 2, 3: 3}, 3)
    assert aligned(series([]), None) == Numbers({}, 0)


def test_a_cluster_without_a_match_takes_a_number_never_used() -> None:
    kept = Reference(series([4, 4, 4, 4, 2, 2, 2, 2]), highest=9)  # 9 was used before, and is gone
    found = aligned(series([1, 1, 1, 1, 2, 2, 3, 3]), kept)
    assert found == Numbers({1: 4, 2: 2, 3: 10}, 10)


def test_clusters_that_overlap_in_less_than_three_tenths_are_not_the_same() -> None:
    before, now = series([1] * 10), series([1, 1] + [2] * 4 + [3] * 4)
    assert aligned(now, Reference(before, 1)).new == {1: 2, 2: 1, 3: 3}
    assert aligned(series([1, 1, 2, 2, 3, 3, 4, 4, 5, 5]), Reference(before, 1)).new == {1: 2, 2: 3, 3: 4, 4: 5, 5: 6}


def test_only_stores_that_both_place_decide() -> None:
    before = series([1] * 4 + [2] * 4)
    now = pd.concat([series([2] * 4 + [1] * 4), pd.Series(1, [f"new{i}" for i in range(50)])])
    assert aligned(now, Reference(before, 2)).new == {2: 1, 1: 2}


@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_the_sum_of_the_jaccard_indices_is_the_most_that_any_assignment_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    before, now = series(random.integers(1, 5, 40)), series(random.integers(1, 5, 40))
    now = now.where(random.random(40) < 0.6, before)

    def jaccard(old: int, new: int) -> float:
        index = ((before == old) & (now == new)).sum() / ((before == old) | (now == new)).sum()
        return float(index) if index >= 0.3 else 0.0

    olds, news = sorted(before.unique()), sorted(now.unique())
    padded = [*olds, *[None] * max(0, len(news) - len(olds))]
    best = max(
        sum(jaccard(old, new) for old, new in zip(order, news, strict=False) if old is not None)
        for order in permutations(padded)
    )
    found = aligned(now, Reference(before, 4))
    assert sum(jaccard(number, new) for new, number in found.new.items() if number <= 4) == pytest.approx(best)
    assert len(set(found.new.values())) == len(news)
    assert found.highest == max(4, *found.new.values())


def test_nulls_stay_and_types_too() -> None:
    frame = pd.DataFrame({"cluster": [1, 2], "next_cluster": pd.array([2, None], dtype="Int64")})
    found = renumbered(frame, Numbers({1: 7, 2: 3}, 7), ("cluster", "next_cluster"))
    assert found["cluster"].tolist() == [7, 3]
    assert found["next_cluster"].tolist() == [3, pd.NA]
    assert found.dtypes.equals(frame.dtypes)


def test_a_reference_knows_the_numbers_that_are_used_up() -> None:
    clusters = pd.DataFrame({"store_id": ["a", "b"], "cluster": [1, 3]})
    assert reference(clusters, pd.DataFrame({"highest_number": [8]})).highest == 8
    assert reference(clusters, pd.DataFrame({"highest_number": []})).highest == 3
    assert reference(clusters.iloc[:0], pd.DataFrame({"highest_number": [8]})).highest == 8
    assert reference(clusters.iloc[:0], pd.DataFrame({"highest_number": []})) is None
    assert reference(None, None) is None


# ------------------------------------------------------------------------------- the promise, on planted stores


def planted(seed: int, k: int, stores: int = 120, need_states: int = 8, spread: float = 60.0) -> pd.DataFrame:
    """Sales in cents, store x need state: k mixes, and stores around each."""
    random = np.random.default_rng(seed)
    mixes = random.dirichlet(np.full(need_states, 0.7), k)
    shares = np.stack([random.dirichlet(spread * mixes[i % k] + 0.05) for i in range(stores)])
    return pd.DataFrame(np.round(1e6 * shares).astype(int), [f"s{i:03d}" for i in range(stores)]).rename_axis(
        "store_id"
    )


def kept_by_the_others(seed: int, k: int, changed_share: float = 0.05, **knobs: float) -> float:
    """The share of the unchanged stores that keep their number where so many others sell something else altogether."""
    random = np.random.default_rng([seed, 1])
    sales = planted(seed, k, **knobs)
    changed = random.choice(len(sales), int(changed_share * len(sales)), replace=False)
    after = sales.copy()
    after.iloc[changed] = random.permuted(sales.iloc[changed].to_numpy(), axis=1)
    settings = InternalClustering(resamples=10, null_resamples=19)
    before = cluster_category(sales_by_need_state=long(sales), settings=settings)
    now = cluster_category(
        sales_by_need_state=long(after),
        settings=settings,
        reference_clusters=before["internal_clusters"],
        reference_verdicts=before["internal_verdicts"],
    )
    numbers = [found["internal_clusters"].set_index("store_id")["cluster"] for found in (before, now)]
    others = sales.index.delete(changed)
    return float((numbers[0].loc[others] == numbers[1].loc[others]).mean())


def long(sales: pd.DataFrame) -> pd.DataFrame:
    found = sales.rename(columns=lambda i: f"need {i}").reset_index()
    found = found.melt("store_id", var_name="need_state", value_name="sales_cents").assign(category="Bread")
    return found.assign(is_excluded=False)


@pytest.mark.parametrize("seed", [0, 1])
def test_with_one_store_in_twenty_changed_the_others_keep_their_numbers(seed: int) -> None:
    assert kept_by_the_others(seed, k=3 + seed) >= 0.95


@pytest.mark.nightly
def test_with_one_store_in_twenty_changed_the_others_keep_their_numbers_for_many_seeds() -> None:
    kept = [kept_by_the_others(seed, k=2 + seed % 5) for seed in range(25)]
    assert np.mean(kept) >= 0.98, kept
    assert np.mean([share >= 0.95 for share in kept]) >= 0.9, kept
