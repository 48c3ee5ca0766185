"""The published tables that the report shows as they are: those that explain, compare or warn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.report.grids import Grid, of_table
from pipeline.report.source import Source


@dataclass(frozen=True)
class Section:
    """A published table as a section. `left_out` columns are not shown; a `folded` section opens on a click."""

    table: str
    title: str
    caption: str = ""
    left_out: tuple[str, ...] = ()
    folded: bool = False


_CATEGORY = (
    Section("internal_rules", "Rules in words"),
    Section("internal_cluster_summary", "Clusters on the sales mix", folded=True),
    Section("internal_exemplars", "Stores that stand for each cluster on the sales mix", folded=True),
    Section(
        "reassignments",
        "What merging moved",
        "Stores whose cell was too small to plan for, and where they went; a margin near 0 could have gone either way.",
        ("from_cluster",),
    ),
    Section(
        "overrides_applied",
        "Placed by hand",
        "Stores whose cluster somebody decided, and why; an override that was not applied says why not.",
    ),
    Section("external_contribution", "What the outside data adds"),
    Section("merging_methods", "Ways to merge", folded=True),
    Section("cluster_changes", "What became of the reference's clusters"),
    Section("migrations", "Stores that moved since the reference"),
    Section("drift", "How far the sales mix drifted from the reference", folded=True),
    Section("excluded_stores", "Stores without a cluster"),
)
_OUTSIDE = (
    Section("external_verdicts", "Verdict on the outside data"),
    Section("external_cluster_summary", "Clusters on the outside data"),
    Section("external_rules", "Rules in words"),
    Section("external_profiles", "What each cluster has more and less of"),
    Section("external_k_selection", "Why this number of clusters"),
)
_CHAIN = (
    Section("chain_verdicts", "Verdict over all categories"),
    Section("chain_agreement", "How far each category's own clusters agree"),
    Section("chain_k_selection", "Why this number of clusters"),
)
_REFERENCE = (
    Section("agreement", "How far this result agrees with the reference"),
    Section("migrations", "Stores that moved since the reference"),
    Section("cluster_changes", "What became of the reference's clusters"),
    Section("drift", "Drift since the reference"),
)


def of_category(source: Source, category: str) -> list[Grid]:
    """The tables with rows of this category."""
    return list(_of_category(source, category))


def _of_category(source: Source, category: str) -> Iterator[Grid]:
    for section in _CATEGORY:
        if source.has(section.table):
            rows = source.of_category(section.table, category)
            if len(rows):
                yield of_table(
                    section.table,
                    rows,
                    section.title,
                    caption=section.caption,
                    left_out=("category", *section.left_out),
                    folded=section.folded,
                )


def outside(source: Source) -> list[Grid]:
    """The tables of the outside data's clustering."""
    return _whole(source, _OUTSIDE)


def chain(source: Source) -> list[Grid]:
    """The tables of the clustering over all categories."""
    return _whole(source, _CHAIN)


def reference(source: Source) -> list[Grid]:
    """The changes since the reference, over all categories."""
    return _whole(source, _REFERENCE)


def _whole(source: Source, sections: tuple[Section, ...]) -> list[Grid]:
    return [
        of_table(
            section.table,
            source.table(section.table),
            section.title,
            caption=section.caption,
            left_out=section.left_out,
        )
        for section in sections
        if source.has(section.table)
    ]
