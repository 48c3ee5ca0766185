"""The numbers of the final clusters: those of a reference, where a cluster is the same."""

from __future__ import annotations

import pandas as pd

from pipeline.core.between_runs.alignment import Numbers, aligned, reference, renumbered


def numbered(
    merged: dict[str, pd.DataFrame], reference_clusters: pd.DataFrame | None, reference_numbers: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """The final clusters with their numbers from the reference, per category (`alignment.aligned`).

    Cells that merging dissolved get numbers after all of them. The used numbers of a category that only the reference has
    stay used.

    Returns
    -------
    store_clusters, merged_clusters, reassignments, cluster_numbers.
    """
    by_category = {str(name): rows for name, rows in merged["store_clusters"].groupby("category", sort=True)}
    numbers = {
        category: aligned(
            rows.set_index("store_id")["cluster"],
            reference(reference_clusters, reference_numbers, category),
        )
        for category, rows in by_category.items()
    }
    highest = {category: own.highest for category, own in numbers.items()}
    if reference_numbers is not None:
        used = zip(reference_numbers["category"], reference_numbers["highest_number"], strict=True)
        highest = {str(category): int(number) for category, number in used} | highest
    moves = {category: _with_dissolved(own, merged["reassignments"], category) for category, own in numbers.items()}
    return {
        "store_clusters": _renumbered(merged["store_clusters"], numbers, ("cluster", "next_cluster")),
        "merged_clusters": _renumbered(merged["merged_clusters"], numbers, ("cluster",)),
        "reassignments": _renumbered(merged["reassignments"], moves, ("from_cluster", "to_cluster")),
        "cluster_numbers": pd.DataFrame(
            {
                "category": pd.Series(sorted(highest), dtype="str"),
                "highest_number": pd.Series([highest[category] for category in sorted(highest)], dtype="int64"),
            }
        ),
    }


def _with_dissolved(numbers: Numbers, reassignments: pd.DataFrame, category: str) -> Numbers:
    moves = reassignments.loc[reassignments["category"] == category, ["from_cluster", "to_cluster"]]
    dissolved = sorted({int(cell) for cell in moves.to_numpy().ravel()} - set(numbers.new))
    after = {cell: numbers.highest + position for position, cell in enumerate(dissolved, start=1)}
    return Numbers(numbers.new | after, numbers.highest)


def _renumbered(table: pd.DataFrame, numbers: dict[str, Numbers], columns: tuple[str, ...]) -> pd.DataFrame:
    """The table, sorted by its key, with new numbers."""
    parts = [renumbered(rows, numbers[str(name)], columns) for name, rows in table.groupby("category", sort=True)]
    return pd.concat(parts, ignore_index=True) if parts else table
