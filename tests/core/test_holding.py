"""Whether clusters hold on other weeks: planted clusters that stay, that go, that half the stores leave, and noise that is none."""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from pipeline.core.clustering.kmeans import kmeans, spread_starts
from pipeline.core.holding.halves import HALVINGS, Halves, halves
from pipeline.core.holding.noise import reliability
from pipeline.core.holding.on_halves import try_on_halves
from pipeline.core.holding.other_weeks import (
    NO,
    PARTLY,
    UNKNOWN,
    YES,
    Retained,
    flips,
    retained,
    still_explained,
)
from pipeline.core.internal.clustering import cluster_category
from pipeline.schema import BLOCK_CENTS, BLOCKS, TABLES
from pipeline.settings import InternalClustering

NEEDS = 6
MIXES = np.array([[8, 1, 1, 4, 4, 2], [1, 8, 1, 4, 4, 2], [1, 1, 8, 4, 4, 2]]) / 20
SETTINGS = InternalClustering(resamples=20, null_resamples=19)
Mixes = NDArray[np.float64]


def by_kmeans(points: Mixes, k: int) -> NDArray[np.int64]:
    weights = np.ones(points.shape[:2])
    return kmeans(points, weights, spread_starts(points, weights, k, np.random.default_rng(k))).labels


def retained_by_kmeans(halves: Mixes, k: int) -> Retained:
    """What is said of the clusters that k-means makes of all weeks."""
    return retained(halves, by_kmeans(halves.mean(axis=(0, 1))[None], k)[0], k)


def counted(mixes: Mixes, units: float, seed: int = 0) -> NDArray[np.int64]:
    """Cents (BLOCKS, n, NEEDS) of stores that sell so many units a block by these mixes, (n, NEEDS) or (BLOCKS, n, NEEDS)."""
    expected = np.broadcast_to(units * mixes, (BLOCKS, *mixes.shape[-2:]))
    return 100 * np.random.default_rng([seed, 1]).poisson(expected)


def scattered(clusters: NDArray[np.int64], seed: int = 0) -> Mixes:
    random = np.random.default_rng([seed, 2])
    return np.array([random.dirichlet(300 * MIXES[cluster]) for cluster in clusters])


def planted(moved: float, units: float = 500.0, stores: int = 90, seed: int = 0) -> NDArray[np.int64]:
    """Three clusters; in the second half of the weeks this share of the stores is in another one."""
    random = np.random.default_rng([seed, 3])
    clusters = random.integers(0, 3, stores)
    later = np.where(random.random(stores) < moved, random.permutation(clusters), clusters)
    first, second = scattered(clusters, seed), scattered(later, seed)
    return counted(np.stack([first] * (BLOCKS // 2) + [second] * (BLOCKS // 2)), units, seed)


def tables(cents: NDArray[np.int64], names: list[str] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """sales_by_need_state and sales_by_block of a category."""
    _, n, d = cents.shape
    ids = names or [f"s{store:03d}" for store in range(n)]
    key = pd.DataFrame(
        {"store_id": np.repeat(ids, d), "category": "Bread", "need_state": np.tile([f"N{j}" for j in range(d)], n)}
    )
    by_block = key.assign(**dict(zip(BLOCK_CENTS, cents.reshape(BLOCKS, -1), strict=True)))
    return key.assign(sales_cents=cents.sum(axis=0).ravel(), share=0.5, share_index=100.0, is_excluded=False), by_block


def in_halves(cents: NDArray[np.int64]) -> tuple[Halves, pd.DataFrame, pd.Series[int]]:
    """The halves, the shares of all weeks, and the sales."""
    _, by_block = tables(cents)
    total = pd.DataFrame(cents.sum(axis=0), columns=[f"N{j}" for j in range(cents.shape[2])])
    total.index = pd.Index([f"s{store:03d}" for store in range(len(total))], name="store_id")
    shares = total.div(total.sum(axis=1), axis=0)
    found = halves(by_block, shares, np.sqrt)
    assert found is not None
    return found, shares, total.sum(axis=1)


def test_every_block_is_in_the_first_half_four_times_and_no_two_blocks_always_go_together() -> None:
    signs = np.where(HALVINGS, 1, -1)
    assert HALVINGS.shape == (7, BLOCKS)
    assert (HALVINGS.sum(axis=1) == BLOCKS // 2).all()
    np.testing.assert_array_equal(signs @ signs.T, BLOCKS * np.eye(7))
    np.testing.assert_array_equal(HALVINGS[0], [True] * 4 + [False] * 4)
    for way in HALVINGS[1:]:  # the others have weeks of either half of the year on both sides
        assert way[:4].sum() == 2


def test_halves_are_shares_of_the_sales_of_their_weeks() -> None:
    cents = planted(0.0, stores=5)
    found, _, _ = in_halves(cents)
    at = found.stores.get_loc("s003")
    first = cents[:4, 3].sum(axis=0)
    np.testing.assert_allclose(found.shares[0, 0, at], first / first.sum())
    np.testing.assert_allclose(found.values, np.sqrt(found.shares))
    np.testing.assert_allclose(
        found.newest[0, found.newest_stores.get_loc("s003")], np.sqrt(cents[6, 3] / cents[6, 3].sum())
    )


def test_a_store_that_sold_nothing_in_a_half_is_in_none_and_returns_count_as_nothing_sold() -> None:
    cents = planted(0.0, stores=5)
    cents[:4, 1] = 0
    cents[:, 2, 0] = -1_000_000
    found, _, _ = in_halves(np.maximum(cents, 0))
    assert "s001" not in found.stores
    _, by_block = tables(cents)
    shares = pd.DataFrame(1 / NEEDS, index=[f"s{n:03d}" for n in range(5)], columns=[f"N{j}" for j in range(NEEDS)])
    again = halves(by_block, shares, np.sqrt)
    assert again is not None
    assert (again.shares[:, :, again.stores.get_loc("s002"), 0] == 0).all()


def test_need_states_that_are_rare_in_all_weeks_are_rare_in_every_half() -> None:
    _, by_block = tables(planted(0.0, stores=4))
    columns = ["(rare)", "N0", "N1", "N2"]
    shares = pd.DataFrame(0.25, index=[f"s{n:03d}" for n in range(4)], columns=columns)
    found = halves(by_block, shares, np.sqrt)
    assert found is not None
    assert found.shares.shape == (7, 2, 4, 4)
    np.testing.assert_allclose(found.shares.sum(axis=-1), 1.0)
    assert found.shares[..., 0].mean() == pytest.approx(0.5, abs=0.03)  # N3, N4 and N5 sell half of it all


@pytest.mark.parametrize(
    ("moved", "units", "holds"),
    [(0.0, 500.0, YES), (0.5, 500.0, PARTLY), (1.0, 500.0, NO), (0.0, 1.0, PARTLY)],
    ids=["they stay", "half the stores leave", "all leave", "small stores"],
)
def test_clusters_hold_as_far_as_stores_stay_in_them(moved: float, units: float, holds: str) -> None:
    for seed in range(5):
        found, _, _ = in_halves(planted(moved, units, seed=seed))
        result = retained_by_kmeans(found.values, 3)
        assert result.holds == holds, result
        assert 0 <= result.low <= result.share <= result.high <= 1
        assert result.share <= result.interleaved


def test_what_half_of_the_weeks_retain_of_clusters_that_half_the_stores_leave_is_a_quarter() -> None:
    # of the differences between clusters half is left, of the variance a quarter
    shares = [retained_by_kmeans(in_halves(planted(0.5, 2_000.0, 300, seed))[0].values, 3).share for seed in range(5)]
    assert np.mean(shares) == pytest.approx(0.25, abs=0.1)


def test_of_noise_nothing_is_left_and_no_number_of_clusters_qualifies() -> None:
    for seed in range(5):
        mixes = np.tile(MIXES.mean(axis=0), (90, 1))
        found, _, _ = in_halves(counted(mixes, 20.0, seed))
        for k in (2, 3, 5):
            result = retained_by_kmeans(found.values, k)
            assert not result.qualifies
            assert result.holds == NO


def test_the_share_retained_is_that_of_a_second_year() -> None:
    """What is said of one year's clusters is what of them is left in a year that nobody has seen, with noise of every size."""
    differences = []
    for seed in range(8):
        for units in (3.0, 10.0, 40.0):
            clusters = np.random.default_rng(seed).integers(0, 3, 120)
            mixes = scattered(clusters, seed)
            found, shares, _ = in_halves(counted(mixes, units, seed))
            second = np.sqrt(counted(mixes, units, seed + 100).sum(axis=0))
            second = second / np.linalg.norm(second, axis=1, keepdims=True)
            first = np.sqrt(shares.to_numpy())
            labels = by_kmeans(first[None], 3)[0]
            members = np.eye(3)[labels]
            means = [members.T @ (year - year.mean(axis=0)) / members.sum(axis=0)[:, None] for year in (first, second)]
            here, there = (np.sqrt(members.sum(axis=0))[:, None] * mean for mean in means)
            slope = (here * there).sum() / np.square(here).sum()
            differences.append(retained_by_kmeans(found.values, 3).share - slope**2)
    assert abs(np.mean(differences)) < 0.06
    assert np.sqrt(np.mean(np.square(differences))) < 0.15


def test_of_groups_that_are_seen_dimly_as_much_is_left_in_a_second_year_as_is_said() -> None:
    """Groups are found on all weeks; fits on half of the weeks see them much less, and would say too little."""
    kept, foretold = [], []
    for seed in range(4):
        random = np.random.default_rng([seed, 4])
        tilts = np.array([random.permutation([0.8] * 3 + [-0.8] * 2 + [0.0] * 7) for _ in range(4)])
        clusters = random.integers(0, 4, 160)
        mixes = np.array([random.dirichlet(150 * weights / weights.sum()) for weights in np.exp(tilts)[clusters]])
        years = [100 * random.poisson(5.0 * mixes, (BLOCKS, *mixes.shape)) for _ in range(2)]
        by_need, by_block = tables(years[0])
        result = cluster_category(sales_by_need_state=by_need, sales_by_block=by_block, settings=SETTINGS)
        verdict = result["internal_verdicts"].iloc[0]
        numbers = result["internal_clusters"].set_index("store_id")["cluster"].to_numpy()
        members = (numbers == np.unique(numbers)[:, None]).astype(float)
        roots = [np.sqrt(year.sum(axis=0) / year.sum(axis=(0, 2))[:, None]) for year in years]
        here, there = (members @ (year - year.mean(axis=0)) / np.sqrt(members.sum(axis=1))[:, None] for year in roots)
        assert verdict["k"] > 1
        assert verdict["holds"] != NO
        kept.append(verdict["kept"])
        foretold.append(((here * there).sum() / np.square(here).sum()) ** 2)
    assert np.mean(kept) == pytest.approx(np.mean(foretold), abs=0.1), (kept, foretold)


def test_where_stores_differ_by_noise_alone_clusters_that_are_placed_again_keep_nothing() -> None:
    """Every store's own noise is in the means that its halves are compared with: it is left out of its own."""
    shares = []
    for seed in range(10):
        noise = np.random.default_rng(seed).normal(size=(BLOCKS, 30, 6))
        values = np.stack([np.stack([noise[way].mean(axis=0), noise[~way].mean(axis=0)]) for way in HALVINGS])
        shares.append(retained_by_kmeans(values, 5).interleaved)
    assert np.mean(shares) < 0.05


def test_a_cluster_without_a_store_changes_nothing() -> None:
    found, _, _ = in_halves(planted(0.3))
    clusters = by_kmeans(found.values.mean(axis=(0, 1))[None], 3)[0]
    assert retained(found.values, clusters + 1, 5) == retained(found.values, clusters, 3)


def test_a_store_flips_as_often_as_its_halves_lie_in_different_clusters() -> None:
    cents = planted(0.0, stores=30)
    cents[:4, 0], cents[4:, 0] = 1000 * np.round(100 * MIXES[0]), 1000 * np.round(100 * MIXES[1])
    found, shares, _ = in_halves(cents)
    labels = by_kmeans(np.sqrt(shares.loc[found.stores].to_numpy())[None], 3)[0]
    result = pd.Series(flips(found.values, labels), index=found.stores)
    assert result["s000"] >= 1 / 7  # the first half of the year against the second
    assert result.drop("s000").max() == 0.0


def test_clusters_of_another_time_explain_less_of_the_newest_weeks_than_new_ones() -> None:
    stays, goes = (in_halves(planted(moved, seed=1))[0] for moved in (0.0, 1.0))
    results = []
    for found in (stays, goes):
        first_half = by_kmeans(found.values[0, :1], 3)[0]
        results.append(still_explained(found.newest, first_half, 3, by_kmeans))
    assert results[0] == pytest.approx(1.0, abs=0.02)
    assert results[1] is not None
    assert results[1] < 0.2
    assert still_explained(np.full((2, 10, 3), 0.5), np.arange(10) % 2, 2, by_kmeans) is None


def test_the_noise_of_a_share_is_that_of_counting_and_small_stores_are_the_less_reliable() -> None:
    random = np.random.default_rng(5)
    units = np.where(np.arange(200) < 100, 5.0, 500.0)
    mixes = scattered(random.integers(0, 3, 200))
    cents = 100 * random.poisson(units[:, None] * mixes, (BLOCKS, 200, NEEDS))
    found, shares, sales = in_halves(cents)
    table = reliability(found, shares, sales).set_index(["store_id", "feature"])
    expected = np.sqrt(mixes * (1 - mixes) / (BLOCKS * units[:, None]))
    noise = table["noise"].unstack().reindex(shares.index)
    for part in (slice(0, 100), slice(100, 200)):
        assert np.nanmean(noise.iloc[part].to_numpy() / expected[part]) == pytest.approx(1.0, abs=0.15)
    by_store = table["reliability"].groupby("store_id").mean().reindex(shares.index)
    assert by_store[100:].mean() > 0.9 > 0.75 > by_store[:100].mean()
    assert table["reliability"].between(0, 1).all()


@pytest.mark.parametrize("moved", [0.0, 0.5])
def test_a_category_says_whether_its_clusters_hold(moved: float) -> None:
    by_need, by_block = tables(planted(moved))
    result = cluster_category(sales_by_need_state=by_need, sales_by_block=by_block, settings=SETTINGS)
    verdict = result["internal_verdicts"].iloc[0]
    assert verdict["holds"] == (YES if moved == 0.0 else PARTLY)
    chosen = result["internal_k_selection"].set_index("k").loc[verdict["k"]]
    assert (chosen["kept"], chosen["kept_low"], chosen["kept_high"]) == tuple(
        verdict[["kept", "kept_low", "kept_high"]]
    )
    assert f"they keep {verdict['kept']:.2f} of the mix" in verdict["reason"]
    assert ("they change with time" in verdict["reason"]) == (moved > 0)
    assert verdict["outdated"] == (moved > 0)
    assert result["internal_clusters"]["flips"].notna().mean() > 0.9
    assert len(result["internal_reliability"]) == 90 * NEEDS


def test_clusters_that_do_not_hold_are_not_taken_and_the_reason_says_why() -> None:
    by_need, by_block = tables(planted(1.0, stores=150))
    free = cluster_category(sales_by_need_state=by_need, settings=SETTINGS)["internal_verdicts"].iloc[0]
    result = cluster_category(sales_by_need_state=by_need, sales_by_block=by_block, settings=SETTINGS)
    verdict = result["internal_verdicts"].iloc[0]
    assert free["k"] > 1
    assert (verdict["k"], verdict["holds"]) == (1, NO)
    assert verdict["verdict"] in ("no structure", "axis")
    assert verdict["kept"] < 0.1
    assert f"k = {free['k']} is not taken: its clusters change with time" in verdict["reason"]


def test_a_number_of_clusters_that_is_set_stands_and_is_said_not_to_hold() -> None:
    by_need, by_block = tables(planted(1.0))
    settings = msgspec.structs.replace(SETTINGS, k=3)
    verdict = cluster_category(sales_by_need_state=by_need, sales_by_block=by_block, settings=settings)[
        "internal_verdicts"
    ].iloc[0]
    assert (verdict["k"], verdict["holds"]) == (3, NO)
    assert "they do not hold" in verdict["reason"]


@pytest.mark.parametrize("blocks", [None, tables(planted(0.0))[1].iloc[:0]], ids=["no table", "no rows"])
def test_without_weeks_nothing_is_known_and_nothing_else_changes(blocks: pd.DataFrame | None) -> None:
    by_need, by_block = tables(planted(0.0))
    result = cluster_category(sales_by_need_state=by_need, sales_by_block=blocks, settings=SETTINGS)
    verdict = result["internal_verdicts"].iloc[0]
    assert verdict["holds"] == UNKNOWN
    assert verdict[["kept", "kept_low", "kept_high", "still_explained"]].isna().all()
    assert not verdict["outdated"]
    assert result["internal_clusters"]["flips"].isna().all()
    assert result["internal_reliability"].empty
    weekly = cluster_category(sales_by_need_state=by_need, sales_by_block=by_block, settings=SETTINGS)
    pd.testing.assert_frame_equal(
        result["internal_clusters"].drop(columns="flips"), weekly["internal_clusters"].drop(columns="flips")
    )
    for name, frame in (*result.items(), *weekly.items()):
        assert set(frame) == {column.frame_name for column in TABLES[name].columns}


def test_names_and_order_of_stores_change_nothing() -> None:
    cents = planted(0.3, units=20.0)
    by_need, by_block = tables(cents)
    random = np.random.default_rng(0)
    names = dict(zip(by_need["store_id"].unique(), random.permutation([f"x{n}" for n in range(90)]), strict=True))
    shuffled = [
        frame.assign(store_id=frame["store_id"].map(names)).sample(frac=1, random_state=1)
        for frame in (by_need, by_block)
    ]
    first = cluster_category(sales_by_need_state=by_need, sales_by_block=by_block, settings=SETTINGS)
    second = cluster_category(sales_by_need_state=shuffled[0], sales_by_block=shuffled[1], settings=SETTINGS)
    pd.testing.assert_frame_equal(first["internal_verdicts"], second["internal_verdicts"])
    pd.testing.assert_frame_equal(first["internal_k_selection"], second["internal_k_selection"])
    renamed = first["internal_clusters"].assign(store_id=first["internal_clusters"]["store_id"].map(names))
    renamed = renamed.sort_values("store_id", ignore_index=True)
    pd.testing.assert_frame_equal(renamed, second["internal_clusters"])


def test_the_clusters_of_a_reference_are_those_that_may_be_outdated() -> None:
    cents = planted(0.0)
    by_need, by_block = tables(cents)
    clusters = cluster_category(sales_by_need_state=by_need, settings=SETTINGS)["internal_clusters"]
    outdated = clusters.assign(
        cluster=np.roll(np.sort(clusters["cluster"]), 7)
    )  # numbers that say nothing of the stores
    for reference, expected in ((clusters, False), (outdated, True)):
        verdict = cluster_category(
            sales_by_need_state=by_need,
            sales_by_block=by_block,
            settings=SETTINGS,
            reference_clusters=reference[["store_id", "category", "cluster"]],
            reference_verdicts=pd.DataFrame({"category": ["Bread"], "highest_number": [3]}),
        )["internal_verdicts"].iloc[0]
        assert verdict["outdated"] == expected
        assert (verdict["still_explained"] < 0.5) == expected


def test_too_few_stores_that_sold_all_year_say_nothing_of_the_others() -> None:
    cents = planted(0.0, stores=20)
    cents[:4, :11] = 0
    found, _, _ = in_halves(cents)
    fitted = [f"s{store:03d}" for store in range(20)]
    assert len(found.stores) == 9
    by_k = {k: pd.Series(np.arange(20) % k, index=fitted) for k in range(1, 20)}
    assert try_on_halves(found, by_k, by_kmeans).by_k == {}
    most = {k: clusters.iloc[10:] for k, clusters in by_k.items()}
    assert set(try_on_halves(found, most, by_kmeans).by_k) == set(range(2, 9))


@pytest.mark.parametrize(
    ("result", "holds", "qualifies"),
    [
        (Retained(0.8, 0.65, 1.0, 0.9), YES, True),
        (Retained(0.8, 0.64, 1.0, 0.9), PARTLY, True),
        (Retained(0.1, 0.0, 0.3, 0.25), PARTLY, True),
        (Retained(0.09, 0.0, 0.3, 0.9), NO, False),
        (Retained(0.2, 0.1, 0.3, 0.24), NO, False),
    ],
)
def test_what_holds(result: Retained, holds: str, qualifies: bool) -> None:
    assert (result.holds, result.qualifies) == (holds, qualifies)
