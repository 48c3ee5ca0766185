"""Features that say the same: of each pair above a correlation, one is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_DECIMALS = 12  # beyond them a correlation depends on the order of the stores


@dataclass(frozen=True)
class Correlated:
    """A feature to drop, the feature that stays for it, and Pearson's correlation of the two."""

    position: int
    partner: int
    correlation: float


def correlated(matrix: np.ndarray, limit: float, protected: int = 0) -> list[Correlated]:
    """Which columns to drop so that no two that stay have a correlation above the limit, in absolute value.

    Columns are taken in their order: each stays unless one that stays already is correlated with it. So of a pair the
    first stays; and of a chain a-b-c, where b alone is correlated with both, b is dropped and c stays.

    Parameters
    ----------
    matrix : stores x features, without missing values
    limit : 0..1; 1 drops nothing
    protected : so many of the first columns stay, whatever their correlation

    Returns
    -------
    The columns to drop, in order, each with the column that stays and is most correlated with it.
    """
    stores, features = matrix.shape
    if stores < 2 or features < 2:
        return []
    centred = matrix - matrix.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    units = centred / np.where(lengths > 0, lengths, 1.0)
    kept: list[int] = []
    dropped: list[Correlated] = []
    for position in range(features):
        with_kept = np.round((units[:, kept] * units[:, [position]]).sum(axis=0), _DECIMALS)
        strongest = int(np.argmax(np.abs(with_kept))) if kept else -1
        if position >= protected and kept and abs(with_kept[strongest]) > limit:
            dropped.append(Correlated(position, kept[strongest], float(with_kept[strongest])))
        else:
            kept.append(position)
    return dropped


def names_of(dropped: Sequence[Correlated], names: Sequence[str], limit: float) -> dict[str, str]:
    """The reason for dropping, by feature."""
    return {
        names[one.position]: f"correlation {one.correlation:.3f} with {names[one.partner]} (limit {limit:g})"
        for one in dropped
    }
