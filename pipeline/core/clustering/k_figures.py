"""The figures of one number of clusters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.clustering.choosing import Chooser
from pipeline.core.clustering.figures import calinski_harabasz, centroids, davies_bouldin, silhouettes
from pipeline.core.clustering.search import Fit


class KFigures(NamedTuple):
    """See `internal_k_selection` in pipeline.schema; NaN if a k does not have a figure."""

    k: int
    axes: int
    criterion: float
    likelier: float
    bic: float
    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    inertia: float
    smallest_cluster: int
    stability: float
    jaccard: float


def k_figures(matrix: NDArray[np.float64], chooser: Chooser, largest: int) -> list[KFigures]:
    """The figures of 1, 2, ... `largest` clusters of the fitted stores (n, d); the distances between stores are computed once for all."""
    fits = {k: chooser.of_k(k) for k in range(1, largest + 1)}
    several = [k for k, fit in fits.items() if fit is not None and k > 1]
    widths = silhouettes(matrix, [fit.labels for k in several if (fit := fits[k]) is not None])
    mean_widths = {k: float(width.mean()) for k, width in zip(several, widths, strict=True)}
    return [_figures(matrix, chooser, k, fit, mean_widths.get(k, np.nan)) for k, fit in fits.items()]


def _figures(matrix: NDArray[np.float64], chooser: Chooser, k: int, fit: Fit | None, silhouette: float) -> KFigures:
    if fit is None:  # every mixture of k leaves a cluster without a store
        best = chooser.any_of_k(k)
        nothing = (np.nan,) * 4
        likelier = chooser.likelier(best)
        return KFigures(k, best.q, best.criterion, likelier, best.bic, *nothing, 0, np.nan, np.nan)
    refits = chooser.refitted.get(k)
    stability, jaccard = (
        (1.0, 1.0) if k == 1 else (np.nan, np.nan) if refits is None else (refits.stability, refits.jaccard)
    )
    judged = (k, fit.q, fit.criterion, np.nan if k == 1 else chooser.likelier(fit), fit.bic)
    return KFigures(*judged, silhouette, *_of_shape(matrix, fit), fit.smallest, stability, jaccard)


def _of_shape(matrix: NDArray[np.float64], fit: Fit) -> tuple[float, float, float]:
    """Calinski-Harabasz, Davies-Bouldin and inertia."""
    n, k, labels = len(matrix), fit.k, fit.labels
    centres = centroids(matrix, labels, k)
    inertia = float(np.square(matrix - centres[labels]).sum())
    if k == 1:
        return np.nan, np.nan, inertia
    total = float(np.square(matrix - matrix.mean(axis=0)).sum())
    return calinski_harabasz(total, inertia, n, k), davies_bouldin(matrix, labels, centres), inertia
