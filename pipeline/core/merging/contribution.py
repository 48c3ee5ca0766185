"""Whether the outside data earns its place: how much of the stores' mix it explains beyond the internal clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.merging.permutations import as_large, between, p_value, permuted_within
from pipeline.core.merging.stores import CategoryStores
from pipeline.core.statistics.explained import centred, r_squared

PERMUTATIONS = 999
FALSE_DISCOVERY_RATE = 0.05
LEAST_GAIN = 0.02  # of the mix's variance, beyond chance
_PERMUTATIONS_STREAM = 23  # a stream of random numbers
_AT_ONCE = 100  # permutations between two looks at whether more are needed


class Contribution(NamedTuple):
    """How much of one category's mix the outside data explains; `chance` and `p` are NaN if there is nothing to test.

    `final` is NaN until the final clusters are there.
    """

    category: str
    stores: int
    internal: float
    merged: float
    final: float
    chance: float
    p: float

    @property
    def gain(self) -> float:
        """The share that external clusters explain beyond internal ones."""
        return self.merged - self.internal

    def of_final(self, stores: CategoryStores, final: NDArray[np.int64]) -> Contribution:
        """The same with what the final clusters (n,) of the stores explain."""
        positions = np.flatnonzero(stores.in_both & stores.fitted)
        return self._replace(final=r_squared(stores.internal_features[positions], final[positions]))

    @property
    def may_earn(self) -> bool:
        """Whether the outside data may earn its place here, whatever other categories show: a q-value is at least its p-value."""
        return _earns(self.gain - self.chance, self.p)


def contribution(stores: CategoryStores, seed: int) -> Contribution:
    """R squared of the mix by internal x external clusters, minus R squared by internal clusters, compared with chance.

    Every crossing into more cells explains more. So the external labels are permuted within the internal clusters, which
    keeps the sizes of all cells: the gain of these cells is chance [1]_. Only stores that both sides have count; held-out
    stores do not. The cells are those before any repair, for every method, so that the answer depends on the data only.

    Parameters
    ----------
    stores : in order of values
    seed : of the permutations

    References
    ----------
    .. [1] M. J. Anderson, C. J. F. ter Braak, "Permutation tests for multi-factorial analysis of variance", J. Stat.
       Comput. Simul. 73, 2003: exact where labels are permuted within the levels of the other factor.
    .. [2] J. Besag, P. Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991.
    """
    positions = np.flatnonzero(stores.in_both & stores.fitted)
    positions = positions[np.argsort(stores.internal[positions], kind="stable")]
    mix = stores.internal_features[positions]
    internal = np.unique(stores.internal[positions], return_inverse=True)[1].reshape(-1)
    external = np.unique(stores.external[positions], return_inverse=True)[1].reshape(-1)
    crossed = np.unique(np.stack([internal, external], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    of_internal, of_crossing = r_squared(mix, internal), r_squared(mix, crossed)
    chance, p = np.nan, np.nan
    if len(positions) and crossed.max() > internal.max() and of_internal < 1.0 - 1e-12 and centred(mix).any():
        chance, p = _against_chance(centred(mix), internal, external, seed)
    return Contribution(stores.category, len(positions), of_internal, of_crossing, np.nan, chance, p)


def _against_chance(
    rows: NDArray[np.float64], internal: NDArray[np.int64], external: NDArray[np.int64], seed: int
) -> tuple[float, float]:
    """The mean gain of permuted external labels, and the p-value of the gain; rows sorted by internal cluster."""
    random = np.random.default_rng([seed, _PERMUTATIONS_STREAM])
    total = float(np.square(rows).sum())
    sizes = np.bincount(internal)
    ends = np.cumsum(sizes)
    blocks = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    own = [
        rows[block] - rows[block].mean(axis=0) for block in blocks
    ]  # without the part that internal clusters explain

    def gains(labels: NDArray[np.int64]) -> NDArray[np.float64]:
        k = int(external.max()) + 1
        parts = [between(part, labels[:, block], k) for part, block in zip(own, blocks, strict=True)]
        return np.asarray(np.sum(parts, axis=0) / total)

    observed, permuted, enough = float(gains(external[None])[0]), np.zeros(0), FALSE_DISCOVERY_RATE * (1 + PERMUTATIONS)
    for block in permuted_within(internal, external, PERMUTATIONS, random, _AT_ONCE):
        permuted = np.concatenate([permuted, gains(block)])
        if 1 + as_large(observed, permuted) >= enough:
            break
    return float(permuted.mean()), p_value(observed, permuted)


def q_values(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The p-values adjusted for the false discovery rate [1]_; NaN where p is NaN, and such p do not count.

    q_(i) = min over j >= i of m p_(j) / j, p in ascending order, at most 1.

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate: a practical and powerful approach to multiple
       testing", J. R. Stat. Soc. B 57, 1995.
    """
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def contribution_rows(contributions: Sequence[Contribution]) -> pd.DataFrame:
    """What is known in each category alone: the table external_contribution without the answer, which all categories give."""
    return pd.DataFrame(
        {
            "category": [item.category for item in contributions],
            "stores": [item.stores for item in contributions],
            "r_squared_internal": [item.internal for item in contributions],
            "r_squared_merged": [item.merged for item in contributions],
            "r_squared_final": [item.final for item in contributions],
            "gain": [item.gain for item in contributions],
            "gain_by_chance": [item.chance for item in contributions],
            "p_value": [item.p for item in contributions],
        }
    )


def earned(contributions: pd.DataFrame) -> list[bool]:
    """Whether the outside data earns its place in each category: beyond chance among all categories, and enough to matter.

    `contributions` : as `contribution_rows` gives them, of all categories
    """
    q = q_values(contributions["p_value"].to_numpy(dtype=np.float64))
    beyond = (contributions["gain"] - contributions["gain_by_chance"]).to_numpy(dtype=np.float64)
    return [_earns(float(of_beyond), float(of_q)) for of_beyond, of_q in zip(beyond, q, strict=True)]


def contribution_table(contributions: pd.DataFrame) -> pd.DataFrame:
    """The table external_contribution, as in pipeline.schema, from the contributions (`contribution_rows`) of all categories."""
    q = q_values(contributions["p_value"].to_numpy(dtype=np.float64))
    earns = earned(contributions)
    rows = zip(contributions.itertuples(index=False), q, earns, strict=True)
    return contributions.assign(
        q_value=q, earns=earns, reason=[_reason(item, float(of_q), of_earns) for item, of_q, of_earns in rows]
    )


def _earns(beyond_chance: float, q: float) -> bool:
    return bool(q < FALSE_DISCOVERY_RATE and beyond_chance >= LEAST_GAIN)


def _reason(item: Any, q: float, earns: bool) -> str:
    if item.p_value != item.p_value:
        if not item.stores:
            return "not tested: the outside data knows no store of the category"
        return "not tested: within the internal clusters there is nothing that the external clusters could tell apart"
    percent = round(100 * (item.gain - item.gain_by_chance), 1)
    more = f"{percent:.1f} % more" if percent > 0 else "no more"
    finding = f"external clusters explain {more} of the mix than chance would, q = {q:.3f}"
    if earns:
        return f"earns its place: {finding}"
    if q < FALSE_DISCOVERY_RATE:
        return f"does not earn its place: {finding}, which is more than chance but less than {100 * LEAST_GAIN:.0f} %"
    return f"does not earn its place: {finding}"
