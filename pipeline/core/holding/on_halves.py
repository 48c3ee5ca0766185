"""A category's clusters on halves of its weeks: what each k retains, which k do not hold, and how the published clusters hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.holding.halves import Halves
from pipeline.core.holding.other_weeks import (
    FORETELLS,
    NO,
    UNKNOWN,
    Labelling,
    Retained,
    flips,
    retained,
    still_explained,
)

_ENOUGH = 0.5  # of the stores that are fitted have to have sold in every half, for anything to be said of the others
_MUCH = 0.2  # less kept than on weeks of the same time: then it is change, not noise, that the clusters suffer from


class Holding(NamedTuple):
    """How the published clusters of a category hold.

    `holds` in a word, `words` in a sentence (empty if the weeks are unknown). `retained` of these clusters; if there is one cluster because
    a larger k does not hold, of that k; None if the weeks are unknown.
    """

    holds: str
    words: str
    retained: Retained | None


NOTHING = Holding(UNKNOWN, "", None)


@dataclass(frozen=True)
class OnHalves:
    """A category's clusters on halves of its weeks; if the weeks are unknown, `halves` is None and `by_k` is empty.

    `halves` has the fitted stores; `by_k` is what every k from 2 retains; `labelling` clusters the newest weeks.
    """

    halves: Halves | None = None
    by_k: Mapping[int, Retained] = field(default_factory=dict)
    labelling: Labelling | None = None

    @property
    def barred(self) -> dict[int, str]:
        """The k with clusters that do not hold, and the reasons in words."""
        return {k: _why_not(of_k) for k, of_k in self.by_k.items() if not of_k.qualifies}

    def holding(self, k: int, passed_over: int | None) -> Holding:
        """How the k published clusters hold; `passed_over` is the better k that was barred, if any."""
        of_k = self.by_k.get(k if k > 1 else passed_over or 1)
        if of_k is None:
            return NOTHING
        if k == 1:
            return Holding(NO, "", of_k)  # why the others do not hold is said of k
        if not of_k.qualifies:
            return Holding(NO, f"they do not hold: {_why_not(of_k)}", of_k)
        words = (
            f"on weeks that the fit did not see they keep {of_k.share:.2f} of the mix that they explain "
            f"({of_k.low:.2f} to {of_k.high:.2f})"
        )
        if of_k.interleaved - of_k.share > _MUCH:
            words += f", on other weeks of the same time {of_k.interleaved:.2f}: they change with time"
        return Holding(of_k.holds, words, of_k)

    def flips(self, clusters: pd.Series[int]) -> pd.Series[float]:
        """How often the halves of a store's weeks lie nearest to different clusters, 0..1, by store_id; see `other_weeks.flips`.

        Parameters
        ----------
        clusters : the published clusters, by store_id
        """
        if self.halves is None or clusters.nunique() < 2:
            return pd.Series(dtype="float64")
        labels = pd.factorize(clusters.reindex(self.halves.stores), sort=True)[0]
        return pd.Series(flips(self.halves.values, labels), index=self.halves.stores)

    def still_explained(self, clusters: pd.Series[int]) -> float | None:
        """The part of what new clusters explain on the newest weeks that these clusters explain; see `other_weeks.still_explained`.

        None if the weeks are unknown, or if there are fewer than two clusters.

        Parameters
        ----------
        clusters : the clusters to judge, by store_id
        """
        if self.halves is None or self.labelling is None:
            return None
        numbers = clusters.reindex(self.halves.newest_stores)
        placed = numbers.notna().to_numpy()
        labels, names = pd.factorize(numbers[placed], sort=True)
        if len(names) < 2 or placed.sum() <= len(names):
            return None
        newest = np.ascontiguousarray(self.halves.newest[:, placed])
        return still_explained(newest, labels.astype(np.int64), len(names), self.labelling)

    def by_k_table(self) -> pd.DataFrame:
        """k, kept, kept_low, kept_high, kept_interleaved; one row per k."""
        columns = ["k", "kept", "kept_low", "kept_high", "kept_interleaved"]
        frame = pd.DataFrame([(k, *of_k) for k, of_k in self.by_k.items()], columns=columns)
        return frame.astype({"k": "int64", **dict.fromkeys(columns[1:], "float64")})


def try_on_halves(halves: Halves | None, clusters_by_k: Mapping[int, pd.Series[int]], labelling: Labelling) -> OnHalves:
    """Try the clusters of every k from 2 that is less than the number of stores.

    Parameters
    ----------
    halves : None if the weeks are unknown
    clusters_by_k : of each k, the clusters of the fitted stores on all weeks, from 0, by store_id; the stores are the same for every k
    labelling : clusters the newest weeks
    """
    if halves is None or not clusters_by_k:
        return OnHalves()
    fitted = next(iter(clusters_by_k.values())).index
    if halves.stores.isin(fitted).sum() < _ENOUGH * len(fitted):
        return OnHalves()
    own = halves.of(fitted)
    by_k = {
        k: retained(own.values, clusters.loc[own.stores].to_numpy(), k)
        for k, clusters in clusters_by_k.items()
        if 2 <= k < len(own.stores)
    }
    return OnHalves(own, by_k, labelling)


def _why_not(of_k: Retained) -> str:
    if of_k.interleaved < FORETELLS:
        return (
            f"too few sales to tell its clusters apart: of the mix that they explain, {of_k.interleaved:.2f} is left on other weeks of the "
            f"same time, where {FORETELLS:.2f} is asked for"
        )
    return f"its clusters change with time: of the mix that they explain in one half of the weeks, {of_k.share:.2f} is left in the other"
