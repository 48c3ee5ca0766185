"""Labels permuted within groups, many times at once, and the sums of the rows that they then have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_CHUNK_NUMBERS = 4_000_000  # of a (permutations, n) array held at once: 32 MB


def permuted_within(
    groups: NDArray[np.int64], labels: NDArray[np.int64], times: int, random: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """The labels (n,) permuted uniformly within the groups (n,), as blocks (b, n) of `times` permutations in all.

    The rows have to be sorted by group. A permutation of each group is the order of as many uniform numbers.
    """
    at_once = max(1, _CHUNK_NUMBERS // max(1, len(labels)))
    for first in range(0, times, at_once):
        keys = groups + random.random((min(at_once, times - first), len(labels)))
        yield labels[np.argsort(keys, axis=1, kind="stable")]


def between(rows: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """For each labelling (b, n), from 0, of the rows (n, d): |sum of the cluster's rows|^2 / its size, summed over clusters.

    With rows about a mean this is the sum of squares that the clusters explain of them.
    """
    found = np.zeros(len(labels))
    for number in range(k):
        members = (labels == number).astype(np.float64)
        sizes = np.maximum(members.sum(axis=1), 1.0)
        found += np.square(members @ rows).sum(axis=1) / sizes
    return found


def p_value(observed: float, permuted: NDArray[np.float64]) -> float:
    """The share of the permutations, the observed labelling among them, that are at least as large as observed [1]_.

    What differs by no more than rounding counts as equal.

    References
    ----------
    .. [1] B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9, 2010.
    """
    as_large = int((permuted >= observed - 1e-12 * max(1.0, abs(observed))).sum())
    return float((1 + as_large) / (1 + len(permuted))) if np.isfinite(observed) else 1.0
