"""A mixture for every number of clusters, with each number of common factors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering import sampling
from pipeline.core.clustering.densities import Mixtures, Stores, certainty, posteriors
from pipeline.core.clustering.factor_mixture import fit, parameters, refine
from pipeline.core.clustering.starts import from_fewer, from_more, from_plain_kmeans, from_whitened_kmeans

FACTORS_OF_A_MIX = 2  # at most: beyond two, factors took clusters for axes on planted stores
MOST_FACTORS = 6  # of outside data, whose features measure the same few things again and again: docs/decisions/0024
FEWEST_FOR_AXES = 20  # stores: fewer show no axis
_RESTARTS = 10  # of each k-means that a fit starts from
_SHORT, _LONG = 10, 80  # iterations of every start, and of the best of them
_POLISHED = 400  # iterations of the fit that is taken, at most
_TOLERANCE, _STANDS = 3e-5, 1e-8  # of the mean log-likelihood; of the fit that is taken
_WORSE = 6.0  # points of BIC by which a factor more may be worse before no other is tried
_PATIENCE = 3  # numbers of clusters without a lower criterion, after which no larger one is tried
_FEWEST = 4  # numbers of clusters that are tried in any case
_PRICE_OF_MEANS = 0.9  # of what the prior of the means charges; chosen on planted stores, docs/decisions/0018
_PRICE_OF_OVERLAP = 0.5  # points per nat of the memberships' entropy; likewise
_SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)  # of a cluster's means that differ from the chain's, tried
_SPREADS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # variances of those that do, in the median store's own, tried


class Fit(NamedTuple):
    """One mixture: k clusters, q factors, `mixture` (a batch of one), `memberships` (n, k), and its criteria.

    `smallest`: the number of stores in the smallest cluster, by likeliest cluster. `bic` [1]_, `wide` and `criterion`: lower is better, see `_judged`.

    References
    ----------
    .. [1] G. Schwarz, "Estimating the dimension of a model", Ann. Statist. 6(2), 1978; for mixtures C. Fraley, A. E. Raftery,
       "Model-based clustering, discriminant analysis, and density estimation", JASA 97, 2002.
    """

    k: int
    q: int
    mixture: Mixtures
    memberships: NDArray[np.float64]
    smallest: int
    bic: float
    wide: float
    criterion: float

    @property
    def labels(self) -> NDArray[np.int64]:
        """The likeliest cluster (n,) of every fitted store, from 0."""
        likeliest: NDArray[np.int64] = self.memberships.argmax(axis=1)
        return likeliest


def search(
    stores: Stores,
    groups: int,
    k_max: int,
    asked: int,
    smallest: int,
    seed: int,
    most_factors: int = FACTORS_OF_A_MIX,
) -> list[Fit]:
    """The mixtures of k = 1, 2, ..., ordered by k, then by number of factors.

    The search ends at `k_max`, or when the criterion has not fallen for `_PATIENCE` values of k; it always reaches `asked`.

    Parameters
    ----------
    stores : the fitted stores, n >= 1
    groups : the number of flags, flags that exclude each other counted once; so many levels follow from the others
    k_max : the largest k
    asked : a k that is always tried; 1 if there is none
    smallest : the number of stores in a start from stores far out
    seed : the seed of the starts
    most_factors : the largest number of factors
    """
    d = stores.numbers.shape[1]
    several = len(stores.numbers) >= FEWEST_FOR_AXES
    few = _few(stores, smallest)
    smallest_of_few = max(1, round(smallest * len(few.numbers) / len(stores.numbers)))
    ones = [_fit_of_one(stores, groups, q) for q in range(min(most_factors if several else 0, max(d - 1, 0)) + 1)]
    likeliest = min(ones, key=lambda each: each.bic).q
    fits, best, waited, fewer = list(ones), min(each.criterion for each in ones), 0, dict(enumerate(ones))
    for k in range(2, max(k_max, asked) + 1):
        of_k: dict[int, Fit] = {}
        # The means of k clusters lie in k - 1 dimensions: of the factors that stores have as one cluster, clusters explain no more.
        factors = range(max(0, likeliest - max(k - 1, FACTORS_OF_A_MIX)), len(ones))
        for q in factors:
            starts = [from_whitened_kmeans(few, ones[q].mixture, k, _RESTARTS, _random(seed, k, q))]
            if q == factors[0]:
                starts.append(from_plain_kmeans(few, k, _RESTARTS, _random(seed, k, len(ones))))
            else:
                starts.append(posteriors(few, of_k[q - 1].mixture))
            if k > 2 and q in fewer and d:
                starts.append(from_fewer(few, fewer[q].mixture, smallest_of_few))
            of_k[q] = _best_fit(stores, few, groups, np.concatenate(starts), ones[q])
            if q > factors[0] and of_k[q].bic > of_k[q - 1].bic + _WORSE:
                break
        if k == asked and not any(each.smallest for each in of_k.values()):
            of_k[0] = _as_started(
                stores, groups, from_plain_kmeans(stores, k, _RESTARTS, _random(seed, k, len(ones)))[0]
            )
        fits += of_k.values()
        lowest = min(each.criterion for each in of_k.values())
        waited = 0 if lowest < best else waited + 1
        best, fewer = min(best, lowest), of_k
        if k >= max(_FEWEST, asked) and waited >= _PATIENCE:
            break
    return _swept_back(stores, few, groups, fits, ones)


def _swept_back(stores: Stores, few: Stores, groups: int, fits: list[Fit], ones: list[Fit]) -> list[Fit]:
    """The fits; and for each k >= 2 a fit from the best k + 1 clusters with two of them joined, if it is better."""
    swept = list(fits)
    for k in range(max(each.k for each in fits) - 1, 1, -1):
        more = min((each for each in swept if each.k == k + 1), key=lambda each: each.criterion)
        before = min((each.criterion for each in swept if (each.k, each.q) == (k, more.q)), default=np.inf)
        merged = _best_fit(stores, few, groups, from_more(few, more.mixture), ones[more.q], before)
        if merged.criterion < before:
            swept.append(merged)
    return sorted(swept, key=lambda each: (each.k, each.q))


def begun_from(stores: Stores, groups: int, fits: list[Fit], start: NDArray[np.float64]) -> list[Fit]:
    """The fits, and for each number of factors a fit that begins from these memberships (n, k), ordered by k, then by number of factors.

    A start from the clusters of a reference finds them again where a few stores changed, even if these stores make a likelier fit with a
    cluster that is too small.
    """
    begun = [_best_fit(stores, stores, groups, start[None], fit_of_one) for fit_of_one in fits if fit_of_one.k == 1]
    return sorted(fits + begun, key=lambda each: (each.k, each.q))


def polished(stores: Stores, groups: int, start: Fit) -> Fit:
    """The fit, iterated to convergence. Unchanged if a cluster would lose its last store."""
    weights = np.ones((1, len(stores.numbers)))
    longer = _judged(stores, groups, refine(stores, weights, start.mixture, _POLISHED, _STANDS), start.q)
    return longer if longer.smallest >= min(start.smallest, 1) else start


def _random(seed: int, k: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, 20, k, purpose])


def _fit_of_one(stores: Stores, groups: int, q: int) -> Fit:
    n = len(stores.numbers)
    return _judged(stores, groups, fit(stores, np.ones((1, n)), np.ones((1, n, 1)), q, _LONG), q)


def _few(stores: Stores, smallest: int) -> Stores:
    """The stores on which fits are started."""
    rows = sampling.for_starts(len(stores.numbers), smallest, stores.width)
    return stores if rows is None else stores.taken(rows)


def _best_fit(
    stores: Stores, few: Stores, groups: int, starts: NDArray[np.float64], one_cluster: Fit, highest: float = np.inf
) -> Fit:
    """The best of several starts on a few stores, with the noise and tails of one cluster; then it goes on with all stores, and with its own.

    It ends early if its criterion would not fall to `highest`.
    """
    n = len(stores.numbers)
    short = fit(
        few,
        np.ones(starts.shape[:2]),
        starts,
        one_cluster.q,
        _SHORT,
        like=one_cluster.mixture,
        adapts=False,
        rivals=len(starts),
    )
    best = short.taken(np.array([short.log_likelihoods.argmax()]))
    # All that a criterion charges but these parameters is at least 0, see `_judged`.
    free = _free(stores, groups, best, one_cluster.q) - (starts.shape[2] - 1) * stores.numbers.shape[1]
    least = (free * np.log(n) - highest) / 2.0
    longer = refine(stores, np.ones((1, n)), best, _LONG, _TOLERANCE, least=least)
    return _judged(stores, groups, longer, one_cluster.q)


def _as_started(stores: Stores, groups: int, start: NDArray[np.float64]) -> Fit:
    """The mixture that has its start as memberships: a fixed k is possible if stores differ, even if no likelihood separates them."""
    mixture = fit(stores, np.ones((1, len(start))), start[None], 0, 1, adapts=False)
    smallest = int(start.sum(axis=0).min())
    return _judged(stores, groups, mixture, 0)._replace(memberships=start, smallest=smallest)


def _free(stores: Stores, groups: int, mixture: Mixtures, q: int) -> int:
    """The number of free parameters of a mixture of these stores."""
    k, d = mixture.means.shape[1:]
    return parameters(k, d, stores.levels.shape[1] - groups, q, bool(stores.thinness.any()))


def _judged(stores: Stores, groups: int, mixture: Mixtures, q: int) -> Fit:
    """A mixture with its figures.

    BIC charges log n for every mean of a cluster, whether it differs from the other clusters' or not. An integrated likelihood charges
    by the data: `wide` has one normal prior for all means; the criterion has a prior under which only a share of a cluster's means
    differ [1]_. The criterion also includes part of the charge of the integrated completed likelihood [2]_ for stores between clusters.

    References
    ----------
    .. [1] T. Mitchell, J. Beauchamp, "Bayesian variable selection in linear regression", JASA 83, 1988 (spike and slab).
    .. [2] C. Biernacki, G. Celeux, G. Govaert, "Assessing a mixture model for clustering with the integrated completed likelihood", IEEE
       Trans. PAMI 22(7), 2000.
    """
    memberships = posteriors(stores, mixture)[0]
    n, d = stores.numbers.shape
    k = memberships.shape[1]
    free = _free(stores, groups, mixture, q)
    deviance = -2.0 * float(mixture.log_likelihoods[0])
    smallest = int(np.bincount(memberships.argmax(axis=1), minlength=k).min())
    bic = deviance + free * np.log(n)
    if k == 1:
        return Fit(k, q, mixture, memberships, smallest, bic, bic, bic)
    others = deviance + (free - (k - 1) * d) * np.log(n)
    # In variances of the median store, noise included: what a variance and its noise are apart, nearly equal stores do not tell.
    of_median = 1.0 + float(mixture.noise[0]) * float(np.median(stores.thinness))
    sizes = np.maximum((memberships * certainty(stores, mixture.noise).T).sum(axis=0) * of_median, 1.0)[:, None]
    middle = (sizes * mixture.means[0]).sum(axis=0) / sizes.sum()
    squares = np.square(mixture.means[0] - middle) / (mixture.variances[0] * of_median)
    sure = np.maximum(memberships, np.finfo(np.float64).tiny)
    overlap = -float((memberships * np.log(sure)).sum())
    criterion = others + _PRICE_OF_MEANS * _of_means(squares, sizes) + _PRICE_OF_OVERLAP * overlap
    return Fit(k, q, mixture, memberships, smallest, bic, others + _of_wide_means(squares, sizes), criterion)


def _of_wide_means(squares: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    """The charge of a normal prior for the means, from their squared deviations (k, d) and the clusters' sizes (k, 1)."""
    k, d = squares.shape
    spread = max(float(squares.mean()) if squares.size else 0.0, 1e-6)
    price = (k - 1) / k * np.log1p(sizes * spread).sum() * d + (squares / (spread + 1.0 / sizes)).sum() - (k - 1) * d
    return float(price)


def _of_means(squares: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    """The charge of a prior with some means equal to the chain's and the others drawn around it; the lowest charge of the priors tried."""
    k = len(squares)
    prices = []
    for share in _SHARES:
        for spread in _SPREADS:
            logs = np.log(share) - 0.5 * (np.log1p(sizes * spread) + squares / (spread + 1.0 / sizes))
            if share < 1.0:
                logs = np.logaddexp(logs, np.log1p(-share) - 0.5 * sizes * squares)
            prices.append(-2.0 * float(logs.sum()) * (k - 1) / k)
    return min(prices)
