"""A store or a category that is the total of some others, such as a region in the column of stores.

What a total sold of each product is the sum of what its members did, so that no other store can sell more of any: of the largest ones
the members are looked for among those that they exceed everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from pipeline.engine.connections import rows

_CANDIDATES = 30  # the largest ones
_NUMBERS = 100_000  # of the table of members and what they are compared by
_FEWEST = 4  # sums of a total that are not zero
_AGREE = 0.99  # of the sums are those of the members, and at least the members' own
_ROUNDING = 2.0  # cents per member and sum
# By column: the table that says what sells the most, the one with the sums, and what they are compared by.
_COMPARED = {
    "store_id": ("sku_sums", "chosen_sales", "sku_id, category"),
    "category": ("store_sums", "store_sums", "store_id"),
}
_FEW = 40  # possible members, of which sets are tried one by one where there are more of them than sums
_TRIED = 5_000  # of these sets


@dataclass(frozen=True)
class Subtotal:
    """A total and its members, largest first."""

    name: str
    members: tuple[str, ...]


def subtotals(connection: duckdb.DuckDBPyConnection, column: str, left_out: set[str]) -> list[Subtotal]:
    """Return the stores, or the categories, that are the total of some others; `sku_sums` and `store_sums` must exist.

    Parameters
    ----------
    column : store_id, compared by SKU and category; or category, compared by store
    left_out : members that are no part of any other, such as the total of all

    Returns
    -------
    From the smallest on; none if there are fewer than four members.
    """
    names, sums = _table(connection, column, left_out)
    if len(names) < 4:  # a total, two members and one that is none
        return []
    order = np.argsort(sums.sum(axis=1), kind="stable")
    totals: list[Subtotal] = []
    is_total = np.zeros(len(names), dtype=bool)
    for candidate in order[-_CANDIDATES:]:
        smaller = order[: int(np.flatnonzero(order == candidate)[0])]
        members = _members(sums, candidate, smaller[~is_total[smaller]])
        if members is not None:
            is_total[candidate] = True
            largest = members[np.argsort(-sums[members].sum(axis=1), kind="stable")]
            totals.append(Subtotal(names[candidate], tuple(names[member] for member in largest)))
    return totals


def _table(connection: duckdb.DuckDBPyConnection, column: str, left_out: set[str]) -> tuple[list[str], np.ndarray]:
    """Return the names of the members, sorted, and their sums in cents: members x what they are compared by, as far as it sells the most."""
    members = f"SELECT DISTINCT {column} AS member FROM store_sums WHERE NOT LIST_CONTAINS(?, {column})"
    values = [sorted(left_out) or [""]]
    names = sorted(str(name) for (name,) in rows(connection, members, values))
    sums_of, table_of, keys = _COMPARED[column]
    largest = f"SELECT {keys} FROM {sums_of} GROUP BY {keys} ORDER BY SUM(ABS(cents)) DESC, {keys} LIMIT {_NUMBERS // max(len(names), 1)}"
    table = connection.execute(
        f"SELECT n.number, s.cell, s.cents FROM (SELECT {column} AS member, DENSE_RANK() OVER (ORDER BY {keys}) - 1 AS cell, cents "
        f"FROM {table_of} SEMI JOIN ({largest}) l USING ({keys})) s "
        f"JOIN (SELECT member, ROW_NUMBER() OVER (ORDER BY member) - 1 AS number FROM ({members}) m) n ON n.member = s.member",
        values,
    ).fetchnumpy()
    cell = np.asarray(table["cell"], dtype=np.int64)
    sums = np.zeros((len(names), int(cell.max(initial=-1)) + 1))
    np.add.at(sums, (np.asarray(table["number"], dtype=np.int64), cell), np.asarray(table["cents"], dtype=np.float64))
    return names, sums


def _members(sums: np.ndarray, candidate: int, smaller: np.ndarray) -> np.ndarray | None:
    """Return the rows that add up to the candidate's; None if none do, or if these are less than two."""
    total = sums[candidate]
    if np.count_nonzero(total) < _FEWEST:
        return None
    exceeded = (sums[smaller] <= total + _ROUNDING).mean(axis=1) >= _AGREE
    members = smaller[exceeded & sums[smaller].any(axis=1)]
    if len(members) < 2 or (sums[members].sum(axis=0) >= total - _ROUNDING * len(members)).mean() < _AGREE:
        return None
    ways = (_by_least_squares,) if len(members) <= sums.shape[1] else (_by_few, _by_all_but_few, _by_trial)
    for way in ways:
        is_member = way(sums[members], total)
        if is_member.sum() >= 2 and _agree(sums[members[is_member]], total):
            return np.asarray(members[is_member])
    return None


def _by_least_squares(parts: np.ndarray, total: np.ndarray) -> np.ndarray:
    weights = np.linalg.lstsq(parts.T, total, rcond=None)[0]
    return np.asarray(weights > 0.5)


def _by_few(parts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the parts that add up to the total, if these are few: no other weights that are not negative then do.

    Weights are unique as long as the members are fewer than about half of the sums: Bruckstein, Elad & Zibulevsky (2008), "On the
    uniqueness of nonnegative sparse solutions to underdetermined systems of equations", IEEE Trans. Inf. Theory 54.
    """
    from scipy.optimize import nnls  # half a second, which most sales need not: they have more stores than categories

    try:
        weights, _ = nnls(parts.T, total)
    except RuntimeError:  # it did not converge
        return np.zeros(len(parts), dtype=bool)
    return np.asarray(weights > 0.5)


def _by_all_but_few(parts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the parts that add up to the total, if these are nearly all."""
    return ~_by_few(parts, parts.sum(axis=0) - total)


def _by_trial(parts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the set of parts that adds up to the total, the largest part first; none if there is none, or none after `_TRIED` sets."""
    none = np.zeros(len(parts), dtype=bool)
    if len(parts) > _FEW:
        return none
    order = np.argsort(-parts.sum(axis=1), kind="stable")
    remaining = np.cumsum(parts[order][::-1], axis=0)[::-1]
    slack = _ROUNDING * len(parts)
    waiting: list[tuple[int, np.ndarray, tuple[int, ...]]] = [(0, total, ())]
    for _ in range(_TRIED):
        if not waiting:
            break
        at, left, chosen = waiting.pop()
        if (np.abs(left) <= slack).all():
            return np.isin(np.arange(len(parts)), order[list(chosen)])
        if at == len(order) or (remaining[at] < left - slack).any():
            continue
        waiting.append((at + 1, left, chosen))
        after = left - parts[order[at]]
        if (after >= -slack).all():
            waiting.append((at + 1, after, (*chosen, at)))
    return none


def _agree(parts: np.ndarray, total: np.ndarray) -> bool:
    is_close = np.abs(parts.sum(axis=0) - total) <= _ROUNDING * len(parts)
    return bool(is_close.mean() >= _AGREE)
