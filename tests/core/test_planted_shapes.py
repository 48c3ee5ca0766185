"""Shapes of real retail, planted: what is found of them. One set each, of 200 stores; docs/decisions/0018 has many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from pipeline.core.internal.clustering import cluster_category
from pipeline.settings import InternalClustering

MANY = np.random.default_rng(4).dirichlet(
    np.full(120, 1.5)
)  # need states, of which hardly any has a hundredth of the sales
CHAIN = np.random.default_rng(1).dirichlet(np.full(14, 2.0))
RARE = 0.001  # of the sales, in one more need state: small stores sell one or two of it


def table(
    k: int,
    *,
    needs: int = 14,
    gradient: float = 0.0,
    gaps: float = 0.0,
    lacking: int = 0,
    tilt: float = 0.9,
    units: float = 4_000.0,
    sizes: tuple[float, ...] = (),
    seed: int = 0,
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Sales by need state of 200 stores, their cluster, and their position on a gradient. Each cluster but the first lacks so many need states."""
    random = np.random.default_rng(seed)
    n, base = 200, np.append(CHAIN[:needs] / CHAIN[:needs].sum() * (1 - RARE), RARE)
    needs += 1
    counts = np.floor(np.array(sizes or (1 / k,) * k) * n).astype(int)
    counts[0] += n - counts.sum()
    cluster = random.permutation(np.repeat(np.arange(k), counts))
    tilts = np.zeros((k, needs))
    for c in range(1, k):
        tilts[c, random.choice(needs - 1, min(5, needs - 1), replace=False)] = tilt * random.choice(
            [-1, 1], min(5, needs - 1)
        )
    axis, position = np.zeros(needs), random.uniform(-1, 1, n)
    if gradient:
        axis[:4] = gradient * np.array([1, -1, 1, -1])
    volume = units * random.lognormal(0, 0.8, n)
    mix = base * np.exp(tilts[cluster] + position[:, None] * axis)
    absent = random.random((n, needs)) < (2 * gaps * (1 - volume.argsort().argsort() / n))[:, None]
    for c in range(1, k):
        absent[np.ix_(cluster == c, random.choice(needs - 1, lacking, replace=False))] = True
    absent[np.arange(n), mix.argmax(axis=1)] = False
    mix = np.where(absent, 0.0, mix) / np.where(absent, 0.0, mix).sum(axis=1, keepdims=True)
    share = np.stack([random.dirichlet(150 * one + 1e-9) for one in mix])
    cents = 250 * random.poisson(volume[:, None] * share)
    wide = pd.DataFrame(cents, index=[f"s{i:03d}" for i in range(n)], columns=[f"need {j:02d}" for j in range(needs)])
    long = wide.rename_axis("store_id").reset_index().melt("store_id", var_name="need_state", value_name="sales_cents")
    long = long[long["sales_cents"] > 0].assign(category="C", is_excluded=False)
    return long, cluster, position


def clustered(sales: pd.DataFrame, **settings: object) -> tuple[str, int, pd.DataFrame, dict[str, pd.DataFrame]]:
    made = cluster_category(
        sales_by_need_state=sales, settings=InternalClustering(resamples=20, null_resamples=39, **settings)
    )
    verdict = made["internal_verdicts"].iloc[0]
    return verdict["verdict"], int(verdict["k"]), made["internal_clusters"].set_index("store_id").sort_index(), made


@pytest.mark.parametrize(
    "shape",
    [{}, {"needs": 3}, {"needs": 5}, {"gaps": 0.15}, {"units": 60.0}],
    ids=["all needs", "three", "five", "gaps", "thin"],
)
def test_stores_of_one_mix_are_one_cluster_and_never_separated(shape):
    verdict, k, clusters, _ = clustered(table(1, seed=2, **shape)[0])
    assert k == 1
    assert verdict in ("no structure", "axis")
    assert clusters["confidence"].isna().all(), "of one cluster there is nothing to be sure of"


def test_a_gradient_is_one_axis_with_its_need_states_and_the_stores_in_order():
    sales, _, position = table(1, gradient=0.8)
    verdict, k, clusters, made = clustered(sales)
    assert (verdict, k) == ("axis", 1)
    assert abs(np.corrcoef(clusters["position"], position)[0, 1]) > 0.9
    along = made["internal_axes"].set_index("feature")
    up = np.sign(np.corrcoef(clusters["position"], position)[0, 1])
    assert (np.sign(along.loc[["need 00", "need 02"], "change"]) == up).all()
    assert (np.sign(along.loc[["need 01", "need 03"], "change"]) == -up).all()
    words = made["internal_verdicts"]["axis"].iloc[0]
    assert any(f"need 0{j}" in words for j in range(4))


def test_an_axis_is_cut_into_tiers_where_that_is_asked_for():
    sales, _, position = table(1, gradient=0.8)
    verdict, k, clusters, made = clustered(sales, axis_tiers=4)
    assert (verdict, k) == ("tiers", 4)
    assert clusters["cluster"].value_counts().between(48, 52).all()
    ends = clusters.groupby("cluster")["position"].agg(["min", "max"]).sort_values("min")
    assert (ends["max"].to_numpy()[:-1] <= ends["min"].to_numpy()[1:]).all()
    assert made["internal_memberships"].empty
    assert clusters["confidence"].between(0, 1).all()
    assert abs(np.corrcoef(clusters["position"].rank(), position)[0, 1]) > 0.9


@pytest.mark.parametrize(
    ("k", "shape", "least"),
    [(3, {}, 0.9), (3, {"gradient": 0.8}, 0.85), (4, {"gaps": 0.15}, 0.8), (3, {"sizes": (0.9, 0.05, 0.05)}, 0.9)],
    ids=["plain", "beside a gradient", "with gaps", "90, 5 and 5 %"],
)
def test_planted_clusters_are_found(k, shape, least):
    sales, truth, _ = table(k, seed=3, **shape)
    _, found, clusters, _ = clustered(sales)
    assert found == k
    assert adjusted_rand_score(truth, clusters["cluster"]) > least


@pytest.mark.parametrize("tilt", [0.0, 0.4], ids=["in nothing else", "in other shares too"])
def test_clusters_that_differ_by_what_they_do_not_carry_are_found(tilt):
    sales, truth, _ = table(3, seed=3, lacking=3, tilt=tilt)
    _, found, clusters, _ = clustered(sales)
    assert found == 3
    assert adjusted_rand_score(truth, clusters["cluster"]) > 0.95


def test_no_bit_depends_on_the_order_of_rows_or_the_names_of_stores():
    sales, _, _ = table(3, seed=3, gaps=0.1, gradient=0.5)
    _, _, clusters, made = clustered(sales)
    names = {name: f"x{(7 * int(name[1:])) % 200:03d}" for name in clusters.index}
    renamed = sales.sample(frac=1, random_state=0).assign(store_id=lambda frame: frame["store_id"].map(names))
    _, _, again, made_again = clustered(renamed)
    pd.testing.assert_frame_equal(made_again["internal_k_selection"], made["internal_k_selection"], check_exact=True)
    back = again.rename(index={new: old for old, new in names.items()}).sort_index()
    pd.testing.assert_frame_equal(back, clusters, check_exact=True, check_index_type=False, check_names=False)


def test_clusters_that_differ_in_many_small_need_states_are_found():
    random = np.random.default_rng(11)
    cluster = random.integers(0, 4, 200)
    tilts = np.zeros((4, len(MANY)))
    for of_cluster in tilts:
        of_cluster[random.choice(len(MANY), 12, replace=False)] = 0.9 * random.choice([-1, 1], 12)
    centres = MANY * np.exp(tilts)
    shares = np.stack([random.dirichlet(150 * centre / centre.sum()) for centre in centres[cluster]])
    cents = 250 * random.poisson(4_000 * random.lognormal(0, 0.8, 200)[:, None] * shares)
    wide = pd.DataFrame(cents, index=[f"s{i:03d}" for i in range(200)], columns=[f"need {j:03d}" for j in range(120)])
    long = wide.rename_axis("store_id").reset_index().melt("store_id", var_name="need_state", value_name="sales_cents")
    _, k, clusters, _ = clustered(long[long["sales_cents"] > 0].assign(category="C", is_excluded=False))
    assert k == 4
    assert adjusted_rand_score(cluster, clusters["cluster"]) > 0.75
