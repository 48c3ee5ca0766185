"""Short names of clusters: how each differs from the average store."""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd

from pipeline.core.explain.profiles import means
from pipeline.core.explain.readings import Readings, feature_phrase

NOTABLE = 0.5  # standard deviations from the average store; features from here on are named
VERY = 1.5  # standard deviations; from here on "very" high or low
NOTABLE_INDEX = 10.0  # points of the share index from 100; a named share also needs this difference
DIFFERENT = 0.2  # standard deviations between clusters with the same name; such a feature tells them apart
MOST_FEATURES = 2  # of a side, in a name


class Side(NamedTuple):
    """One side of the clusters: `apart` (cluster x feature), in standard deviations; `plain`, the name without features.

    `notable` (cluster x feature): which differences are worth a name.
    """

    apart: pd.DataFrame
    notable: pd.DataFrame
    kinds: dict[str, str]
    plain: str


def side(readings: Readings, cluster_of: pd.Series[int], plain: str) -> Side:
    """The distances of the clusters' means from the mean of all stores, in standard deviations of the stores.

    Parameters
    ----------
    readings : store x feature
    cluster_of : cluster by store (index: store_id); stores without readings do not count
    plain : the name of a cluster without notable features
    """
    values = readings.values.loc[readings.values.index.isin(cluster_of.index)]
    of_row = cluster_of.reindex(values.index).to_numpy()
    centres = pd.DataFrame({cluster: means(part) for cluster, part in values.groupby(of_row, sort=True)}).T
    average = means(values)
    spread = means((values - average) ** 2) ** 0.5
    apart = ((centres - average) / spread.where(values.max() > values.min())).fillna(0.0)
    notable = apart.abs() >= NOTABLE
    for name in values.columns:
        if readings.kinds[name] == "share":
            notable[name] &= (100.0 * centres[name] / max(average[name], 1e-12) - 100.0).abs() >= NOTABLE_INDEX
    return Side(apart, notable, dict(readings.kinds), plain)


def cluster_names(sides: list[Side], clusters: list[int]) -> dict[int, str]:
    """A name for every cluster, such as "high Organic, low Value", or "average mix"; no two are alike.

    For each side, a name has the features farthest from the average store, at most `MOST_FEATURES`, the farthest first; at
    equal distance, a high feature first. Clusters with the same name are told apart by the feature in which they differ most; if
    there is no such feature, by their numbers.

    Parameters
    ----------
    sides : the sides; a side that does not have a cluster does not name it
    clusters : the numbers of the clusters
    """
    plain = {cluster: _of_sides([own for own in sides if cluster in own.apart.index], cluster) for cluster in clusters}
    alike: dict[str, list[int]] = {}
    for cluster in clusters:
        alike.setdefault(plain[cluster], []).append(cluster)
    named: dict[int, str] = {}
    for name, group in alike.items():
        named |= {group[0]: name} if len(group) == 1 else _told_apart(name, group, sides)
    used: set[str] = set()
    for cluster in clusters:
        if not named[cluster] or named[cluster] in used:
            named[cluster] = f"{named[cluster]} ({cluster})".strip()
        used.add(named[cluster])
    return named


def _of_sides(sides: list[Side], cluster: int) -> str:
    """The names from all sides; if these are empty, the plain name of the first side."""
    return "; ".join(phrase for own in sides if (phrase := _of_side(own, cluster))) or next(
        (own.plain for own in sides), ""
    )


def _of_side(own: Side, cluster: int) -> str:
    apart = own.apart.loc[cluster]
    chosen = apart[own.notable.loc[cluster]]
    order = sorted(chosen.index, key=lambda name: (-round(abs(float(chosen[name])), 6), chosen[name] < 0, str(name)))[
        :MOST_FEATURES
    ]
    return ", ".join(_phrase(str(name), own.kinds[str(name)], float(chosen[name])) for name in order)


def _phrase(feature: str, kind: str, apart: float) -> str:
    if kind == "flag":
        return f"{'mostly' if apart > 0 else 'seldom'} {feature.replace('=', ' ')}"
    very = "very " if abs(apart) >= VERY else ""
    return f"{very}{'high' if apart > 0 else 'low'} {feature_phrase(feature)}"


def _told_apart(name: str, group: list[int], sides: list[Side]) -> dict[int, str]:
    """Names for clusters with the same name: by the feature in which they differ most."""
    best: tuple[float, str, pd.Series[float]] | None = None
    for own in sides:
        of_group = own.apart.reindex(group).dropna(how="all")
        if len(of_group) < len(group):
            continue
        for feature in of_group.columns:
            spread = float(of_group[feature].max() - of_group[feature].min())
            if spread >= DIFFERENT and (best is None or spread > best[0]):
                best = (spread, str(feature), of_group[feature])
    if best is None:
        return dict.fromkeys(group, name)
    _, feature, values = best
    low, high = int(values.idxmin()), int(values.idxmax())
    phrase = feature_phrase(feature).replace("=", " ")
    less, more = _less_and_more(name, phrase)
    return dict.fromkeys(group, name) | {low: less, high: more}


def _less_and_more(name: str, feature: str) -> tuple[str, str]:
    """The name with less and with more of a feature; a mention of the feature in the name is replaced."""
    for word, less, more in (("high", "less high", "higher"), ("low", "lower", "less low")):
        mention = re.compile(rf"(?<!\S)(?:very )?{word} {re.escape(feature)}(?=$|[,;] )")
        if mention.search(name):
            before, after = mention.split(name, maxsplit=1)
            return f"{before}{less} {feature}{after}", f"{before}{more} {feature}{after}"
    return f"{name}, less {feature}", f"{name}, more {feature}"
