"""The sample of stores with which all stores are compared, if comparing every pair would take too long.

Up to `EXACT` stores every pair is compared. With more, every store is compared with a sample, so that the work grows with the
number of stores and no longer with its square; a text that shows such a figure says so (`remark`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

EXACT = 20_000  # stores
SAMPLE = 5_000  # of them that the others are compared with
STARTED = 500  # stores on which fits are started at least; then they go on with all stores
_OF_SMALLEST = 20  # of them in a cluster of the smallest size
_OF_NUMBERS = 10  # of them for each number that describes a store
_SEED = 0  # a constant: which stores are drawn depends on the number of stores and on nothing else


def order(n: int) -> NDArray[np.int64] | None:
    """An order (n,) of drawing; the first `SAMPLE` are the sample. None if every pair is compared."""
    if n <= EXACT:
        return None
    drawn: NDArray[np.int64] = np.random.default_rng([_SEED, n]).permutation(n)
    return drawn


def for_starts(n: int, smallest: int, d: int) -> NDArray[np.int64] | None:
    """The stores (their indices, rising) on which fits are started. They are so many that a cluster of `smallest` stores of n has
    `_OF_SMALLEST` among them on average, and `_OF_NUMBERS` for each of d numbers. None if fits start on all stores."""
    size = max(STARTED, _OF_NUMBERS * d, math.ceil(n * _OF_SMALLEST / smallest))
    if size >= n:
        return None
    drawn: NDArray[np.int64] = np.sort(np.random.default_rng([_SEED, n]).permutation(n)[:size])
    return drawn


def remark(n: int) -> str:
    """The text that follows the reason of a result if its silhouettes are estimated; empty if they are exact."""
    return (
        f"; silhouettes are estimated: each store is compared with a sample of {SAMPLE:,} of {n:,}" if n > EXACT else ""
    )
