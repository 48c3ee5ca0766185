"""Drop redundant features: of each pair with a high correlation, one stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_DECIMALS = 12  # further decimals of a correlation depend on the order of the stores


@dataclass(frozen=True)
class Correlated:
    """A feature to drop, the feature that stays instead, and their Pearson correlation."""

    position: int
    partner: int
    correlation: float


def correlated(matrix: np.ndarray, limit: float, protected: int = 0) -> list[Correlated]:
    """The columns to drop so that no two remaining columns have an absolute correlation above the limit.

    Columns are visited in order: a column stays unless it is correlated with an earlier column that stays. So of a pair the
    first stays; and of a chain a-b-c, in which only b is correlated with both, b is dropped and c stays.

    Parameters
    ----------
    matrix : stores x features, without missing values
    limit : 0..1; 1 drops nothing
    protected : the number of first columns that always stay

    Returns
    -------
    The columns to drop, in order, each with the remaining column that is most correlated with it.
    """
    stores, features = matrix.shape
    if stores < 2 or features < 2:
        return []
    centred = matrix - matrix.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    units = centred / np.where(lengths > 0, lengths, 1.0)
    staying: list[int] = []
    dropped: list[Correlated] = []
    for position in range(features):
        correlations = np.round((units[:, staying] * units[:, [position]]).sum(axis=0), _DECIMALS)
        strongest = int(np.argmax(np.abs(correlations))) if staying else -1
        if position >= protected and staying and abs(correlations[strongest]) > limit:
            dropped.append(Correlated(position, staying[strongest], float(correlations[strongest])))
        else:
            staying.append(position)
    return dropped


def reasons_of(dropped: Sequence[Correlated], names: Sequence[str], limit: float) -> dict[str, str]:
    """The reason for dropping each feature, by name."""
    return {
        names[item.position]: f"correlation {item.correlation:.3f} with {names[item.partner]} (limit {limit:g})"
        for item in dropped
    }
