"""The sheets of the workbook and the CSV files: columns with their meanings, rows generated as they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from pipeline.report.clusters import mix
from pipeline.report.grids import Cell, flags, integer, integers, numbers, of_table
from pipeline.report.source import Source
from pipeline.schema import CANDIDATES, TABLES

Kind = Literal["text", "whole", "number", "figure", "share", "money"]


@dataclass(frozen=True)
class Heading:
    """A column of a sheet: its head, its meaning, and how its cells are written."""

    name: str
    meaning: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Sheet:
    """A sheet. `rows` can be iterated once."""

    name: str
    meaning: str
    columns: tuple[Heading, ...]
    rows: Iterable[tuple[Cell, ...]]


_CLUSTERS = (
    Heading("Category", "The category; (none) for stores that only the outside data knows"),
    Heading("Cluster", "The final cluster, by which to plan", "whole"),
    Heading("Name", "What sets the cluster apart, in a few words"),
    Heading("Sales", "The store's net sales in the category", "money"),
    Heading(
        "Volume tier", "1 for the stores that sell the most of the category; beside the cluster, not in it", "whole"
    ),
    Heading(
        "Next-nearest",
        "The final cluster that the store is next-nearest to; empty where no other is comparable",
        "whole",
    ),
    Heading("Margin", "0: on the border to the next-nearest cluster; 1: far from it; below 0: nearer to it", "share"),
    Heading(
        "Confidence",
        "How likely the store is in its cluster on the sales mix, by refits on resamples; empty where there is one cluster, or somebody placed "
        "the store by hand",
        "share",
    ),
    Heading("Silhouette", "1: among its own; 0: between two clusters; below 0: nearer to another; sales mix", "number"),
    Heading(
        "Sales-mix cluster", "The cluster on the sales mix; its numbers are not those of the final clusters", "whole"
    ),
    Heading(
        "Outside cluster", "The cluster on the outside data; its numbers are not those of the final clusters", "whole"
    ),
    Heading("Status", "both, internal_only or external_only: which sides know the store"),
    Heading("Outlier", "yes: unlike any cluster; placed at the nearest, unless Overridden says otherwise"),
    Heading(
        "Held out",
        "yes: the settings keep it out of every fit; placed at the nearest cluster, unless Overridden says otherwise",
    ),
    Heading("Moved", "yes: merging moved it out of a cell that was too small to plan for"),
    Heading("Overridden", "yes: an override places it, whatever the clustering says; see the sheet overrides"),
)
_PROFILES = (
    Heading("Category", "The category"),
    Heading("Cluster", "The final cluster", "whole"),
    Heading("Name", "What sets the cluster apart, in a few words"),
    Heading("Stores", "Stores in the cluster", "whole"),
    Heading("Need state", "The shopper need that the SKUs serve"),
    Heading("Share", "Mean share of the stores' sales in the category", "share"),
    Heading("Chain share", "The share over all stores", "share"),
    Heading("Share index", "100: as the chain; 200: twice its share", "number"),
)
_OUTSIDE = (
    Heading("Category", "The category; (none) for stores that only the outside data knows"),
    Heading("Cluster", "The final cluster", "whole"),
    Heading("Name", "What sets the cluster apart, in a few words"),
    Heading("Stores", "Stores of the cluster that the outside data knows", "whole"),
    Heading("Feature", "A feature of the outside data: see external_feature_report"),
    Heading(
        "Mean",
        "Its mean over these stores, in its own unit; of a feature that is clustered as a logarithm, that of the mean logarithm",
        "figure",
    ),
    Heading("Chain mean", "Its mean over all stores of the category that the outside data knows", "figure"),
    Heading("Between clusters", "Share of the feature's variance that lies between the category's clusters", "share"),
)
_MOVES = (
    Heading("Store", "The store"),
    Heading("Category", "The category"),
    Heading("Cluster", "The final cluster that the store is in now", "whole"),
    Heading("From sales-mix x outside", "The cell that was too small: its sales-mix cluster x its outside cluster"),
    Heading("To sales-mix x outside", "The cell that the store went to"),
    Heading("Margin", "0: another cell was as near; 1: none was", "share"),
)
_EXCLUDED = (
    Heading("Store", "The store"),
    Heading("Category", "The category that it has no cluster in"),
    Heading("Source", "Where the reason lies: internal_sales or external"),
    Heading("Reason", "Why it has no cluster"),
)
# The first four names are the default columns of `[sources.overrides]`, so that a saved copy of the sheet is such a source.
_OVERRIDES = (
    Heading("store_id", "The store"),
    Heading("category", "The category"),
    Heading("cluster", "The final cluster that the store is to have: one of the category's numbers", "whole"),
    Heading("reason", "Why"),
    Heading("outcome", "What became of the override in this result; not read back"),
)
_DICTIONARY = (
    Heading("Where", "A sheet of this workbook, or a table of the database"),
    Heading("Column", "The column"),
    Heading("Meaning", "What it says"),
    Heading("Unit", "Its unit"),
)


def sheets(source: Source) -> Iterator[Sheet]:
    """Every sheet, in the order of the workbook."""
    labels = _labels(source)
    named = tuple(Heading(label, "A label of the store; carried, never clustered on") for label in labels)
    clusters = (Heading("Store", "The store"), *named, *_CLUSTERS)
    content_sheets = [
        Sheet("clusters", "Every store's cluster in every category", clusters, _cluster_rows(source, labels)),
        Sheet("profiles", "What each final cluster sells more and less of", _PROFILES, _profile_rows(source)),
        Sheet("outside", "What each final cluster has around it", _OUTSIDE, _outside_rows(source)),
        Sheet("moves", "Stores that merging moved", _MOVES, _move_rows(source)),
        Sheet(
            "excluded", "Stores without a cluster, and why", _EXCLUDED, _plain_rows(source, "excluded_stores", _LOST)
        ),
    ]
    content_sheets.append(Sheet("overrides", "Stores that people place themselves", _OVERRIDES, _override_rows(source)))
    content_sheets += [_published(source, name) for name in ("migrations", "cluster_changes") if source.has(name)]
    yield from content_sheets
    yield Sheet("dictionary", "What every column means", _DICTIONARY, _dictionary_rows(content_sheets))


def _published(source: Source, name: str) -> Sheet:
    """A table as it is published."""
    kinds: dict[str, Kind] = {"integer": "whole", "float": "number", "money": "money"}
    grid = of_table(name, source.table(name), name)
    columns = [
        Heading(head, note, kinds.get(column.type, "text"))
        for head, note, column in zip(grid.head, grid.notes, TABLES[name].columns, strict=True)
    ]
    return Sheet(name, grid.caption, tuple(columns), [tuple(row) for row in grid.rows])


_LOST = ("store_id", "category", "source", "reason")


def _labels(source: Source) -> list[str]:
    return sorted({str(label) for label in source.table("store_labels")["label"]})


def _cluster_rows(source: Source, labels: list[str]) -> Iterator[tuple[Cell, ...]]:
    carried: dict[str, dict[str, str]] = {}
    for row in source.table("store_labels").itertuples(index=False):
        if isinstance(row.value, str):
            carried.setdefault(str(row.store_id), {})[str(row.label)] = row.value
    for category in _categories(source):
        placed = source.of_category("store_clusters", category)
        inside = of_sales_mix(source.of_category("internal_clusters", category))
        volumes = source.of_category("store_volumes", category).drop(columns="category")
        names = _names(source, category)
        joined = placed.merge(inside, on="store_id", how="left").merge(volumes, on="store_id", how="left")
        joined = joined.sort_values("store_id")
        stores, clusters = joined["store_id"].tolist(), joined["cluster"].tolist()
        yield from zip(
            stores,
            *([carried.get(store, {}).get(label) for store in stores] for label in labels),
            [category] * len(stores),
            clusters,
            [names.get(cluster, "") for cluster in clusters],
            [None if cents is None else round(cents / 100, 6) for cents in numbers(joined["sales_cents"])],
            integers(joined["volume_tier"]),
            integers(joined["next_cluster"]),
            numbers(joined["margin"]),
            numbers(joined["confidence"].mask(joined["overridden"].astype(bool))),
            numbers(joined["silhouette"]),
            integers(joined["internal_cluster"]),
            integers(joined["external_cluster"]),
            joined["status"].tolist(),
            *(
                ["yes" if flag else "no" for flag in flags(joined[name])]
                for name in ("is_outlier", "is_held_out", "reassigned", "overridden")
            ),
            strict=True,
        )


def _categories(source: Source) -> list[str]:
    return sorted({str(name) for name in source.columns("store_clusters", ["category"])["category"].unique()})


def of_sales_mix(inside: pd.DataFrame) -> pd.DataFrame:
    """What stands beside a final cluster, of the rows of internal_clusters: no number of a cluster, and nothing that store_clusters has."""
    return inside.drop(columns=["category", "cluster", "distance", "next_cluster", "margin"])


def _names(source: Source, category: str) -> dict[int, str]:
    merged = source.of_category("merged_clusters", category)
    return {int(row.cluster): str(getattr(row, "name", "")) for row in merged.itertuples(index=False)}


def _profile_rows(source: Source) -> Iterator[tuple[Cell, ...]]:
    for row in source.table("categories").itertuples(index=False):
        category = str(row.category)
        merged = source.of_category("merged_clusters", category)
        numbers, stores = [int(number) for number in merged["cluster"]], [int(count) for count in merged["stores"]]
        sales = source.part("sales_by_need_state", str(row.file))
        mixes, names = mix(sales, source.of_category("store_clusters", category), numbers), _names(source, category)
        for position, number in enumerate(numbers):
            figures = zip(mixes.need_states, mixes.share[position], mixes.chain, mixes.index(position), strict=True)
            for need_state, share, chain, index in figures:
                yield category, number, names[number], stores[position], need_state, share, chain, index


def _outside_rows(source: Source) -> Iterator[tuple[Cell, ...]]:
    profiles = source.table("merged_profiles")
    names: dict[str, dict[int, str]] = {}
    for row in profiles[profiles["side"] == "external"].itertuples(index=False):
        category, number = str(row.category), int(row.cluster)
        if category not in names:
            names[category] = _names(source, category)
        figures = (float(row.mean), float(row.chain_mean), _number(row.eta_squared))
        yield category, number, names[category].get(number, ""), int(row.stores), str(row.feature), *figures


def _plain_rows(source: Source, table: str, columns: tuple[str, ...]) -> Iterator[tuple[Cell, ...]]:
    kinds = [TABLES[table].column(name).type for name in columns]
    for row in source.table(table)[list(columns)].itertuples(index=False, name=None):
        yield tuple(_number(value) if kind == "float" else str(value) for value, kind in zip(row, kinds, strict=True))


def _move_rows(source: Source) -> Iterator[tuple[Cell, ...]]:
    cluster_of: dict[tuple[str, str], int] = {}
    for category, moved in source.table("reassignments").groupby("category", sort=True):
        placed = source.of_category("store_clusters", str(category))
        placed = placed[placed["store_id"].isin(moved["store_id"])]
        cluster_of |= {
            (store, category): cluster for store, cluster in zip(placed["store_id"], placed["cluster"], strict=True)
        }
    for row in source.table("reassignments").itertuples(index=False):
        cells = str(row.from_cell), str(row.to_cell), _number(row.margin)
        yield (
            str(row.store_id),
            str(row.category),
            integer(cluster_of.get((row.store_id, row.category), pd.NA)),
            *cells,
        )


def _override_rows(source: Source) -> Iterator[tuple[Cell, ...]]:
    for row in source.table("overrides_applied").itertuples(index=False):
        outcome = "; ".join(part for part in ("applied" if row.applied else "", str(row.note)) if part)
        yield str(row.store_id), str(row.category), int(row.to_cluster), str(row.reason), outcome


def _dictionary_rows(shown: list[Sheet]) -> Iterator[tuple[Cell, ...]]:
    for sheet in shown:
        for column in sheet.columns:
            yield f"sheet {sheet.name}", column.name, column.meaning, ""
    for name, table in TABLES.items():
        if name in CANDIDATES:  # not in the database
            continue
        yield f"table {name}", "", f"{table.comment}; {table.grain}", ""
        for described in (*table.columns, *([table.more] if table.more else [])):
            yield f"table {name}", described.name, described.comment, described.unit


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
