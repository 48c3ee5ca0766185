"""Roots of shares on a plane: the tangent plane of their sphere.

The square roots of a store's d shares are a point of the unit sphere; distances along it are Hellinger distances [1]_. The sphere is
curved: variation along one axis bends into a second axis, and a mixture of Gaussians fits false clusters to the bend.
So each point is mapped to the plane that touches the sphere at the stores' mean root, in its direction and at its distance along the sphere (the log map
[2]_). That plane has d - 1 dimensions.

References
----------
.. [1] P. Legendre, E. Gallagher, "Ecologically meaningful transformations for ordination of species data", Oecologia 129, 2001.
.. [2] A. Srivastava, I. Jermyn, S. Joshi, "Riemannian analysis of probability density functions", CVPR 2007.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def base_of(roots: NDArray[np.float64]) -> NDArray[np.float64]:
    """The point (d,) where the plane touches the sphere: the mean of the roots (n, d), n >= 1, scaled to length 1."""
    mean = roots.mean(axis=0)
    base: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return base


def flat(roots: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64]:
    """The roots (n, d) on the plane that touches the sphere at the base, as vectors (n, d) orthogonal to the base."""
    along = np.clip(roots @ base, -1.0, 1.0)
    across = roots - along[:, None] * base
    sine = np.linalg.norm(across, axis=1)
    angle = np.arctan2(sine, along)
    stretch = np.where(sine > 0, angle / np.where(sine > 0, sine, 1.0), 1.0)
    vectors: NDArray[np.float64] = across * stretch[:, None]
    return vectors


def coordinates(vectors: NDArray[np.float64], base: NDArray[np.float64], pivot: int) -> NDArray[np.float64]:
    """Vectors (n, d) of the plane in d - 1 coordinates, one for each share but the pivot.

    The Householder reflection that maps the base to the pivot's negative axis mirrors them: lengths and angles stay, and the coordinate of
    a share is its own value minus a part of the pivot's value, base_j / (1 + base_pivot) times it. Of the two reflections it is the one that
    turns the shares' axes less, so that scatter that is independent between shares stays nearly independent between coordinates.
    """
    axis = base.copy()
    axis[pivot] += 1.0  # not 0, as no root is negative
    mirrored = vectors - np.outer(vectors @ axis, axis) * (2.0 / float(axis @ axis))
    return np.delete(mirrored, pivot, axis=1)


def vectors_of(numbers: NDArray[np.float64], base: NDArray[np.float64], pivot: int) -> NDArray[np.float64]:
    """The vectors (n, d) of the plane with these coordinates (n, d - 1): the inverse of `coordinates`."""
    axis = base.copy()
    axis[pivot] += 1.0
    mirrored = np.insert(numbers, pivot, 0.0, axis=1)
    turned: NDArray[np.float64] = mirrored - np.outer(mirrored @ axis, axis) * (2.0 / float(axis @ axis))
    return turned


def pivot_of(
    base: NDArray[np.float64],
    gaps: NDArray[np.bool_],
    weights: NDArray[np.float64],
    numbers: NDArray[np.bool_] | None = None,
) -> int:
    """The share without a coordinate: the largest, after a deduction for stores that lack it; with weight 1 if possible; none of the `numbers`."""
    carried = 1.0 - gaps.mean(axis=0) if len(gaps) else np.ones(len(base))
    score = np.where(weights == 1.0, 1.0, 0.0) + base * carried**4
    if numbers is not None:
        score[numbers] = -1.0
    return int(score.argmax())
