"""Permute labels within groups, many times at once, and compute their sums of squares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_CHUNK_NUMBERS = 4_000_000  # of a (permutations, n) array in memory at once: 32 MB


def permuted_within(
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    times: int,
    random: np.random.Generator,
    at_most: int | None = None,
) -> Iterator[NDArray[np.int64]]:
    """The labels (n,) permuted uniformly within the groups (n,), as blocks (b, n) of `times` permutations in all.

    The rows must be sorted by group. The order of random uniform numbers gives the permutation of each group. The permutations do not
    depend on the size of the blocks, which have `at_most` so many.
    """
    at_once = max(1, min(_CHUNK_NUMBERS // max(1, len(labels)), at_most or times))
    for first in range(0, times, at_once):
        keys = groups + random.random((min(at_once, times - first), len(labels)))
        yield labels[np.argsort(keys, axis=1, kind="stable")]


def between(rows: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """For each labelling (b, n), from 0, of the rows (n, d): |sum of the cluster's rows|^2 / its size, summed over clusters.

    For rows with mean zero, this is the sum of squares that the clusters explain.
    """
    sums = np.zeros(len(labels))
    for number in range(k):
        members = (labels == number).astype(np.float64)
        sizes = np.maximum(members.sum(axis=1), 1.0)
        sums += np.square(members @ rows).sum(axis=1) / sizes
    return sums


def as_large(observed: float, permuted: NDArray[np.float64]) -> int:
    """How many of the permuted values are at least as large as observed; values that differ only by rounding count as equal."""
    return int((permuted >= observed - 1e-12 * max(1.0, abs(observed))).sum())


def p_value(observed: float, permuted: NDArray[np.float64]) -> float:
    """The share of the permutations, including the observed labelling, that are at least as large as observed [1]_.

    Values that differ only by rounding count as equal.

    References
    ----------
    .. [1] B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9, 2010.
    """
    return float((1 + as_large(observed, permuted)) / (1 + len(permuted))) if np.isfinite(observed) else 1.0
