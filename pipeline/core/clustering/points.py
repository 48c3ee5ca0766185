"""The data of a mixture: standardised numbers, and the levels of features with two values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Points(NamedTuple):
    """n points: m sets, or one set for all m mixtures.

    `numbers` (m or 1, n, d): features of about unit variance. `levels` (m or 1, n, l): 0 and 1, which level of each
    categorical feature a point has; the levels of a feature sum to 1.
    """

    numbers: NDArray[np.float64]
    levels: NDArray[np.float64]

    @property
    def width(self) -> int:
        """The number of values that describe a point."""
        return int(self.numbers.shape[2] + self.levels.shape[2])


class Scale:
    """The scale of points, learnt from a matrix (n, d), n >= 1.

    A feature with two values is a flag. Flags that exclude each other, such as the columns of a categorical feature, are
    the levels of one feature, with one more level if none of them is set; unless `flags` is false. Features with more
    values are numbers, in standard deviations from the mean. Constant features are left out.
    """

    def __init__(self, matrix: NDArray[np.float64], flags: bool = True) -> None:
        self._mean = matrix.mean(axis=0)
        self._deviations = matrix.std(axis=0)
        self._halfway = (matrix.min(axis=0) + matrix.max(axis=0)) / 2
        two_valued = is_flag(matrix) & flags
        # what rounding leaves of a constant feature's deviation would measure other points in units of nothing; of
        # differences too small to be squared none is left
        self.numeric = (matrix.min(axis=0) < matrix.max(axis=0)) & (self._deviations > 0) & ~two_valued
        self._groups = _exclusive(matrix > self._halfway, np.flatnonzero(two_valued))
        self._occurring = self._one_hot(matrix).any(axis=0)

    def of(self, points: NDArray[np.float64]) -> Points:
        """Points (n, d) on this scale; a flag is set if the value is nearer to the larger of its two values."""
        numeric = self.numeric
        numbers = (points[:, numeric] - self._mean[numeric]) / self._deviations[numeric]
        levels = self._one_hot(points)[:, self._occurring].astype(float)
        return Points(numbers[None], levels[None])

    def groups(self) -> int:
        """The number of flags; flags that exclude each other count as one."""
        return len(self._groups)

    def numbers_scale(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of every number."""
        return self._mean[self.numeric], self._deviations[self.numeric]

    def flag_numbers(self, d: int) -> NDArray[np.int64]:
        """For each of d features, the number of the flag that has it as a level, from 1; 0 if no flag has."""
        groups = np.zeros(d, dtype=np.int64)
        for number, group in enumerate(self._groups, start=1):
            groups[group] = number
        return groups

    def thresholds(self, d: int) -> NDArray[np.float64]:
        """For each of d features, the value above which it is set; NaN if it is not a level."""
        thresholds = np.full(d, np.nan)
        for group in self._groups:
            thresholds[group] = self._halfway[group]
        return thresholds

    def flag_chances(self, chances: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The chances (k, f) that features are set, from the chances (k, l) of the levels, and the indices (f,) of these features."""
        whole = np.zeros((len(chances), self._occurring.size))
        whole[:, self._occurring] = chances
        columns, features, first = [], [], 0
        for group in self._groups:
            columns.append(whole[:, first + 1 : first + 1 + len(group)])
            features += group
            first += 1 + len(group)
        return np.column_stack(columns) if columns else np.zeros((len(chances), 0)), np.array(features, dtype=np.int64)

    def _one_hot(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n, levels): for each categorical feature, a column that is 1 if none of its flags is set, and a column for each flag."""
        is_set = points > self._halfway
        columns = []
        for group in self._groups:
            first = is_set[:, group].cumsum(axis=1) == 1  # of a new point that has two of them, the first counts
            of_group = is_set[:, group] & first
            columns += [~of_group.any(axis=1), *of_group.T]
        return np.column_stack(columns) if columns else np.zeros((len(points), 0), dtype=bool)


def is_flag(matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns (d,) of a matrix (n, d), n >= 1, take exactly two values."""
    low, high = matrix.min(axis=0), matrix.max(axis=0)
    flags: NDArray[np.bool_] = (low < high) & ((matrix == low) | (matrix == high)).all(axis=0)
    return flags


def _exclusive(is_set: NDArray[np.bool_], flags: NDArray[np.int64]) -> list[list[int]]:
    """Groups of flags: no row has two flags of a group set. Each flag goes to the first group that it fits."""
    groups: list[list[int]] = []
    for flag in flags:
        for group in groups:
            if not (is_set[:, group].any(axis=1) & is_set[:, flag]).any():
                group.append(int(flag))
                break
        else:
            groups.append([int(flag)])
    return groups
