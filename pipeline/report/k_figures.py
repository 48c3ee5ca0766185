"""The figures of every number of clusters that was tried, as the page draws them."""

from __future__ import annotations

from typing import Any

import pandas as pd

_SHOWN = ("k", "criterion", "likelier", "bic", "silhouette", "stability", "jaccard", "smallest_cluster", "kept")


def figures_of_k(k_selection: pd.DataFrame) -> dict[str, list[Any]]:
    """A list per figure, in the order of k, as far as the table has it; and in `outcome` what became of each k.

    `k_selection` is a table of a clustering, of one category where it has categories.
    """
    figures = {name: _rounded(k_selection[name]) for name in _SHOWN if name in k_selection}
    return figures | {"outcome": [str(outcome) for outcome in k_selection["outcome"]]}


def _rounded(column: pd.Series[Any]) -> list[float | int | None]:
    return [None if pd.isna(value) else float(f"{float(value):.5g}") for value in column]
