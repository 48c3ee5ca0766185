"""Stores that two columns name together, such as a chain and the number of its branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Columns = Mapping[str, Sequence[str | None]]


def partner(outside: Columns, sold: Columns, store: str, in_sales: str) -> str:
    """Return the column that names a store of outside data together with `store`, which does not alone; "" if none does.

    It is in both files under the same name, has few values, and with it no two rows are of the same store.

    Parameters
    ----------
    outside, sold : the columns of the outside data and of the sales
    store, in_sales : the columns of the store in each
    """
    rows = list(zip(*outside.values(), strict=True))
    if len(set(outside[store])) == len(outside[store]) or len(set(rows)) == len(set(outside[store])):
        return ""
    pairs_sold = {name: set(zip(sold[name], sold[in_sales], strict=True)) for name in sold if name != in_sales}
    for name in outside:
        if name == store or name not in pairs_sold:
            continue
        pairs = list(zip(outside[name], outside[store], strict=True))
        if len(set(pairs)) == len(pairs) and pairs_sold[name] & set(pairs):
            return name
    return ""
