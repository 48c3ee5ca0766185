"""Every k with all its figures, beside a plain loop that has the same figures from scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.found import Row
from benchmarks.processes import Middle, interleaved, python

STORES = {"quick": 200, "default": 5_000, "full": 5_000}
FEATURES = 20
PLANTED = 5
TIMES = {"quick": 1, "default": 2, "full": 5}
EXACT = ("silhouette", "calinski_harabasz", "davies_bouldin", "bic", "inertia", "smallest_cluster")
REFITTED = ("stability", "jaccard")
CLOSE = 0.02  # figures of refits whose fresh starts are drawn in another order


def measure(place: Path, size: str) -> list[Row]:  # noqa: ARG001  # it needs no file
    n = STORES[size]
    costs = interleaved(
        {way: python("plain_sweep", way, n, FEATURES, 0) for way in ("ours", "plain")}, TIMES[size], warm_up=0
    )
    parity = _parity(costs["ours"][0].told["figures"], costs["plain"][0].told["figures"])
    pairs = list(zip(costs["ours"], costs["plain"], strict=True))
    shown = {f"k sweep, {way}": found for way, found in costs.items()}
    return [
        Row(
            f"k = 1 to 10 with all figures, {n:,} stores x {FEATURES} features, {figure}",
            "a plain loop with scikit-learn",
            0.5,
            Middle.of([one.told[told] / other.told[told] for one, other in pairs]),
            "x",
            parity,
            shown,
            "without the start of Python and the imports",
        )
        for figure, told in (("wall", "wall"), ("CPU", "cpu"))
    ]


def _parity(ours: dict[str, list[Any]], plain: dict[str, list[Any]]) -> str:
    """Compare the figures of every k.

    Where the clusters planted are cut further, or put together, k-means has many optima of nearly the same inertia, and either way may find the better
    one: there the inertia is compared, to 1 %.
    """
    of_planted = PLANTED - 1
    wrong = [
        f"{figure} at k = {PLANTED}: {ours[figure][of_planted]} and {plain[figure][of_planted]}"
        for figure in EXACT
        if abs(ours[figure][of_planted] / plain[figure][of_planted] - 1) > 1e-6
    ]
    wrong += [
        f"{figure} at k = {k}: {one} and {other}"
        for figure, close in (("inertia", 0.01), *((figure, CLOSE) for figure in REFITTED))
        for k, one, other in zip(ours["k"], ours[figure], plain[figure], strict=True)
        if (figure == "inertia" or k == PLANTED) and abs(one / other - 1) > close
    ]
    if wrong:
        raise SystemExit("k sweep: not the same figures, so that its cost says nothing:\n" + "\n".join(wrong))
    return (
        f"at k = {PLANTED}, the clusters planted, all figures of the fit to 1e-6, stability and Jaccard to {CLOSE:.0%}; "
        "the inertia of every k to 1 %"
    )
