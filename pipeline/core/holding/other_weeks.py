"""How much of what clusters explain remains on weeks outside their fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.holding.halves import IN_THE_MIDDLE, INTERLEAVED

Labelling = Callable[[NDArray[np.float64], int], NDArray[np.int64]]  # points (b, n, d) and k -> clusters (b, n) from 0

YES, PARTLY, NO, UNKNOWN = "yes", "partly", "no", "unknown"
HOLDS = 0.65  # kept at least, at the low end of the interval, for `yes`: three quarters and more are then left, see docs/decisions/0016
LASTS = 0.1  # kept at least, for `partly`: differences between clusters a third as large
FORETELLS = 0.25  # kept on interleaved weeks: from here on a cluster's mean foretells its stores' mix better than the chain's does
_WIDTH = (
    2.4  # standard deviations either side: nine of ten other halves of real weeks lie within, see docs/decisions/0016
)


class Retained(NamedTuple):
    """The part of the explained variance that k clusters retain on weeks outside their fit, 0..1.

    `share`, with the interval `low` to `high` that is expected to hold for nine of ten other periods of the same length;
    `interleaved`, on weeks between the weeks of the fit: below 1 by noise alone.
    """

    share: float
    low: float
    high: float
    interleaved: float

    @property
    def qualifies(self) -> bool:
        """Whether these clusters can be published: they predict other weeks of the same time, and part of them lasts."""
        return self.interleaved >= FORETELLS and self.share >= LASTS

    @property
    def holds(self) -> str:
        """Whether these clusters hold, in a word."""
        if not self.qualifies:
            return NO
        return YES if self.low >= HOLDS else PARTLY


def retained(halves: NDArray[np.float64], clusters: NDArray[np.int64], k: int) -> Retained:
    """What k clusters retain on weeks outside their fit.

    In each half of the weeks every store goes to the nearest cluster mean, and the clusters that result are judged on the other half: b is the
    slope of the means on the other half on their means on this half; every store counts once. A store's own values are no part of the
    mean of its own cluster (leaving one out [4]_), so that noise cannot find itself again. If stores differ by noise only, b is 0; if all differences
    recur, b is 1. The explained variance goes with the square of the slope. Half of the weeks is noisier than all weeks, so the slope for
    all weeks is 2 b / (1 + b), like the reliability of a test of twice the length (Spearman [1]_, Brown [2]_).

    If consecutive halves retain less than interleaved halves, the difference is change. It counts only beyond the chance
    differences between interleaved halvings: 1 - 1 / z^2 of it (the positive part of James and Stein [3]_).

    Parameters
    ----------
    halves : (7, 2, n, d) the mixes of `halves.Halves`, in the coordinates of the clustering; n >= k
    clusters : (n,) the clusters that were fitted on all weeks, from 0; a cluster may be empty
    k : at least 2

    References
    ----------
    .. [1] C. Spearman, "Correlation calculated from faulty data", British Journal of Psychology 3, 1910.
    .. [2] W. Brown, "Some experimental results in the correlation of mental abilities", British Journal of Psychology 3, 1910.
    .. [3] W. James, C. Stein, "Estimation with quadratic loss", 4th Berkeley Symposium, 1961.
    .. [4] P. A. Lachenbruch, M. R. Mickey, "Estimation of error rates in discriminant analysis", Technometrics 10(1), 1968.
    """
    here, there = _means(halves, _placed(halves, clusters, k), k)
    slopes = _ratio((here * there).sum(axis=(-2, -1)), np.square(here).sum(axis=(-2, -1)))
    by_way = slopes.mean(axis=1)
    interleaved = float(by_way[INTERLEAVED].mean())
    chance = float(by_way[INTERLEAVED].var(ddof=1)) * (1.0 + 1.0 / len(by_way[INTERLEAVED]))
    lost = interleaved - float(by_way[IN_THE_MIDDLE])
    change = lost * max(0.0, 1.0 - chance / lost**2) if lost > 0 else 0.0
    longer = 2.0 / (1.0 + min(max(interleaved, 0.0), 1.0))
    middle = longer * (interleaved - change)
    width = _WIDTH * longer * float(slopes[INTERLEAVED].std(ddof=1))
    return Retained(*(_square(slope) for slope in (middle, middle - width, middle + width, longer * interleaved)))


def _placed(halves: NDArray[np.float64], clusters: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The cluster (7, 2, n) whose mean is nearest to each store in each half; the store itself is left out of its own cluster's mean.

    Each feature counts by its variance within clusters, as in the mixture.
    """
    values = halves.mean(axis=(0, 1))
    members = (clusters == np.arange(k)[:, None]).astype(np.float64)
    sizes, sums = members.sum(axis=1), members @ values
    centres = sums / np.maximum(sizes, 1.0)[:, None]
    others = (sums[clusters] - values) / np.maximum(sizes[clusters] - 1.0, 1.0)[:, None]
    within = np.square(halves - centres[clusters]).mean(axis=(0, 1, 2))
    units = np.sqrt(np.where(within > 0, within, 1.0))
    halves, centres, others = halves / units, centres / units, others / units
    # Squared distances, less the square of the store's own values, which is the same for every cluster.
    distances = np.square(centres).sum(axis=1) - 2.0 * halves @ centres.T
    distances[..., sizes == 0] = np.inf
    to_others = np.square(others).sum(axis=1) - 2.0 * (halves * others).sum(axis=-1)
    distances[..., np.arange(len(clusters)), clusters] = to_others
    nearest: NDArray[np.int64] = distances.argmin(axis=-1)
    return nearest


def flips(halves: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often the two halves of a store's weeks lie nearest to the means of different clusters (n,), 0..1, over seven ways to halve them.

    Parameters
    ----------
    halves : (7, 2, n, d) in the coordinates of the clustering
    labels : (n,) the clusters, from 0, without empty clusters
    """
    members = (labels == np.arange(labels.max() + 1)[:, None]).astype(np.float64)
    centres = members @ halves.mean(axis=(0, 1)) / members.sum(axis=1, keepdims=True)
    nearest = (np.square(centres).sum(axis=1) - 2.0 * halves @ centres.T).argmin(axis=-1)
    apart: NDArray[np.float64] = (nearest[:, 0] != nearest[:, 1]).mean(axis=0)
    return apart


def still_explained(
    newest: NDArray[np.float64], clusters: NDArray[np.int64], k: int, labelling: Labelling
) -> float | None:
    """The part of what new clusters explain on the newest weeks that these clusters explain, 0..1.

    The newest weeks have two parts, with independent noise. These clusters explain what their means in both parts have in common.
    New clusters are fitted on one part, and explain what recurs in the other. So noise counts for neither.

    Parameters
    ----------
    newest : (2, n, d) in the coordinates of the clustering; n >= k
    clusters : (n,) the clusters to judge, from 0; a cluster may be empty
    k : the number of clusters, at least 2
    labelling : clusters each part

    Returns
    -------
    None if new clusters explain nothing.
    """
    here, there = _means(newest, np.broadcast_to(clusters, newest.shape[:2]), k)
    explained = float((here * there).sum(axis=(-2, -1)).mean())
    here, there = _means(newest, labelling(newest, k), k)
    shared = np.maximum((here * there).sum(axis=(-2, -1)), 0.0)
    new = float(_ratio(np.square(shared), np.square(here).sum(axis=(-2, -1))).mean())
    return min(max(explained / new, 0.0), 1.0) if new > 0 else None


def _means(
    halves: NDArray[np.float64], labels: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The means of the clusters (..., 2, n) of either half (..., 2, n, d), on that half and on the other: (..., 2, k, d) each.

    They are deviations from the half's own mean, times the root of the cluster's stores, so that every store counts once in sums of squares.
    """
    centred = halves - halves.mean(axis=-2, keepdims=True)
    members = (labels[..., None, :] == np.arange(k)[:, None]).astype(np.float64)
    roots = np.sqrt(np.maximum(members.sum(axis=-1, keepdims=True), 1.0))
    return members @ centred / roots, members @ np.flip(centred, axis=-3) / roots


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ratio; 0 if the denominator is 0."""
    ratio: NDArray[np.float64] = np.where(below > 0, above, 0.0) / np.where(below > 0, below, 1.0)
    return ratio


def _square(slope: float) -> float:
    return min(max(slope, 0.0), 1.0) ** 2
