"""The first page: how many clusters, how certain, and what to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.report import words
from pipeline.report.grids import Cell, Grid, of_table
from pipeline.report.source import Source
from pipeline.schema import NO_CATEGORY
from pipeline.settings.sources import OVER_SKUS
from pipeline.wording import counted


@dataclass(frozen=True)
class Overview:
    """The line of a category on the first page."""

    position: int
    name: str
    verdict: str
    tested: int
    holds: str
    kept_share: float | None
    still_explained: float | None
    outdated: bool
    clusters: int
    stores: int
    confidence: float | None
    weak_share: float
    largest_share: float
    apart: float
    weak_clusters: tuple[int, ...]
    moved: int
    excluded: int
    unmapped_share: float
    sales: int

    @property
    def verdict_on(self) -> str:
        """The verdict, and the number of clusters it is about if the final clusters are others: these were not tested."""
        return self.verdict if self.tested in (0, self.clusters) else f"{self.verdict}: {self.tested} on the sales mix"

    @property
    def at_stake(self) -> int:
        """Sales times the share by which the clusters differ from the chain; 0 if there is one cluster."""
        return round(self.sales * self.apart)

    def _by_weeks(self) -> Iterator[str]:
        if self.holds == "no" and self.kept_share is not None:
            yield f"clusters on its sales mix do not hold: on other weeks {words.percent(self.kept_share)} of the mix that they explain is left"
        elif self.holds == "partly" and self.kept_share is not None and self.kept_share < words.LITTLE_KEPT:
            yield f"on weeks that the fit did not see, {words.percent(self.kept_share)} of the mix that its clusters explain is left: plan with care"
        if self.outdated and self.still_explained is not None:
            yield (
                f"its clusters are outdated: of what new ones explain on the newest weeks they explain {words.percent(self.still_explained)}: "
                "make new ones, on later weeks (last_weeks) or without the reference"
            )

    def findings(self) -> Iterator[str]:
        """What to look at before using the clusters, the most serious first."""
        if not self.stores:
            yield "no store could be clustered: see the exclusions under data quality"
            return
        if self.unmapped_share > words.UNMAPPED_SHARE:
            yield f"{words.percent(self.unmapped_share)} of its sales have no need state: complete the need-state map"
        if self.excluded:
            yield f"{counted(self.excluded, 'store is', 'stores are')} excluded: see the reasons"
        yield from self._by_weeks()
        if self.clusters > 1 and self.weak_share > words.WEAK_SHARE:
            yield (
                f"{words.percent(self.weak_share)} of its stores are placed with a confidence below "
                f"{words.LOW_CONFIDENCE:.0%}: check them before acting".replace("%:", " %:")
            )
        for number in self.weak_clusters:
            yield (
                f"cluster {number} is placed with a mean confidence below {words.LOW_CONFIDENCE:.0%}: ".replace(
                    "%:", " %:"
                )
                + "plan its stores with care, or by their next-nearest cluster"
            )
        if self.clusters > 1 and self.apart < words.SMALL_DIFFERENCE:
            yield (
                f"its clusters differ from the chain in only {words.percent(self.apart)} of their sales: "
                "an assortment for each may not pay"
            )
        if self.clusters > 1 and self.largest_share > words.LARGE_SHARE:
            yield f"one cluster holds {words.percent(self.largest_share)} of its stores"
        if self.moved > words.MOVED_SHARE * self.stores:
            yield f"merging moved {counted(self.moved, 'store', 'stores')} out of cells that were too small"


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def line(source: Source, row: Any, position: int, clusters: list[dict[str, Any]]) -> Overview:
    """A category's line.

    Parameters
    ----------
    source : where the tables are
    row : the category's row of the table `categories`
    position : its position in that table
    clusters : its final clusters, as `category.content` gives them
    """
    coverage = source.of_category("need_state_coverage", str(row.category))
    unmapped_share = float(coverage["unmapped_share"].iloc[0]) if len(coverage) else 0.0
    name = str(row.category)
    placed, inside = source.of_category("store_clusters", name), source.of_category("internal_clusters", name)
    verdicts = source.of_category("internal_verdicts", name)
    weeks = (
        verdicts.iloc[0]
        if len(verdicts)
        else {"holds": "unknown", "kept": None, "still_explained": None, "outdated": False}
    )
    stores = len(placed)
    several = len(clusters) > 1
    return Overview(
        position=position,
        name=name,
        verdict=str(verdicts["verdict"].iloc[0]) if len(verdicts) else "none",
        tested=int(verdicts["k"].iloc[0]) if len(verdicts) else 0,
        holds=str(weeks["holds"]),
        kept_share=_number(weeks["kept"]),
        still_explained=_number(weeks["still_explained"]),
        outdated=bool(weeks["outdated"]),
        clusters=len(clusters),
        stores=stores,
        confidence=_number(inside["confidence"].mean()),
        weak_share=float((inside["confidence"] < words.LOW_CONFIDENCE).mean()) if len(inside) else 0.0,
        largest_share=max((cluster["stores"] for cluster in clusters), default=0) / stores if stores else 0.0,
        apart=sum(cluster["stores"] * cluster["apart"] for cluster in clusters) / stores / 100 if several else 0.0,
        weak_clusters=tuple(
            cluster["number"]
            for cluster in clusters
            if several and cluster["confidence"] is not None and cluster["confidence"] < 100 * words.LOW_CONFIDENCE
        ),
        moved=int(placed["reassigned"].sum()),
        excluded=int(row.excluded_stores),
        unmapped_share=unmapped_share,
        sales=round(int(row.sales_cents) / 100),
    )


_OF_VERDICT = {
    "separated": "fall into clear groups in {}",
    "tiers": "stand on steps along a scale in {}",
    "axis": "lie along one continuous axis in {}",
    "no structure": "show no reliable groups in {} (one cluster there)",
    "none": "could not be clustered in {}",
}
_OF_HOLDS = {"yes": "hold in {}", "partly": "hold in part in {}", "no": "do not hold in {}"}


def verdict(source: Source, lines: list[Overview]) -> list[str]:
    """The whole result in a few sentences."""
    if not lines:
        return [_without_sales(source)]
    stores = len(source.stores)
    clusters = sum(line.clusters for line in lines)
    sentences = [
        f"{counted(len(lines), 'category', 'categories')}, {counted(stores, 'store', 'stores')}, "
        f"{counted(clusters, 'final cluster', 'final clusters')}.",
        _counted_outcomes("By their sales mix, the stores", _OF_VERDICT, [line.verdict for line in lines], len(lines)),
    ]
    tested = [line.holds for line in lines if line.holds != "unknown"]
    if tested:
        sentences.append(_counted_outcomes("On other weeks, the clusters", _OF_HOLDS, tested, len(lines)))
    weighed = [(line.confidence, line.stores) for line in lines if line.confidence is not None and line.clusters > 1]
    if weighed:
        mean = sum(confidence * stores for confidence, stores in weighed) / sum(stores for _, stores in weighed)
        sentences.append(
            f"Where there are groups, a store is in its cluster with a confidence of {words.percent(mean)} on average."
        )
    over = str(source.table("categories")["mix_over"].iloc[0])
    if over == OVER_SKUS:
        sentences.append(
            "There are no need states: the sales mix is over SKUs, and those that sell little count as one. Here a need state is a SKU."
        )
    else:
        sentences.append(f"The sales mix is over {over}: its values are the need states here.")
    sentences.append(_outside(source) or "There is no outside data: the final clusters are those of the sales mix.")
    return sentences


def _counted_outcomes(subject: str, phrases: dict[str, str], outcomes: list[str], categories: int) -> str:
    """In how many of the categories each outcome is, as a sentence; it leaves out what is in none."""
    parts = []
    for outcome, phrase in phrases.items():
        if count := outcomes.count(outcome):
            everywhere = count == categories > 1
            parts.append(phrase.format("all categories" if everywhere else counted(count, "category", "categories")))
    return f"{subject} {' and '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))}."


def about(source: Source) -> str:
    """What the page is of: the weeks of the sales, what amounts are in, and the short hash of the result."""
    result = source.result
    sales = [result.period, result.amounts] if result.categories else ["no sales"]
    text = "; ".join(part for part in (*sales, f"result {result.result}") if part)
    return f"{text[:1].upper()}{text[1:]}."


def _without_sales(source: Source) -> str:
    """The whole where there is no category."""
    if not (outside := _outside(source)):
        return "There is no category: nothing was clustered."
    stores = len(source.stores)
    return f"There are no sales: {counted(stores, 'store is', 'stores are')} clustered on the outside data alone. {outside}"


def _outside(source: Source) -> str:
    """The outside data's verdict in a sentence; empty where there is none."""
    verdicts = source.table("external_verdicts")
    if not len(verdicts):
        return ""
    groups = counted(int(verdicts["k"].iloc[0]), "cluster", "clusters")
    return f"The outside data: {groups}, verdict {verdicts['verdict'].iloc[0]}."


def start(lines: list[Overview], most: int = 5) -> list[Overview]:
    """The categories whose clusters matter most, by the sales at stake."""
    return sorted((line for line in lines if line.at_stake > 0), key=lambda line: (-line.at_stake, line.name))[:most]


def findings(source: Source, lines: list[Overview]) -> list[tuple[int | None, str, str]]:
    """What to look at: the position of a category or None, the category or subject, and the finding."""
    changes = source.table("delivery_changes")
    all_findings: list[tuple[int | None, str, str]] = [
        (None, "Since the last load", words)
        for words in dict.fromkeys(changes[changes["is_finding"].astype(bool)]["words"])
    ]
    all_findings += [(line.position, line.name, finding) for line in lines for finding in line.findings()]
    at = {line.name: line.position for line in lines}
    overrides = source.table("overrides_applied")
    for category, rows in overrides[~overrides["applied"].astype(bool)].groupby("category", sort=True):
        unused = counted(len(rows), "override was", "overrides were")
        all_findings.append(
            (at.get(str(category)), str(category), f"{unused} not applied: see what was placed by hand")
        )
    lost = source.table("excluded_stores")
    nowhere = lost[lost["category"] == NO_CATEGORY]["store_id"].nunique()
    if nowhere:
        all_findings.append(
            (None, "Outside data", f"{counted(nowhere, 'store is', 'stores are')} excluded: see data quality")
        )
    only_outside = source.of_category("store_clusters", NO_CATEGORY)["store_id"].nunique()
    if only_outside and lines:
        all_findings.append(
            (None, "Outside data", f"{counted(only_outside, 'store has', 'stores have')} no sales at all")
        )
    report = source.table("external_feature_report")
    for row in report[report["imputed_share"] > words.IMPUTED_SHARE].itertuples(index=False):
        imputed = words.percent(float(row.imputed_share))
        all_findings.append(
            (None, "Outside data", f"{row.feature}: {imputed} of the stores' values are imputed ({row.action})")
        )
    return all_findings


# Columns of the tables that people do not need.
_LEFT_OUT = {"categories": ("file",), "delivery_changes": ("area",)}


def quality(source: Source) -> list[Grid]:
    """Coverage, exclusions and imputation, as tables."""
    grids = []
    for name, title, caption in (
        (
            "delivery_changes",
            "How the raw files differ from those of the last load",
            "Beyond its limit, which is a setting of [deliveries], a change is a finding.",
        ),
        ("need_state_coverage", "How much of the sales the need-state map covers", ""),
        ("categories", "What was preprocessed", ""),
        ("excluded_stores", "Stores without a cluster, and why", ""),
        ("overrides_applied", "Stores that people placed themselves, and why", ""),
        ("external_feature_report", "What became of every column of the outside data", ""),
    ):
        left_out = _LEFT_OUT.get(name, ())
        if source.has(name):
            grids.append(of_table(name, source.table(name), title, caption=caption, left_out=left_out))
    return grids


def lineage(source: Source) -> list[Grid]:
    """The origin of the report: every setting it depends on, defaults included, tables by content hash, libraries."""
    settings: list[list[Cell]] = [
        [key, text] for section, value in source.settings.items() for key, text in _flat(section, value)
    ]
    contents: list[list[Cell]] = [[table, len(hashes), _together(hashes)] for table, hashes in source.contents.items()]
    return [
        Grid("Settings", "The values that the results depend on, defaults included.", ["setting", "value"], settings),
        Grid(
            "Tables",
            "What this page was made from: SHA-256 of the content, of several files that of their hashes. The database's table "
            "lineage says which raw files and which code each came from.",
            ["table", "files", "content"],
            contents,
        ),
        Grid(
            "Libraries",
            "What this page was written with.",
            ["library", "version"],
            [[name, version] for name, version in source.libraries.items()],
        ),
    ]


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _flat(f"{prefix}.{key}", below)
    elif value is not None:
        yield prefix, str(value)


def _together(hashes: Any) -> str:
    return str(hashes[0]) if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
