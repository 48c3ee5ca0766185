"""Compare the methods: the result of each for a category."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from pipeline.core.clustering import bootstrap, sampling
from pipeline.core.clustering.figures import silhouettes
from pipeline.core.merging.methods import METHODS, Category, Result
from pipeline.core.statistics.explained import r_squared


def compare(category: Category) -> tuple[Result, pd.DataFrame]:
    """The result of the method taken, and a row of merging_methods (see pipeline.schema) for each compared method.

    The methods are compared by their cells after the repair, on all stores of the category. The silhouette is of the sales
    mix only. If `compare_methods` is false, only the method taken has a row.
    """
    taken, why = category.taken()
    compared = METHODS if category.settings.compare_methods else (taken,)
    results = {method: category.result(method) for method in compared}
    taken_cell = results[taken].merged.repair.cell
    estimated = sampling.remark(len(category.stores.internal_features))
    rows = []
    for method, result in results.items():
        if method not in category.figures:
            category.figures[method] = _figures(category, result)
        cell = result.merged.repair.cell
        reason = result.merged.reason
        if method == taken:
            reason = f"taken: {why}; {reason}"
        elif method == category.settings.method:
            reason = f"set, but not taken: {reason}"
        rows.append(
            {
                "method": method,
                "taken": method == taken,
                **category.figures[method],
                "agreement": float(adjusted_rand_score(taken_cell, cell)),
                "reason": reason + estimated,
            }
        )
    frame = pd.DataFrame(rows).assign(category=category.stores.category)
    return results[taken], frame.sort_values("method", ignore_index=True)


def _figures(category: Category, result: Result) -> dict[str, float]:
    mix = category.stores.internal_features
    cell = np.unique(result.merged.repair.cell, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(cell)
    several = 1 < len(sizes) <= len(cell) and mix.shape[1] > 0
    refits = result.refits
    return {
        "clusters": len(sizes),
        "smallest_cluster": int(sizes.min()),
        "reassigned_stores": int(result.merged.repair.moved().sum()),
        "silhouette": float(silhouettes(mix, [cell])[0].mean()) if several else np.nan,
        "r_squared": r_squared(mix, cell),
        "stability": bootstrap.stability(refits, int(refits.max()) + 1),
    }
