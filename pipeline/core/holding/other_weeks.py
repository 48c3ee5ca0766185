"""How much of what clusters explain is still there on weeks that their fit did not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.holding.halves import IN_THE_MIDDLE, INTERLEAVED

Labelling = Callable[[NDArray[np.float64], int], NDArray[np.int64]]  # points (b, n, d) and k -> clusters (b, n) from 0

YES, PARTLY, NO, UNKNOWN = "yes", "partly", "no", "unknown"
HOLDS = 0.5  # kept at least, at the low end of the interval, for `yes`
LASTS = 0.1  # kept at least, for `partly`: differences between clusters a third as large
FORETELLS = 0.25  # kept on interleaved weeks: from here on a cluster's mean foretells its stores' mix better than the chain's does
_WIDTH = (
    2.4  # standard deviations either side: nine of ten other halves of real weeks lie within, see docs/decisions/0016
)


class Retained(NamedTuple):
    """What k clusters keep, 0..1: of the share of the variance of the mix that they explain, on weeks that the fit did not see.

    `share` with the interval `low` to `high`, in which nine of ten other spells of weeks are expected that are as long as these;
    `interleaved` on weeks that lie between those of the fit: below 1 by noise alone.
    """

    share: float
    low: float
    high: float
    interleaved: float

    @property
    def qualifies(self) -> bool:
        """Whether these clusters can be published: they foretell other weeks of the same time, and some of them lasts."""
        return self.interleaved >= FORETELLS and self.share >= LASTS

    @property
    def holds(self) -> str:
        """In a word."""
        if not self.qualifies:
            return NO
        return YES if self.low >= HOLDS else PARTLY


def retained(halves: NDArray[np.float64], k: int, labelling: Labelling) -> Retained:
    """What k clusters keep on weeks that the fit did not see.

    Each half of the weeks is clustered on its own, and its clusters are judged on the other half: b is the slope of their means there on
    their means here, every store counted once. Where nothing but noise told the stores apart b is 0; where all of it is there again, 1.
    The variance that clusters explain goes with the square. A half of the weeks is noisier than all of them, which are twice as many:
    their slope is 2 b / (1 + b), as for the reliability of a test of twice the length (Spearman [1]_, Brown [2]_).

    What halves that follow each other keep less than interleaved ones is change. It counts as far as it is more than interleaved
    halvings differ from each other by chance: 1 - 1 / z^2 of it (the positive part of James and Stein [3]_).

    Parameters
    ----------
    halves : (7, 2, n, d) the mixes of `halves.Halves`, in the coordinates that are clustered on; n >= k
    k : at least 2
    labelling : clusters every half

    References
    ----------
    .. [1] C. Spearman, "Correlation calculated from faulty data", British Journal of Psychology 3, 1910.
    .. [2] W. Brown, "Some experimental results in the correlation of mental abilities", British Journal of Psychology 3, 1910.
    .. [3] W. James, C. Stein, "Estimation with quadratic loss", 4th Berkeley Symposium, 1961.
    """
    ways, sides, n, d = halves.shape
    labels = labelling(halves.reshape(ways * sides, n, d), k).reshape(ways, sides, n)
    here, there = _means(halves, labels, k)
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


def flips(halves: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often the two halves of a store's weeks lie nearest to the means of different clusters (n,), 0..1, of seven ways to halve them.

    Parameters
    ----------
    halves : (7, 2, n, d) in the coordinates that are clustered on
    labels : (n,) the clusters, from 0 and none of them empty
    """
    members = (labels == np.arange(labels.max() + 1)[:, None]).astype(np.float64)
    centres = members @ halves.mean(axis=(0, 1)) / members.sum(axis=1, keepdims=True)
    nearest = (np.square(centres).sum(axis=1) - 2.0 * halves @ centres.T).argmin(axis=-1)
    apart: NDArray[np.float64] = (nearest[:, 0] != nearest[:, 1]).mean(axis=0)
    return apart


def still_explained(
    newest: NDArray[np.float64], clusters: NDArray[np.int64], k: int, labelling: Labelling
) -> float | None:
    """Of what new clusters explain on the newest weeks, the share that these explain, 0..1.

    The newest weeks are in two parts, whose noise is not the same. These clusters explain what their means in both parts have in common;
    new ones are fitted on one part, and explain what is there of them in the other. So neither is credited with noise.

    Parameters
    ----------
    newest : (2, n, d) in the coordinates that are clustered on; n >= k
    clusters : (n,) those to judge, from 0; one may have no store
    k : how many these are, at least 2
    labelling : clusters each part

    Returns
    -------
    None where new clusters explain nothing.
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

    They are about the half's own mean, and times the root of the cluster's stores, so that in sums of squares every store counts once.
    """
    centred = halves - halves.mean(axis=-2, keepdims=True)
    members = (labels[..., None, :] == np.arange(k)[:, None]).astype(np.float64)
    roots = np.sqrt(np.maximum(members.sum(axis=-1, keepdims=True), 1.0))
    return members @ centred / roots, members @ np.flip(centred, axis=-3) / roots


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 where nothing is below."""
    ratio: NDArray[np.float64] = np.where(below > 0, above, 0.0) / np.where(below > 0, below, 1.0)
    return ratio


def _square(slope: float) -> float:
    return min(max(slope, 0.0), 1.0) ** 2
