"""Short names of clusters: what sets each apart from the average store."""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd

from pipeline.core.explain.profiles import means
from pipeline.core.explain.readings import Readings, said_name

NOTABLE = 0.5  # standard deviations from the average store, from which a feature is named
VERY = 1.5  # from which it is "very" high or low
NOTABLE_INDEX = 10.0  # points of the share index from 100 that a share needs besides
DIFFERENT = 0.2  # standard deviations between clusters of one name, from which a feature tells them apart
MOST_FEATURES = 2  # that a name says of a side


class Side(NamedTuple):
    """What one side says of the clusters: `apart`, cluster x feature, in standard deviations; and the plain case.

    `notable` says, cluster x feature, what is worth a word.
    """

    apart: pd.DataFrame
    notable: pd.DataFrame
    kinds: dict[str, str]
    plain: str


def side(readings: Readings, cluster_of: pd.Series[int], plain: str) -> Side:
    """How far the clusters' means lie from the mean of all stores, in standard deviations over the stores.

    Parameters
    ----------
    readings : store x feature
    cluster_of : cluster by store (index: store_id); stores without readings do not count
    plain : what is said of a cluster that nothing sets apart
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


def names(sides: list[Side], clusters: list[int]) -> dict[int, str]:
    """A name for every cluster, such as "high Organic, low Value", or "average mix"; no two are alike.

    Of each side, the features that lie farthest from the average store are named, `MOST_FEATURES` at most, the farthest
    first, and of equally far ones what is high. Clusters of one name are told apart by the feature in which they differ most; where that says nothing, by
    their numbers.

    Parameters
    ----------
    sides : what the sides say; a cluster that a side does not know is not named by it
    clusters : the numbers of the clusters
    """
    plain = {cluster: _of_sides([one for one in sides if cluster in one.apart.index], cluster) for cluster in clusters}
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
    """What the sides have to say; where that is nothing, the first one's plain case."""
    return "; ".join(said for one in sides if (said := _of_side(one, cluster))) or next(
        (one.plain for one in sides), ""
    )


def _of_side(one: Side, cluster: int) -> str:
    apart = one.apart.loc[cluster]
    chosen = apart[one.notable.loc[cluster]]
    order = sorted(chosen.index, key=lambda name: (-round(abs(float(chosen[name])), 6), chosen[name] < 0, str(name)))[
        :MOST_FEATURES
    ]
    return ", ".join(_said(str(name), one.kinds[str(name)], float(chosen[name])) for name in order)


def _said(feature: str, kind: str, apart: float) -> str:
    if kind == "flag":
        return f"{'mostly' if apart > 0 else 'seldom'} {feature.replace('=', ' ')}"
    very = "very " if abs(apart) >= VERY else ""
    return f"{very}{'high' if apart > 0 else 'low'} {said_name(feature)}"


def _told_apart(name: str, group: list[int], sides: list[Side]) -> dict[int, str]:
    """Names for clusters that are alike in what is far from average: by what they differ in most."""
    best: tuple[float, str, pd.Series[float]] | None = None
    for one in sides:
        of_group = one.apart.reindex(group).dropna(how="all")
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
    said = said_name(feature).replace("=", " ")
    less, more = _less_and_more(name, said)
    return dict.fromkeys(group, name) | {low: less, high: more}


def _less_and_more(name: str, feature: str) -> tuple[str, str]:
    """The name with less and with more of a feature; where it says something of that already, in place of it."""
    for word, less, more in (("high", "less high", "higher"), ("low", "lower", "less low")):
        there = re.compile(rf"(?<!\S)(?:very )?{word} {re.escape(feature)}(?=$|[,;] )")
        if there.search(name):
            before, after = there.split(name, maxsplit=1)
            return f"{before}{less} {feature}{after}", f"{before}{more} {feature}{after}"
    return f"{name}, less {feature}", f"{name}, more {feature}"
