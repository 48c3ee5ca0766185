"""Mixtures whose components share one covariance: common factors, a variance per feature, and more of it in small stores.

Store i of cluster c is drawn as x_i = mean_c + loadings f_i + e_i, with q common factors f_i ~ N(0, I) and e_ij ~ N(0, variance_j (1 +
noise / v_i)), where v_i is the store's volume over the median store's [1]_. Both are
drawn from Student's t if more stores lie far out than in a Gaussian. A factor is an axis on which stores differ within every
cluster; the noise is the sampling noise in the mix of a small store. Values that are not observed do not count [2]_,
and a number may have a weight other than 1. Flags
(`points.Scale`) have a chance per cluster and level.

All fits of a batch advance together.
Shapes: n stores, d numbers, l levels of flags, k clusters, q factors, m fits in the batch.

References
----------
.. [1] J. Baek, G. McLachlan, L. Flack, "Mixtures of factor analyzers with common factor loadings", IEEE Trans. PAMI 32(7), 2010 (loadings
   and variances that all clusters share); with heavier tails G. McLachlan, R. Bean, L. Ben-Tovim Jones, Comput. Stat. Data Anal. 51, 2007.
   That the variance depends on the volume is ours.
.. [2] R. Little, D. Rubin, "Statistical analysis with missing data", 2002, 11.2 (values missing at random).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import principal
from pipeline.core.clustering.densities import (
    TINY,
    Distances,
    Expected,
    Mixtures,
    Stores,
    Sums,
    expect,
    expected_of,
    log_likelihoods,
    misfit,
    sums_of,
)
from pipeline.core.clustering.factors import Masses, times

_NOTHING = 1e-9  # of a sum over stores
_LEAST = 1e-60  # a variance, of numbers that do not vary: its inverse and their squares stay finite
_NOISE = np.concatenate([[0.0], np.geomspace(0.05, 20.0, 14)])  # what is tried for the noise
_TAILS = np.array([0.0, 0.02, 0.05, 0.1, 0.17, 0.25])  # one over the degrees of freedom that are tried
_BATCH_NUMBERS = 120_000  # numbers of an (m, k, n) array that are worked on at once: what a processor's cache holds
_SETTLED = 3  # iterations after which a fit may lose its race
_HASTE = 6.0  # times the last gain is what each further iteration may gain: a fit on a plateau gains more later
_ADAPTED = 4  # iterations between two tries of noise and tails: they move slowly


def parameters(k: int, numbers: int, chances: int, factors: int, has_noise: bool) -> int:
    """The number of free parameters of a mixture."""
    return (
        k * numbers
        + numbers
        + k * chances
        + k
        - 1
        + numbers * factors
        - factors * (factors - 1) // 2
        + int(has_noise)
        + 1
    )


def one_hot(labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Memberships (..., n, k) of clusters (..., n), from 0."""
    members: NDArray[np.float64] = (labels[..., None] == np.arange(k)).astype(np.float64)
    return members


class _Race(NamedTuple):
    """Fits of which the likeliest of each group is wanted: the `group` (m,) of each, and the `best` log-likelihood of each group so far."""

    group: NDArray[np.int64]
    best: NDArray[np.float64]

    def lost(self, fits: NDArray[np.int64], logs: NDArray[np.float64], gains: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether these fits, with these log-likelihoods, stay behind their group's best if they gain so much more at their present pace."""
        group = self.group[fits]
        np.maximum.at(self.best, group, logs)
        lost: NDArray[np.bool_] = logs + _HASTE * gains < self.best[group]
        return lost


class _Drawn(NamedTuple):
    """How often each store counts in each fit, `weights` (m, n), and what follows from it: their sum, `total` (m,); the sum over stores with a
    number, `counts` (m, d or 1); the variance of every number over these stores, `whole` (m, d)."""

    weights: NDArray[np.float64]
    total: NDArray[np.float64]
    counts: NDArray[np.float64]
    whole: NDArray[np.float64]

    def taken(self, fits: NDArray[np.bool_]) -> _Drawn:
        """Some of the fits."""
        return _Drawn(*(array[fits] for array in self))


def _drawn(sums: Sums, weights: NDArray[np.float64]) -> _Drawn:
    counts = np.maximum(sums.over_stores(weights[:, None, :])[:, 0], TINY)
    means = weights @ sums.firsts / counts
    variances = weights @ sums.seconds / counts - np.square(means)
    return _Drawn(weights, weights.sum(axis=1), counts, np.maximum(variances, _LEAST))


def fit(
    stores: Stores,
    weights: NDArray[np.float64],
    memberships: NDArray[np.float64],
    factors: int,
    iterations: int,
    tolerance: float = 1e-5,
    *,
    like: Mixtures | None = None,
    adapts: bool = True,
    rivals: int = 1,
) -> Mixtures:
    """Fit m mixtures by an ECM algorithm from the given memberships.

    Parameters
    ----------
    stores : the n stores
    weights : (m, n) how often each store counts in each fit
    memberships : (m, n, k) to start from
    factors : q
    iterations : the largest number of iterations
    tolerance : a fit ends if the mean log-likelihood gains less
    like : the fit that gives the first noise and tails; None: noise 1, Gaussian
    adapts : whether noise and tails are also fitted
    rivals : of so many neighbouring fits only the likeliest is wanted: one that would not overtake the others, at `_HASTE` times its pace, ends
    """
    sums = sums_of(stores)
    parts: list[Mixtures] = []
    best = np.full(len(memberships) // rivals, -np.inf)
    for part in _parts(memberships.shape):
        race = np.arange(len(memberships))[part] // rivals
        parts.append(
            _iterated(
                sums,
                weights[part],
                _first(sums, weights[part], memberships[part], factors, like),
                iterations,
                tolerance,
                adapts,
                _Race(race, best) if rivals > 1 else None,
            )
        )
    return _joined(parts)


def refine(
    stores: Stores,
    weights: NDArray[np.float64],
    started: Mixtures,
    iterations: int,
    tolerance: float = 1e-5,
    *,
    adapts: bool = True,
    least: float = -np.inf,
) -> Mixtures:
    """Continue fits; parameters as in `fit`. A fit whose log-likelihood would not reach `least`, at `_HASTE` times its pace, ends."""
    sums = sums_of(stores)
    k = started.means.shape[1]
    parts = [
        _iterated(
            sums,
            weights[part],
            Mixtures(*(array[part] for array in started)),
            iterations,
            tolerance,
            adapts,
            _Race(np.arange(len(weights))[part], np.full(len(weights), least)),
        )
        for part in _parts((*weights.shape, k))
    ]
    return _joined(parts)


def _parts(shape: tuple[int, ...]) -> list[slice]:
    """The batch (m, n, k) in parts that fit into a processor's cache."""
    m, n, k = shape
    size = max(1, _BATCH_NUMBERS // max(1, n * k))
    return [slice(first, first + size) for first in range(0, m, size)]


def _joined(parts: list[Mixtures]) -> Mixtures:
    return parts[0] if len(parts) == 1 else Mixtures(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _first(
    sums: Sums, weights: NDArray[np.float64], memberships: NDArray[np.float64], q: int, like: Mixtures | None
) -> Mixtures:
    """Mixtures with these memberships (m, n, k)."""
    drawn = _drawn(sums, weights)
    noise, tails = 1.0 if sums.is_noisy else 0.0, 0.0
    if like is not None:
        noise, tails = float(like.noise[0]), float(like.tails[0])
    turned = np.ascontiguousarray(memberships.swapaxes(1, 2))
    counted = turned * weights[:, None, :]
    began = _begin(sums, drawn, turned, counted, q, (noise, tails))
    return _maximise(sums, drawn, counted, counted * sums.certainty(began.noise)[:, None, :], None, began)


def _iterated(
    sums: Sums,
    weights: NDArray[np.float64],
    now: Mixtures,
    iterations: int,
    tolerance: float,
    adapts: bool,
    race: _Race | None = None,
) -> Mixtures:
    """The fits after their iterations; a fit that gains too little or has lost its race ends, and the others go on without it."""
    drawn, counts_once = _drawn(sums, weights), bool((weights == 1.0).all())
    reached, going = np.full(len(weights), -np.inf), np.arange(len(weights))
    ended: list[Mixtures] = []
    order: list[NDArray[np.int64]] = []
    for iteration in range(iterations):
        expected = expect(sums, now)
        if adapts and iteration % _ADAPTED == _ADAPTED - 1:
            expected, now = _with_tails(sums, drawn, *_with_noise(sums, drawn, expected, now))
        logs = (drawn.weights * expected.logs).sum(axis=1)
        now = now._replace(log_likelihoods=logs)
        ends = (logs - reached < tolerance * drawn.total) & (iteration > 2 * _ADAPTED) | (iteration == iterations - 1)
        if race is not None and iteration >= _SETTLED and (not adapts or iteration % _ADAPTED == _ADAPTED - 1):
            ends |= race.lost(going, logs, np.maximum(logs - reached, 0.0) * (iterations - 1 - iteration))
        reached = np.maximum(logs, reached)
        if some_end := bool(ends.any()):
            ended.append(now.taken(np.flatnonzero(ends)))
            order.append(going[ends])
            if ends.all():
                break
        counted = expected.memberships if counts_once else expected.memberships * drawn.weights[:, None, :]
        masses = counted * expected.distances.certain[:, None, :] if sums.is_noisy else counted
        if expected.trust is not None:
            masses = masses * expected.trust
        now = _maximise(sums, drawn, counted, masses, expected.distances, now)
        if some_end:
            now, drawn = now.taken(np.flatnonzero(~ends)), drawn.taken(~ends)
            reached, going = reached[~ends], going[~ends]
    return _joined(ended).taken(np.argsort(np.concatenate(order))) if len(ended) > 1 else ended[0]


def _begin(
    sums: Sums,
    drawn: _Drawn,
    memberships: NDArray[np.float64],
    counted: NDArray[np.float64],
    q: int,
    noise_and_tails: tuple[float, float],
) -> Mixtures:
    """Mixtures with the clusters' means, and loadings along the principal axes of the residuals."""
    m, k, _ = memberships.shape
    d = sums.firsts.shape[1]
    means = times(counted, sums.firsts) / np.maximum(sums.over_stores(counted), TINY)
    loadings, variances = np.zeros((m, d, q)), drawn.whole.copy()
    if q:
        for number, covariance in enumerate(principal.covariances(sums, drawn.weights, memberships, means)):
            loadings[number], variances[number] = principal.loadings(covariance, drawn.whole[number], q)
    noise, tails = (np.full(m, value) for value in noise_and_tails)
    chances = np.full((m, k, sums.stores.levels.shape[1]), 0.5)
    return Mixtures(np.full((m, k), 1.0 / k), means, variances, loadings, noise, tails, chances, np.full(m, -np.inf))


def _maximise(
    sums: Sums,
    drawn: _Drawn,
    counted: NDArray[np.float64],
    masses: NDArray[np.float64],
    distances: Distances | None,
    now: Mixtures,
) -> Mixtures:
    """The means, loadings, variances, proportions and chances that maximise the expected likelihood, in turn.

    `counted` (m, k, n) are memberships times weights; `masses` also times certainty and trust. Without `distances` the loadings stay.
    """
    q = 0 if distances is None else now.loadings.shape[2]
    sizes = np.maximum(sums.over_stores(masses), TINY)
    firsts, of_stores = times(masses, sums.firsts), masses.sum(axis=1)
    explained: NDArray[np.float64] | float = 0.0
    if distances is not None and q:
        given = Masses(drawn.weights, masses, of_stores, firsts, sizes)
        means, loadings, explained = distances.factors.maximised(sums.firsts, given)
    else:
        means, loadings = firsts / sizes, now.loadings
    variances = now.variances
    if (
        distances is not None or not now.loadings.shape[2]
    ):  # else what the principal axes explain is no noise, and known already
        residuals = of_stores @ sums.seconds + (means * (means * sizes - 2.0 * firsts)).sum(axis=1)
        variances = np.maximum((residuals - explained) / drawn.counts, principal.VARIANCE_FLOOR * drawn.whole)
    in_cluster = counted.sum(axis=2)
    proportions = np.maximum(in_cluster, TINY) / drawn.total[:, None]
    chances = now.chances
    if sums.stores.levels.shape[1]:
        usual = (drawn.weights @ sums.stores.levels) / drawn.total[:, None]
        chances = (times(counted, sums.stores.levels) + usual[:, None, :]) / (in_cluster[:, :, None] + 1.0)
    return Mixtures(proportions, means, variances, loadings, now.noise, now.tails, chances, now.log_likelihoods)


def _with_noise(sums: Sums, drawn: _Drawn, expected: Expected, now: Mixtures) -> tuple[Expected, Mixtures]:
    """The mixtures with the likeliest noise for these residuals, and with the variances on the matching scale."""
    counts = drawn.weights * sums.counts
    numbers = counts.sum(axis=1)
    if not sums.is_noisy or not numbers.all():
        return expected, now
    residual = drawn.weights * misfit(expected)
    more = 1.0 + sums.stores.thinness[:, None] * _NOISE
    left = residual @ (1.0 / more) / numbers[:, None]
    values = -0.5 * (counts @ np.log(more) + numbers[:, None] * np.log(np.maximum(left, TINY)))
    # Stores that are equally thin do not tell noise from variance: all that is tried is as likely, and the least stands.
    best = (values >= values.max(axis=1, keepdims=True) - _NOTHING * numbers[:, None]).argmax(axis=1)
    scale = left[np.arange(len(left)), best]
    variances = np.maximum(now.variances * scale[:, None], principal.VARIANCE_FLOOR * _LEAST)
    now = now._replace(noise=_NOISE[best], variances=variances)
    return expect(sums, now), now


def _with_tails(sums: Sums, drawn: _Drawn, expected: Expected, now: Mixtures) -> tuple[Expected, Mixtures]:
    """The mixtures with the likeliest degrees of freedom: the present ones, one of `_TAILS`, or their neighbours there."""
    present = np.abs(_TAILS - now.tails[:, None]).argmin(axis=1)
    best, tails = (drawn.weights * expected.logs).sum(axis=1), now.tails
    for step in (-1, 1):
        tried = _TAILS[np.clip(present + step, 0, len(_TAILS) - 1)]
        if (tried == now.tails).all():
            continue
        value = log_likelihoods(sums, drawn.weights, now, expected.distances, tried)
        better = value > best
        best, tails = np.where(better, value, best), np.where(better, tried, tails)
    if (tails == now.tails).all():
        return expected, now
    now = now._replace(tails=tails)
    return expected_of(sums, now, expected.distances), now
