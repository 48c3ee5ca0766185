"""`store-clustering compare`: two results side by side."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import results
from pipeline.cli.options import json_option
from pipeline.cli.text import table
from pipeline.config import environment
from pipeline.errors import MissingDataError, UsageError
from pipeline.pins import archive, naming
from pipeline.schema import NO_CATEGORY
from pipeline.wording import counted, listed, nearest

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.argument("before", metavar="A", help="An environment, or a pin: ENV/NAME or NAME.")
@click.argument("after", metavar="B", help="The result to compare with: the same forms.")
@click.option("--category", help="Only this category.")
@click.option("--moves", is_flag=True, help="List the stores that moved.")
@json_option
def compare(before: str, after: str, category: str | None, moves: bool, as_json: bool) -> None:
    """Show how far two results agree.

    Agreement is the adjusted Rand index: 1 is the same grouping, 0 is chance. Clusters are matched first, so renumbering
    moves no store: a store has moved if its new cluster is not the match of its old cluster. --moves says which of them somebody placed by hand.

    \b
    Examples:
      store-clustering compare 2026-spring prod
      store-clustering compare prod staging --category Bread --moves
    """
    home, environments = environment.home(), environment.environments()
    references = [naming.resolve(home, text, environments) for text in (before, after)]
    frames = [_clusters(reference) for reference in references]
    if category is not None:
        frames = _of_category(frames, category)
    from pipeline.core.between_runs import compare as core

    comparison = core.compare(*frames)
    placed = core.by_hand(*frames)
    pairs = zip(comparison["moves"]["store_id"], comparison["moves"]["category"], strict=True)
    comparison["moves"] = comparison["moves"].assign(by_hand=[pair in placed for pair in pairs])
    names = [str(reference) for reference in references]
    if as_json:
        print(json.dumps(_document(names, comparison, moves), indent=1, ensure_ascii=False))
    else:
        _print(names, comparison, moves)


def _clusters(reference: archive.Reference) -> pd.DataFrame:
    if reference.pin:
        return results.clusters(archive.file(environment.home(), reference, "store_clusters"))
    path = results.files(reference.env)["store_clusters"]
    if not path.is_file():
        raise MissingDataError(
            f"environment {reference.env} has no clusters yet: `store-clustering run Merging --env {reference.env}` builds them"
        )
    stale = results.stale_because(reference.env)
    if stale:
        sys.stderr.write(f"note: the clusters of {reference.env} are stale ({stale}); they are compared as they are\n")
    return results.clusters(path)


def _of_category(frames: list[pd.DataFrame], category: str) -> list[pd.DataFrame]:
    categories = sorted({str(name) for frame in frames for name in frame["category"].unique()})
    if category not in categories:
        raise UsageError(
            f"category {category!r} is in neither result{nearest(category, categories)}: the categories are "
            f"{listed(categories, 10)}"
        )
    return [frame[frame["category"] == category] for frame in frames]


def _total(agreement: pd.DataFrame) -> dict[str, Any]:
    """All categories together: a store counts once per category, and once where it has no sales, which is no category."""
    sums = {name: int(agreement[name].sum()) for name in ("stores", "only_before", "only_after", "moved")}
    share = sums["moved"] / sums["stores"] if sums["stores"] else None
    categories = int((agreement["category"] != NO_CATEGORY).sum())
    return {"categories": categories, **sums, "moved_share": share}


def _document(names: list[str], comparison: dict[str, pd.DataFrame], moves: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "before": names[0],
        "after": names[1],
        "categories": [_plain(row) for row in comparison["agreement"].to_dict("records")],
        "total": _total(comparison["agreement"]),
    }
    if moves:
        document["moves"] = [_plain(row) for row in comparison["moves"].astype({"expected": object}).to_dict("records")]
    return document


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """A row for JSON: a missing value is null."""
    import pandas as pd

    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _print(names: list[str], comparison: dict[str, pd.DataFrame], moves: bool) -> None:
    agreement = comparison["agreement"]
    rows = [
        [
            row["category"],
            f"{row['stores']}",
            f"{row['k_before']} -> {row['k_after']}",
            "-" if math.isnan(row["adjusted_rand"]) else f"{row['adjusted_rand']:.3f}",
            f"{row['moved']}{_share(row['moved_share'])}",
            f"{row['only_before']}",
            f"{row['only_after']}",
        ]
        for row in agreement.to_dict("records")
    ]
    if names[0] == names[1]:  # a result compared with itself: two columns with equal headers would become one
        names = [f"{name} ({side})" for name, side in zip(names, "AB", strict=True)]
    header = ["category", "stores", "clusters", "agreement", "moved", f"only in {names[0]}", f"only in {names[1]}"]
    print(table(header, rows))
    total = _total(agreement)
    over = f" over {counted(total['categories'], 'category', 'categories')}, each store counted once per category"
    print(
        f"total: {total['moved']} of {counted(total['stores'], 'store', 'stores')} moved{_share(total['moved_share'])}"
        f"{over if total['categories'] else ''}; {total['only_before']} only in {names[0]}, {total['only_after']} only in {names[1]}"
    )
    if moves:
        _print_moves(comparison["moves"])


def _print_moves(moved: pd.DataFrame) -> None:
    if moved.empty:
        print("no store moved")
        return
    rows = [
        [
            row["store_id"],
            row["category"],
            f"{row['before']} -> {row['after']}",
            _expected(row["expected"]),
            "by hand" if row["by_hand"] else "",
        ]
        for row in moved.astype({"expected": object}).to_dict("records")
    ]
    print(table(["store", "category", "cluster", "expected", ""], rows))


def _expected(cluster: Any) -> str:
    import pandas as pd

    return "no match" if pd.isna(cluster) else str(cluster)


def _share(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f" ({100 * value:.1f}%)"
