"""Small stores' shares, drawn towards the chain's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.core.internal.clustering import cluster_category
from pipeline.core.internal.shrinkage import noise_of, shrunk
from pipeline.settings import InternalClustering


def drawn(stores: int, spread: float, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Shares that stores have, what is seen of them in sales of very different size, and those sales."""
    random = np.random.default_rng(seed)
    base = np.array([0.4, 0.3, 0.2, 0.1])
    real = random.dirichlet(base * spread, stores)
    size = np.exp(random.uniform(np.log(20), np.log(5_000), stores)).astype(int)
    seen = np.array([random.multinomial(n, mix) for n, mix in zip(size, real, strict=True)])
    names = [f"s{store:04d}" for store in range(stores)]
    return (
        pd.DataFrame(real, index=names),
        pd.DataFrame(seen / seen.sum(axis=1, keepdims=True), index=names),
        pd.Series(size.astype(float), index=names),
    )


def test_shrunk_shares_are_nearer_to_what_stores_really_sell_and_large_stores_keep_theirs():
    real, seen, size = drawn(600, spread=60)
    found = shrunk(seen, size)
    small, large = size < 100, size > 2_000
    error = {name: np.square(shares - real).sum(axis=1) for name, shares in {"seen": seen, "found": found}.items()}
    assert error["found"][small].mean() < 0.6 * error["seen"][small].mean()
    assert np.abs(found - seen)[large].to_numpy().max() < 0.01
    assert found.sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_the_weight_of_noise_is_that_of_the_beta_binomial_in_expectation():
    spread, (_, seen, size) = 60, drawn(20_000, spread=60)
    found = noise_of(seen, size).weights(size.to_numpy())
    # Dirichlet-multinomial: the posterior mean gives the prior the weight spread / (spread + n) of all counts; by moments,
    # noise is p (1 - p) / n x spread / (spread + 1) beside p (1 - p) / (spread + 1)
    expected = spread / (spread + size.to_numpy())
    assert found == pytest.approx(expected, abs=0.05)


def test_the_unit_of_sales_and_the_order_of_stores_change_nothing():
    _, seen, size = drawn(50, spread=30)
    found = shrunk(seen, size)
    assert shrunk(seen, size * 1_000).to_numpy() == pytest.approx(found.to_numpy())
    other = shrunk(seen.iloc[::-1], size)
    assert (other.loc[found.index].to_numpy() == found.to_numpy()).all()


def test_what_differs_as_much_in_large_stores_as_in_small_ones_is_no_noise():
    real, _, size = drawn(400, spread=10)
    assert shrunk(real, size).to_numpy() == pytest.approx(real.to_numpy(), abs=0.05)


def test_stores_that_do_not_differ_and_two_stores_stay_as_they_are():
    same = pd.DataFrame(np.full((5, 2), 0.5), index=list("abcde"))
    assert shrunk(same, pd.Series(1.0, index=same.index)).equals(same)
    two = pd.DataFrame([[0.2, 0.8], [0.6, 0.4]], index=["a", "b"])
    assert shrunk(two, pd.Series([1.0, 9.0], index=["a", "b"])).equals(two)


def test_a_category_is_clustered_on_shrunk_shares_where_that_is_asked_for():
    _, seen, size = drawn(60, spread=30)
    cents = (seen.mul(size, axis=0) * 100).round().astype("int64")
    sales = cents.rename(columns=lambda number: f"need {number}").rename_axis("store_id").reset_index()
    sales = sales.melt("store_id", var_name="need_state", value_name="sales_cents").assign(category="Bread")
    sales["is_excluded"] = False
    quick = {"resamples": 10, "null_resamples": 19}
    found = {
        how: cluster_category(sales_by_need_state=sales, settings=InternalClustering(shrinkage=how, **quick))
        for how in ("none", "empirical_bayes")
    }
    shares = {
        how: tables["internal_features"].pivot(index="store_id", columns="feature", values="share")
        for how, tables in found.items()
    }
    plain = cents.div(cents.sum(axis=1), axis=0).set_axis(shares["none"].columns, axis=1)
    assert shares["none"].to_numpy() == pytest.approx(plain.to_numpy())
    assert shares["empirical_bayes"].to_numpy() == pytest.approx(shrunk(plain, cents.sum(axis=1)).to_numpy())
