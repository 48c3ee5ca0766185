"""Whether the outside data earns its place: what it says of the stores' mix beyond the internal clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.merging.permutations import between, p_value, permuted_within
from pipeline.core.merging.stores import CategoryStores
from pipeline.core.statistics.explained import centred, r_squared

PERMUTATIONS = 999
FALSE_DISCOVERY_RATE = 0.05
LEAST_GAIN = 0.02  # of the mix's variance, beyond what chance explains
_PERMUTATIONS_STREAM = 23  # what a stream of random numbers is for


class Contribution(NamedTuple):
    """What the outside data says of one category's mix; `chance` and `p` are NaN where there is nothing to test."""

    category: str
    stores: int
    internal: float
    merged: float
    final: float
    chance: float
    p: float

    @property
    def gain(self) -> float:
        """What external clusters explain beyond internal ones."""
        return self.merged - self.internal

    @property
    def beyond_chance(self) -> float:
        """What they explain beyond internal ones, less what permuted ones explain on average."""
        return self.gain - self.chance


def contribution(stores: CategoryStores, final: NDArray[np.int64], seed: int) -> Contribution:
    """R squared of the mix by internal x external clusters less that by internal ones, beside what chance gives.

    Every crossing into more cells explains more. So the external labels are permuted within the internal clusters, which
    keeps the sizes of all cells: what the cells explain then is chance [1]_. Only stores that both sides know count, and none
    that is held out. The cells are those before any repair and whatever the method, so that the answer is about the data.

    Parameters
    ----------
    stores : in order of values
    final : (n,) their final clusters
    seed : of the permutations

    References
    ----------
    .. [1] M. J. Anderson, C. J. F. ter Braak, "Permutation tests for multi-factorial analysis of variance", J. Stat.
       Comput. Simul. 73, 2003: exact where labels are permuted within the levels of the other factor.
    """
    places = np.flatnonzero(stores.known & stores.fitted)
    places = places[np.argsort(stores.internal[places], kind="stable")]
    mix = stores.internal_features[places]
    internal = np.unique(stores.internal[places], return_inverse=True)[1].reshape(-1)
    external = np.unique(stores.external[places], return_inverse=True)[1].reshape(-1)
    crossed = np.unique(np.stack([internal, external], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    of_internal, of_crossing = r_squared(mix, internal), r_squared(mix, crossed)
    chance, p = np.nan, np.nan
    if len(places) and crossed.max() > internal.max() and of_internal < 1.0 - 1e-12 and centred(mix).any():
        chance, p = _against_chance(centred(mix), internal, external, seed)
    return Contribution(
        stores.category, len(places), of_internal, of_crossing, r_squared(mix, final[places]), chance, p
    )


def _against_chance(
    rows: NDArray[np.float64], internal: NDArray[np.int64], external: NDArray[np.int64], seed: int
) -> tuple[float, float]:
    """The mean gain of permuted external labels, and the p-value of the gain; rows sorted by internal cluster."""
    random = np.random.default_rng([seed, _PERMUTATIONS_STREAM])
    total = float(np.square(rows).sum())
    sizes = np.bincount(internal)
    ends = np.cumsum(sizes)
    blocks = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    own = [rows[block] - rows[block].mean(axis=0) for block in blocks]  # the internal clusters' share is taken out

    def gains(labels: NDArray[np.int64]) -> NDArray[np.float64]:
        k = int(external.max()) + 1
        parts = [between(part, labels[:, block], k) for part, block in zip(own, blocks, strict=True)]
        return np.asarray(np.sum(parts, axis=0) / total)

    permuted = np.concatenate([gains(block) for block in permuted_within(internal, external, PERMUTATIONS, random)])
    return float(permuted.mean()), p_value(float(gains(external[None])[0]), permuted)


def q_values(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The p-values adjusted for the false discovery rate over all that are not NaN [1]_; NaN where p is.

    q_(i) = min over j >= i of m p_(j) / j, p in ascending order, at most 1.

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate: a practical and powerful approach to multiple
       testing", J. R. Stat. Soc. B 57, 1995.
    """
    found = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found


def contribution_table(found: Sequence[Contribution]) -> pd.DataFrame:
    """external_contribution as in pipeline.schema, from every category's contribution."""
    q = q_values(np.array([one.p for one in found], dtype=np.float64))
    earns = [_earns(one, float(of_one)) for one, of_one in zip(found, q, strict=True)]
    return pd.DataFrame(
        {
            "category": [one.category for one in found],
            "stores": [one.stores for one in found],
            "r_squared_internal": [one.internal for one in found],
            "r_squared_merged": [one.merged for one in found],
            "r_squared_final": [one.final for one in found],
            "gain": [one.gain for one in found],
            "gain_by_chance": [one.chance for one in found],
            "p_value": [one.p for one in found],
            "q_value": q,
            "earns": earns,
            "reason": [
                _reason(one, float(of_one), of_earns) for one, of_one, of_earns in zip(found, q, earns, strict=True)
            ],
        }
    )


def _earns(one: Contribution, q: float) -> bool:
    return bool(q < FALSE_DISCOVERY_RATE and one.beyond_chance >= LEAST_GAIN)


def _reason(one: Contribution, q: float, earns: bool) -> str:
    if one.p != one.p:
        if not one.stores:
            return "not tested: the outside data knows no store of the category"
        return "not tested: within the internal clusters there is nothing that the external clusters could tell apart"
    percent = round(100 * one.beyond_chance, 1)
    more = f"{percent:.1f} % more" if percent > 0 else "no more"
    said = f"external clusters explain {more} of the mix than chance would, q = {q:.3f}"
    if earns:
        return f"earns its place: {said}"
    if q < FALSE_DISCOVERY_RATE:
        return f"does not earn its place: {said}, which is more than chance but less than {100 * LEAST_GAIN:.0f} %"
    return f"does not earn its place: {said}"
