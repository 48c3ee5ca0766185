"""What came out of a run, in lines for people: said at the end by `store-clustering run` and by plain `luigi`."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.config.environment import Config
from pipeline.errors import PipelineError
from pipeline.records import runs
from pipeline.records.runs import Run
from pipeline.run.session import session
from pipeline.schema import NO_CATEGORY, TABLES
from pipeline.storage import parquet
from pipeline.wording import counted, listed, printable

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 80  # columns of a terminal, at least
_NAMED = 6  # categories named per verdict; further ones are counted
_FINAL = "Merging"  # the task that publishes the final clusters
_TABLES = {
    "merging": ("store_clusters", "merged_clusters", "excluded_stores", "overrides_applied"),
    "internal_clustering": ("internal_verdicts",),
}
# In the order of how much they say; the words after it for a category without a verdict.
_VERDICTS = ("separated", "tiers", "axis", "no structure")


def of_result(config: Config) -> list[str]:
    """What the final clusters are, in lines of at most `WIDTH` columns.

    Returns
    -------
    Categories, stores and clusters; the categories of each verdict with their numbers of clusters; stores without a cluster, and stores
    placed by hand. Empty if this run did not build or check the final clusters, or if they cannot be read.
    """
    run = runs.this(config)
    done = session.fresh | {line["task"] for line in run.events} if run else session.fresh
    if _FINAL not in done:
        return []
    try:
        tables = {
            table: parquet.read(config.outputs / folder / f"{table}.parquet", TABLES[table])
            for folder, names in _TABLES.items()
            for table in names
        }
    except PipelineError:  # gone or damaged since: the next run says so
        return []
    return [part for line in _lines(tables) for part in wrapped(line)]


def remarks(run: Run) -> list[str]:
    """What was noted while the tasks ran, and what people should look at, each once: a line each, or on a terminal in lines that fit."""
    notes = [str(note) for line in run.events for note in line.get("notes", [])]
    findings = [f"look at: {finding}" for line in run.events for finding in line.get("findings", [])]
    lines = [printable(line) for line in dict.fromkeys((*notes, *findings))]
    if sys.stdout is None or not sys.stdout.isatty():
        return lines
    return [part for line in lines for part in wrapped(line)]


def wrapped(line: str, width: int = WIDTH) -> list[str]:
    """A line in lines of at most `width` columns; a longer word, such as a path, is never cut."""
    shown = printable(line)
    indent = " " * (len(shown) - len(shown.lstrip()))
    return textwrap.wrap(
        shown.lstrip(),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(tables: dict[str, pd.DataFrame]) -> Iterator[str]:
    clusters = tables["merged_clusters"]
    of_sales = clusters[clusters["category"] != NO_CATEGORY].groupby("category").size()
    stores = tables["store_clusters"]["store_id"].nunique()
    if of_sales.empty:
        yield f"{counted(stores, 'store', 'stores')} in {counted(len(clusters), 'cluster', 'clusters')} on the outside data"
    else:
        yield (
            f"{counted(len(of_sales), 'category', 'categories')}, {counted(stores, 'store', 'stores')}, "
            f"{counted(int(of_sales.sum()), 'final cluster', 'final clusters')}"
        )
    yield from _verdicts(tables["internal_verdicts"], of_sales.to_dict())
    only_outside = int((tables["store_clusters"]["category"] == NO_CATEGORY).sum())
    if only_outside and len(of_sales):
        yield f"  {counted(only_outside, 'store has', 'stores have')} no sales: clustered on the outside data alone"
    excluded = tables["excluded_stores"]["store_id"].nunique()
    if excluded:
        yield f"  {counted(excluded, 'store is', 'stores are')} excluded somewhere: see excluded_stores for the reasons"
    overrides = tables["overrides_applied"]["applied"].astype(bool)
    if len(overrides):
        unused = int((~overrides).sum())
        placed = f"{counted(int(overrides.sum()), 'placement', 'placements')} by hand"
        yield f"  {placed}" + (f"; {counted(unused, 'is', 'are')} not applied: see overrides_applied" if unused else "")


def _verdicts(verdicts: pd.DataFrame, clusters: dict[str, int]) -> Iterator[str]:
    """A line per verdict, with the categories in order of their names and the number of final clusters of each."""
    of_category = dict(zip(verdicts["category"], verdicts["verdict"], strict=True))
    for verdict in _VERDICTS:
        names = sorted(name for name, count in clusters.items() if of_category.get(name) == verdict)
        if names:
            each = listed([f"{name} {clusters[name]}" for name in names], _NAMED)
            yield f"  {verdict}: {counted(len(names), 'category', 'categories')} ({each})"
