"""Feature matrices from a category's sales by need state, and from the outside data.

A feature matrix has one row per store and one column per feature, columns sorted by name. Sums run over the stores in the
order of their values, never of their names, so that renaming or reordering stores changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.core.statistics.named_stores import to_fit
from pipeline.errors import DataError
from pipeline.schema import RARE, UNMAPPED
from pipeline.wording import counted

MOST_RARE = 10.0  # times the share below which a need state is rare: what rare ones make up together, at most
MOSTLY_ALIKE = 0.2  # the weight of a number that is the same in most stores; docs/decisions/0024
LARGEST = 1e100  # of a feature's values: squares and their sums stay finite


class Mix(NamedTuple):
    """Shares, store x feature; each row sums to 1; no column if nothing is mapped.

    `unknown` lists the stores without mapped sales: their row is the chain's pooled mix.
    """

    shares: pd.DataFrame
    unknown: list[str]


def positive_sales(sales_by_need_state: pd.DataFrame) -> pd.DataFrame:
    """max(net, 0) in whole cents, one row per store that is not excluded and one column per need state, both sorted.

    `sales_by_need_state` is one category's table (see pipeline.schema). A need state that a store never sold is 0; a need
    state that only excluded stores sold has no column.
    """
    used = sales_by_need_state[~sales_by_need_state["is_excluded"].astype(bool)]
    sold = used.assign(sales_cents=used["sales_cents"].clip(lower=0))
    return wide_table(sold, "need_state", "sales_cents", 0).astype("int64")


def mix(sales: pd.DataFrame, min_need_state_share: float, held_out: Collection[str] = ()) -> Mix:
    """The stores' shares over the mapped need states, rare ones amalgamated.

    Rare need states (`rare_of`) go into `(rare)`. UNMAPPED is never a feature: the shares are of the mapped sales alone.

    Parameters
    ----------
    sales : store x need state, cents, as `positive_sales` gives it
    min_need_state_share : 0..1
    held_out : stores that do not count in the chain's sales; their shares are of need states that other stores also sell
    """
    mapped = sales.drop(columns=UNMAPPED, errors="ignore")
    chain = mapped[to_fit(mapped.index, held_out)].sum(axis=0)
    mapped, chain = mapped.loc[:, chain > 0], chain[chain > 0]  # what held-out stores alone sell says nothing of others
    total = int(chain.sum())
    if total == 0:
        return Mix(mapped.iloc[:, :0].astype("float64"), [])
    rare = rare_of(chain, min_need_state_share)
    amalgamated = mapped.loc[:, ~rare]
    if rare.any():
        amalgamated = amalgamated.assign(**{RARE: mapped.loc[:, rare].sum(axis=1)}).sort_index(axis=1)
    sums = mapped.sum(axis=1)
    unknown = sums.eq(0)
    shares = amalgamated.astype("float64").div(sums.where(~unknown), axis=0)
    pooled = amalgamated[to_fit(mapped.index, held_out)].sum(axis=0) / total
    shares.loc[unknown] = pooled.to_numpy()
    return Mix(shares, list(sums.index[unknown]))


def rare_of(chain: pd.Series[int], min_need_state_share: float) -> pd.Series[bool]:
    """Which need states are rare, from what the chain sells of each, in cents.

    They make up less than `min_need_state_share` of all sales. The rarest come first, until together they would make up more than
    `MOST_RARE` times as much: where a category has many need states, all of them are small, and most of the mix would vanish in one feature. Need
    states that sell the same are all rare, or none is. What is `(rare)` already stays so, and does not count.
    """
    own = chain.index != RARE
    small = chain[own & chain.lt(min_need_state_share * int(chain.sum())).to_numpy()]
    up_to = small.groupby(small).sum().cumsum()
    together = up_to.index[up_to <= MOST_RARE * min_need_state_share * int(chain.sum())]
    return pd.Series(~own, index=chain.index) | chain.le(together.max() if len(together) else -1)


class Axes(NamedTuple):
    """The scale of a feature matrix: (values - shift) / width, per feature.

    `shift` and `width` (d,); the width is NaN if a feature does not vary: the scaled feature is then 0 for every store.
    """

    shift: NDArray[np.float64]
    width: NDArray[np.float64]


def on_axes(features: pd.DataFrame, axes: Axes) -> pd.DataFrame:
    """The features (n, d) on these axes; the rows may be other stores than the stores behind the axes."""
    if features.size == 0:
        return features.astype("float64")
    values = features.to_numpy(dtype=np.float64)
    telling = ~np.isnan(axes.width)
    return _like(features, np.where(telling, (values - axes.shift) / np.where(telling, axes.width, 1.0), 0.0))


def _like(frame: pd.DataFrame, values: NDArray[np.float64]) -> pd.DataFrame:
    """A frame of these values, with the labels of `frame`."""
    result = frame.astype("float64").copy()
    result.iloc[:, :] = values
    return result


def scale(features: pd.DataFrame, name: str, held_out: Collection[str] = ()) -> pd.DataFrame:
    """The outside data's features on a common scale: on the axes of their scaling (`scaling_axes`)."""
    return on_axes(features, scaling_axes(features, name, held_out))


def scaling_axes(features: pd.DataFrame, name: str, held_out: Collection[str] = ()) -> Axes:
    """The axes of a scaling, computed from these features of the outside data; a constant feature becomes 0.

    `robust`: minus the median, divided by the interquartile range; if that is 0, by the whole range, so that a rare 0/1
    feature counts as much as a common one. `standard`: minus the mean, divided by the standard deviation. `minmax`: 0..1.
    Held-out stores do not count in these figures.
    """
    return SCALINGS[name](_ordered(features, held_out))


def _unchanged(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.zeros(values.shape[1]), np.ones(values.shape[1])


def _standardized(values: NDArray[np.float64]) -> Axes:
    if not values.size:
        return Axes(*_unchanged(values))
    return _linear(values, values.mean(axis=0), values.std(axis=0))


def _robust(values: NDArray[np.float64]) -> Axes:
    if not values.size:
        return Axes(*_unchanged(values))
    low, high = values.min(axis=0), values.max(axis=0)
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    return _linear(values, median, np.where(upper > lower, upper - lower, high - low))


def _minmax(values: NDArray[np.float64]) -> Axes:
    if not values.size:
        return Axes(*_unchanged(values))
    low, high = values.min(axis=0), values.max(axis=0)
    return _linear(values, low, high - low)


SCALINGS: Mapping[str, Callable[[NDArray[np.float64]], Axes]] = {
    "robust": _robust,
    "standard": _standardized,
    "minmax": _minmax,
}


def weights_of(features: Iterable[str], weights: Mapping[str, float]) -> pd.Series[float]:
    """The weight of each feature, by name: 1 if no weight is given; 0 leaves the feature out.

    The weight of a categorical feature is the weight of each of its levels, `name=level`. Names without a feature are ignored.
    """
    names = [str(name) for name in features]
    counted = [weights.get(name, weights.get(name.partition("=")[0], 1.0)) for name in names]
    return pd.Series(counted, index=names, dtype="float64")


def outside_weights(
    features: pd.DataFrame, weights: Mapping[str, float], held_out: Collection[str] = ()
) -> pd.Series[float]:
    """The weight of each feature of the outside data, as in `weights_of`; without a given weight, a number that most stores share counts a fifth.

    A number with more than two values, one of which more than half of the stores have (most often 0: no car park), has no scatter in these
    stores, so that a mixture takes the few others for clusters: docs/decisions/0024. Held-out stores do not count.

    Parameters
    ----------
    features : store x feature, imputed and transformed, not yet scaled
    weights : by feature, or by the column of its levels
    held_out : the stores that shape no fit
    """
    values = _ordered(features, held_out)
    ordinary = [MOSTLY_ALIKE if _is_mostly_alike(column) else 1.0 for column in values.T]
    names = [str(name) for name in features.columns]
    chosen = {
        name: weight for name, weight in zip(names, ordinary, strict=True) if name.partition("=")[0] not in weights
    }
    return weights_of(names, chosen | dict(weights))


def _is_mostly_alike(values: NDArray[np.float64]) -> bool:
    """Whether more than half of the values (n,) are the same, and the others are at least two."""
    counts = np.unique(values, return_counts=True)[1]
    return len(counts) > 2 and bool(2 * counts.max() > len(values))


def weighted(features: pd.DataFrame, weights: pd.Series[float]) -> pd.DataFrame:
    """Each feature times the root of its weight, so that the weight applies to squared distances."""
    return features * np.sqrt(weights.reindex(features.columns).to_numpy(dtype=np.float64))


def long_table(features: pd.DataFrame) -> pd.DataFrame:
    """The matrix as store_id, feature, value: one row per store and feature, sorted."""
    table = features.rename_axis(index="store_id", columns="feature").reset_index()
    long = table.melt(id_vars="store_id", var_name="feature", value_name="value")
    long = long.astype({"store_id": "str", "feature": "str", "value": "float64"})
    return long.sort_values(["store_id", "feature"], ignore_index=True)


def wide_table(table: pd.DataFrame, column: str, value: str, absent: float) -> pd.DataFrame:
    """The long table as a matrix: one row per store_id and one column per value of `column`, both sorted.

    Parameters
    ----------
    table : at most one row per store and value of `column`
    column : gives the columns
    value : the numbers; the matrix has their type if `absent` has it too
    absent : of a store and a column without a row
    """
    stores, store_ids = pd.factorize(table["store_id"], sort=True)
    columns, names = pd.factorize(table[column], sort=True)
    numbers = table[value].to_numpy()
    matrix = np.full((len(store_ids), len(names)), absent, dtype=np.result_type(numbers.dtype, type(absent)))
    matrix[stores, columns] = numbers
    return pd.DataFrame(
        matrix, index=pd.Index(store_ids, name="store_id"), columns=pd.Index(names, name=column), copy=False
    )


def check_finite(features: pd.DataFrame) -> None:
    """Raise DataError, with the first such column, if a value is NaN, infinite, or further from 0 than `LARGEST`."""
    values = features.to_numpy(dtype=np.float64)
    _refuse(features, ~np.isfinite(values), "missing or infinite", "a finite number")
    _refuse(features, np.abs(values) > LARGEST, "too large", f"between -{LARGEST:.0e} and {LARGEST:.0e}")


def _refuse(features: pd.DataFrame, bad: NDArray[np.bool_], what: str, allowed: str) -> None:
    for column, of_column in zip(features.columns, bad.T, strict=True):
        if of_column.any():
            store = features.index[int(np.flatnonzero(of_column)[0])]
            raise DataError(
                f"the feature {column!r} is {what} for {counted(int(of_column.sum()), 'store', 'stores')}, first {store!r}; "
                f"every feature must be {allowed}: impute it, or leave it out"
            )


def value_order(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The order of the rows by their values, first column first; equal rows stay in their order."""
    n, d = values.shape
    if d == 0:
        return np.arange(n)
    return np.lexsort(values.T[::-1])


def _ordered(frame: pd.DataFrame, held_out: Collection[str]) -> NDArray[np.float64]:
    """The rows without held-out stores, in the order of their values."""
    values: NDArray[np.float64] = frame[to_fit(frame.index, held_out)].to_numpy(dtype=np.float64)
    return values[value_order(values)]


def _linear(values: NDArray[np.float64], centre: NDArray[np.float64], width: NDArray[np.float64]) -> Axes:
    """The scale by centre and width. A column with equal values has no width, even if rounding leaves one."""
    varying = (values.max(axis=0) > values.min(axis=0)) & (width > 0)
    return Axes(centre, np.where(varying, width, np.nan))
