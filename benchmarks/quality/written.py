"""docs/quality.md, from the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.quality.goals import measure
from benchmarks.quality.planned import OURS, YARDSTICK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.quality.labels import Kept
    from benchmarks.quality.real import Real

ENOUGH = 20  # sets below which a figure is shown and no goal is called met or missed
TITLES = {OURS: "Planted sets of the project's own generator", YARDSTICK: "Planted sets of the shared yardstick"}

HEAD = """# How good the clusters are

Written by `uv run python -m benchmarks.quality`; not by hand. Each planted set has 240 stores and 18 need states, and goes through the
stages' own functions: preprocessing, then the clustering of the category, with default settings unless a line says
otherwise. ARI (adjusted Rand index) is against the planted clusters: 1 is the same, 0 is chance. The oracle is k-means on Hellinger
shares that is told the true k, and which stores are planted outliers. The template is what most store clustering does: raw sales, robust
scaling, PCA to 80 % of the variance, k-means, best silhouette. How the choices were made, and on what:
[decisions/0018](decisions/0018-mixtures-axes-gaps.md), where the shapes of real retail are, too: few need states, gaps, gradients, unequal sizes, thin sales.

**Few sets say little.** With n sets, a share of p is known to about 2 x sqrt(p (1 - p) / n): .1 at p = .95 and 20 sets. The column
`sets` says how many there were; a run that was ended early goes on when it is started again, and `not measured` means that it
did not come so far.
"""


def page(
    results: pd.DataFrame,
    parity: Iterable[dict[str, object]],
    kept: Iterable[Kept] = (),
    real: Real | None = None,
    chosen: Iterable[dict[str, object]] = (),
) -> str:
    parts = [HEAD]
    for source, title in TITLES.items():
        of_source = results[results["source"] == source]
        if len(of_source):
            seeds = sorted(int(seed) for seed in of_source["seed"].unique())
            parts += [
                f"## {title}\n",
                f"Seeds {_runs(seeds)}.\n",
                _goals(of_source),
                _confidence(of_source),
                _methods(of_source),
            ]
    rows = list(parity)
    if rows:
        parts += [
            PARITY,
            _table(["set", "rows", "k", "ARI", "scikit-learn's ARI", "ARI of both"], [_values(r) for r in rows]),
        ]
    of_chosen = [_values(row) for row in chosen]
    if of_chosen:
        heads = ["set", "true k", "verdict", "k", "ARI", "k, silhouette", "ARI", "k, BIC", "ARI"]
        parts += [CHOSEN, _table(heads, of_chosen)]
    labels = [_values(one._asdict()) for one in kept]
    if labels:
        parts += [LABELS, _table(["level", "sets", "stores that keep theirs", "sets with at least .95"], labels)]
    if real is not None:
        parts += [
            REAL,
            _table(list(real.verdicts.columns), [_values(row) for row in real.verdicts.to_dict("records")]),
            _of_real(real),
        ]
    return "\n".join(parts)


CHOSEN = """## Labelled sets, k chosen

The same sets, and planted surroundings of 240 stores (`benchmarks/quality/surroundings.py`), through the whole external side with its defaults, preprocessing included;
beside it k-means with the best silhouette, and a full Gaussian mixture with the lowest BIC, of k = 2 to 10 (the mixture also 1).
"""

LABELS = """## Numbers against a reference

One store in twenty sells something else altogether, and the clusters before that are the reference: the share of the other stores that
keep their cluster's number, over planted sets of 3, 4 and 6 clusters. The goal is .95.
"""

REAL = """## The Complete Journey

What the defaults say of 40 categories of 108 real stores ([the example](../examples/completejourney/README.md)); `stability` and
`silhouette` are medians over the categories. Nobody knows what is true here.
"""


def _of_real(real: Real) -> str:
    adds = (
        f"it was tested in {real.tested} categories, and earns its place in {real.earns}"
        if real.tested
        else "there is nothing to test in any category"
    )
    return f"""The outside data: {real.outside}; {adds}.

Processor time: {real.everything:.1f} s for all that the stages compute: every figure of every k, outliers, null tests, names, rules, profiles,
all three ways of merging compared on resamples, the chain's own clusters. Of that, {real.figures:.1f} s are the mixtures of every k, those of the
chain included.
"""


PARITY = """## Beside scikit-learn, k given

scikit-learn's labelled sets through `ExternalClustering` with the true k and standard scaling, beside `StandardScaler` and
`KMeans(n_init=20)` called directly. The labels say what flowers, wines, tumours and digits are, not which groups their
figures form. Clusters are those of a mixture and not of k-means, so that the columns differ: what counts is that the first is not below the second.
"""


def _runs(numbers: list[int]) -> str:
    """Numbers in a row as first and last of each run."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _values(row: dict[str, object]) -> list[str]:
    return [_figure(value) if isinstance(value, float) else str(value) for value in row.values()]


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _goals(results: pd.DataFrame) -> str:
    rows = []
    for goal, figure, sets in measure(results):
        shown = "not measured" if figure is None else _figure(figure)
        met = _met(figure, goal.least, sets)
        rows.append([goal.level, goal.what, f">= {goal.least:.2f}", shown, met, str(sets)])
    return "### Goals\n\n" + _table(["level", "figure", "goal", "measured", "met", "sets"], rows)


def _met(figure: float | None, least: float, sets: int) -> str:
    if figure is None:
        return ""
    if sets < ENOUGH:
        return "too few sets to say"
    return "yes" if figure >= least else f"missed by {least - figure:.3f}"


def _methods(results: pd.DataFrame) -> str:
    """k and ARI of every method and level; at k = 1, where the ARI only says whether k was right, k alone."""
    rows = []
    for (level, method), found in results.groupby(["level", "method"], sort=False):
        off = (found["found_k"] - found["true_k"]).abs()
        several = found[found["true_k"] > 1]
        ari = _figure(float(several["ari"].mean())) if len(several) else "-"
        separated = "-" if found["verdict"].isna().all() else _figure(float((found["verdict"] == "separated").mean()))
        rows.append(
            [
                level,
                method,
                _figure(float((off == 0).mean())),
                _figure(float((off <= 1).mean())),
                ari,
                separated,
                str(len(found)),
            ]
        )
    heads = ["level", "method", "k exact", "k within one", "ARI (k > 1)", "separated", "sets"]
    return "### Beside other ways\n\n" + _table(heads, sorted(rows, key=lambda row: _place(row[0])))


def _confidence(results: pd.DataFrame) -> str:
    """What the confidence says, less what is right, by tenth of the confidence, over all levels; empty without any."""
    said = [np.asarray(of_set) for of_set in results.get("said", pd.Series(dtype=object)).dropna()]
    if not said:
        return ""
    stores, sums, right = np.sum(said, axis=0).T
    rows = [
        [
            f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}",
            f"{stores[tenth]:,.0f}",
            *map(_figure, _shares(sums[tenth], right[tenth], stores[tenth])),
        ]
        for tenth in np.flatnonzero(stores)
    ]
    text = (
        f"### Confidence\n\nStores of the {len(said)} sets with several clusters, by the confidence that the defaults give them. Right is a store "
        "whose cluster is paired with its planted one (the pairs share as many stores as possible), k right or not.\n\n"
    )
    return text + _table(["said", "stores", "mean said", "right", "said less right"], rows)


def _shares(said: float, right: float, stores: float) -> tuple[float, float, float]:
    return said / stores, right / stores, (said - right) / stores


def _place(level: str) -> int:
    from benchmarks.quality.planted import LEVELS

    return list(LEVELS).index(level)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
