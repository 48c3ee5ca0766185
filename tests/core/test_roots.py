"""Shares laid flat, and gaps told from zeros by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.core.internal.roots import Plane, gaps_of, laid_flat, one_sale_of, plane


def sold(n: int = 200, units: float = 3_000.0, lacking: float = 0.0, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Sales (store x need state) in cents, at 3.00 each, and which need states each store does not carry; small stores carry fewer."""
    random = np.random.default_rng(seed)
    chain = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.06, 0.04, 0.028, 0.002])  # of the last, small stores sell one or two
    volume = units * random.lognormal(0.0, 0.8, n)
    rank = volume.argsort().argsort() / n
    absent = random.random((n, len(chain))) < (2 * lacking * (1 - rank))[:, None]
    absent[:, 0] = False
    mixes = random.dirichlet(150 * chain, n) * ~absent
    mixes /= mixes.sum(axis=1, keepdims=True)
    cents = 300 * random.poisson(volume[:, None] * mixes)
    return pd.DataFrame(cents, index=[f"s{i:03d}" for i in range(n)], columns=list("abcdefghi")), absent


def found(sales: pd.DataFrame) -> tuple[pd.DataFrame, Plane, pd.DataFrame]:
    shares, totals = sales.div(sales.sum(axis=1), axis=0), sales.sum(axis=1)
    of = plane(shares, totals, one_sale_of(sales))
    return shares, of, gaps_of(shares, totals, of)


def test_need_states_that_stores_do_not_carry_are_gaps_and_few_others_are():
    sales, absent = sold(lacking=0.15)
    _, _, gaps = found(sales)
    assert absent.mean() > 0.08
    common = slice(0, 8)
    assert gaps.to_numpy()[:, common][absent[:, common]].mean() > 0.9
    assert not gaps.to_numpy()[~absent & (sales.to_numpy() > 0)].any()


def test_what_stores_that_sell_alike_lack_together_is_no_gap():
    """Half of the stores belong to a format without three need states; a fourth is missing here and there."""
    sales, _ = sold(lacking=0.0)
    random = np.random.default_rng(1)
    of_format = random.random(len(sales)) < 0.5
    sales.loc[of_format, ["c", "e", "f"]] = 0
    sales.loc[random.random(len(sales)) < 0.2, "d"] = 0
    _, of, gaps = found(sales)
    assert np.isinf(of.gap_sales[["c", "e", "f"]]).all()
    assert not gaps[["c", "e", "f"]].to_numpy().any()
    assert gaps["d"].sum() > 20


def test_what_a_part_of_a_format_lacks_stays_a_gap():
    """Zeros count only where nearly all of them are the format's: as shares, those of single stores would make clusters of their own."""
    sales, _ = sold(lacking=0.0)
    random = np.random.default_rng(1)
    of_format = random.random(len(sales)) < 0.5
    sales.loc[of_format, ["c", "e"]] = 0
    sales.loc[of_format & (random.random(len(sales)) < 0.5), "f"] = 0
    _, of, gaps = found(sales)
    assert np.isinf(of.gap_sales[["c", "e"]]).all()
    assert gaps["f"].sum() > 20


def test_zeros_of_thin_sales_are_chance():
    sales, _ = sold(units=40.0)
    sales = sales[sales.sum(axis=1) > 0]
    common = sales[list("abcdefgh")]  # what is rarer is one feature with others in a category
    _, _, gaps = found(common[common.sum(axis=1) > 0])
    assert (common == 0).to_numpy().mean() > 0.1
    assert gaps.to_numpy().mean() < 0.06


def test_a_gap_is_filled_with_the_chains_share_and_the_others_make_room():
    of = Plane(
        pd.Series(np.sqrt([0.5, 0.3, 0.2]), index=list("abc")),
        pd.Series([np.inf, np.inf, 100.0], index=list("abc")),
        pd.Series(False, index=list("abc")),
    )
    shares = pd.DataFrame([[0.625, 0.375, 0.0]], index=["s"], columns=list("abc"))  # 0.5 and 0.3 of what is left
    gaps = gaps_of(shares, pd.Series([100], index=["s"]), of)
    assert gaps.loc["s"].tolist() == [False, False, True]
    np.testing.assert_allclose(laid_flat(shares, gaps, of), 0.0, atol=1e-12)  # filled, it is the chain's mix
    small = gaps_of(shares, pd.Series([99], index=["s"]), of)
    assert not small.to_numpy().any()
    assert np.linalg.norm(laid_flat(shares, small, of)) > 0.1


def test_without_zeros_there_are_no_gaps_and_the_base_is_the_mean_root():
    sales, _ = sold(n=30, units=500_000.0)
    shares, of, gaps = found(sales)
    assert not gaps.to_numpy().any()
    assert np.isinf(of.gap_sales).all()
    mean = np.sqrt(shares).mean()
    np.testing.assert_allclose(of.base, mean / np.linalg.norm(mean))


def test_one_sale_is_the_low_end_of_the_cheapest_need_states_sales():
    sales = pd.DataFrame({"a": [0, 900, 900], "b": [250, 250, 0], "c": [0, 0, 0]})
    assert one_sale_of(sales) == 250.0
    assert one_sale_of(sales[["c"]]) == 0.0


def test_names_and_order_of_stores_change_nothing():
    sales, _ = sold(lacking=0.1)
    _, of, gaps = found(sales)
    shuffled = sales.sample(frac=1, random_state=1)
    _, again, gaps_again = found(shuffled)
    pd.testing.assert_series_equal(of.base, again.base, check_exact=True)
    pd.testing.assert_series_equal(of.gap_sales, again.gap_sales, check_exact=True)
    pd.testing.assert_frame_equal(gaps, gaps_again.loc[gaps.index])
