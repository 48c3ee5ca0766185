"""`store-clustering assign`: place new stores into the existing clusters."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from pipeline import schema, tasks
from pipeline.cli import new_stores
from pipeline.cli.options import env_option, json_option
from pipeline.cli.text import table
from pipeline.config import raw_files
from pipeline.config.environment import Config, load
from pipeline.core.assigning import assign as core
from pipeline.errors import MissingDataError, OutputError, UsageError
from pipeline.freshness import fingerprints
from pipeline.inspect import standings
from pipeline.report.workbook import guarded
from pipeline.storage import parquet
from pipeline.storage.publication import Publication
from pipeline.storage.rows import to_arrow
from pipeline.wording import counted, listed, printable

_METHODS = {"mix": "by their mix", "external": "by their surroundings", "rule": "by the rule"}


@click.command()
@click.option(
    "--sales", metavar="FILE", help="The sales of the new stores: a file like those of [sources.internal_sales]."
)
@click.option(
    "--external",
    metavar="FILE",
    multiple=True,
    help="Their outside data: one file per [[sources.external]], in the same order.",
)
@env_option
@click.option("--output", metavar="FILE", help="Write the table to FILE.csv or FILE.parquet.")
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@click.option("--anyway", is_flag=True, help="Place them even if the clusters are stale.")
@json_option
def assign(
    sales: str | None, external: tuple[str, ...], env: str, output: str | None, force: bool, anyway: bool, as_json: bool
) -> None:
    """Place new stores into the existing clusters.

    Nothing is refitted. In each category, a store goes to the cluster with the nearest sales mix. Without enough sales, it
    goes to the cluster that its surroundings point to, if surroundings tell the clusters apart; if not, the setting
    `otherwise` of [assign] decides. Each row says which method was used, and why.

    \b
    Examples:
      store-clustering assign --sales new.parquet --external new_areas.csv --env prod
      store-clustering assign --external new_areas.csv --output placed.csv
    """
    config = load(env)
    new_stores.check(config, sales, external)
    if output is not None:
        _check_output(config, output, [sales, *external], force=force)
    model, store_clusters = _published(config, anyway)
    categories = {str(name) for name in model["model_categories"]["category"]}
    given = new_stores.read(config, sales, external, categories)
    placed = core.assign(
        model=model,
        store_clusters=store_clusters,
        sales_by_need_state=given.sales.sales_by_need_state,
        excluded_stores=given.sales.excluded_stores,
        features=given.features,
        settings=config.settings.assign,
    )
    if given.sales.unknown_categories:
        unknown = given.sales.unknown_categories
        sys.stderr.write(
            f"note: sales in {counted(len(unknown), 'category', 'categories')} without clusters are not used: {listed(unknown, 10)}\n"
        )
    if output is not None:
        _write(placed, Path(output))
    if as_json:
        print(json.dumps({"env": env, "assignments": _rows(placed)}, indent=1, ensure_ascii=False, default=float))
    else:
        _print_placed(placed, output)


def _published(config: Config, anyway: bool) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The assignment model, and the final clusters from which it was made."""
    task, merging = tasks.AssignmentModel(env=config.env), tasks.Merging(env=config.env)
    paths = {table: task.path(table) for table in task.tables} | {"store_clusters": merging.path("store_clusters")}
    run = f"`store-clustering run --env {config.env}`"
    absent = [path for path in paths.values() if not path.is_file()]
    if absent:
        raise MissingDataError(
            f"environment {config.env} has no assignment model ({task.relative(absent[0])} does not exist): {run} builds it"
        )
    stale = next((standing for standing in standings.standings(task) if standing.reasons), None)
    if stale is not None:
        why = f"{stale.task}: {stale.reasons[0]}"
        if not anyway:
            raise UsageError(
                f"the clusters of {config.env} are stale ({why}): run {run} first, or place the stores into them as they are with --anyway"
            )
        sys.stderr.write(
            f"note: the clusters of {config.env} are stale ({why}); stores are placed into them as they are\n"
        )
    read = {name: parquet.read(path, schema.TABLES[name]) for name, path in paths.items()}
    return read, read.pop("store_clusters")


def _check_output(config: Config, output: str, inputs: list[str | None], *, force: bool) -> None:
    if not output.lower().endswith((".csv", ".parquet")):
        raise UsageError(f"--output {output}: expected a name that ends in .csv or .parquet")
    if any(path is not None and Path(path).resolve() == Path(output).resolve() for path in inputs):
        raise UsageError(
            f"--output {output}: is a raw file of the new stores, and raw files are never overwritten; choose another path"
        )
    holder = raw_files.holder(config, Path(output))
    if holder is not None:
        raise UsageError(
            f"--output {output}: is, or would be, a raw file of {config.env} ({raw_files.setting(holder)}), and raw files "
            "are never overwritten; choose another path"
        )
    for folder in ("outputs", "pins"):
        if Path(output).resolve().is_relative_to((config.home / folder).resolve()):
            raise UsageError(
                f"--output {output}: is in {folder}, where only the pipeline writes; choose a path elsewhere"
            )
    if Path(output).is_file() and not force:
        raise UsageError(f"--output {output}: exists, and is not replaced: choose another path, or give --force")
    if Path(output).is_dir():
        raise UsageError(f"--output {output}: is a folder; name a file")
    if not Path(output).resolve().parent.is_dir():
        raise UsageError(
            f"--output {output}: the folder {Path(output).resolve().parent} does not exist; create it, or choose another"
        )


def _write(placed: pd.DataFrame, output: Path) -> None:
    """Publish the whole file at once."""
    publication = Publication(fingerprints.content)
    try:
        with publication.staged(output) as path:
            if output.suffix.lower() == ".parquet":
                parquet.write(placed, schema.ASSIGNMENTS, path)
            else:
                _write_csv(placed, path)
        publication.publish()
    except OSError as error:
        raise OutputError(
            f"{error.filename or output}: {error.strerror or error}; free the disk or correct the permissions, and run again"
        ) from error
    finally:
        publication.discard()


def _write_csv(placed: pd.DataFrame, path: Path) -> None:
    """Guard texts as the workbook does, so that a spreadsheet never runs one as a formula."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in schema.ASSIGNMENTS.columns])
        for row in _rows(placed):
            writer.writerow([guarded(value) if isinstance(value, str) else value for value in row.values()])


def _rows(placed: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as published: rounded, money in currency; None for a missing value."""
    rows: list[dict[str, Any]] = to_arrow(placed, schema.ASSIGNMENTS).to_pylist()
    return rows


def _print_placed(placed: pd.DataFrame, output: str | None) -> None:
    rows = _rows(placed)
    if output is None:
        cells = [
            [
                row["store_id"],
                row["category"],
                str(row["cluster"]),
                row["method"],
                "too far" if row["too_far"] or row["external_too_far"] else "",
                row["why"],
            ]
            for row in rows
        ]
        print(table(["store", "category", "cluster", "by", "", "because"], cells))
    by_method = [(words, sum(row["method"] == method for row in rows)) for method, words in _METHODS.items()]
    stores, categories = (len({row[name] for row in rows}) for name in ("store_id", "category"))
    far = sum(bool(row["too_far"]) for row in rows)
    clustered = len({row["store_id"] for row in rows if row["published_cluster"] is not None})
    print(
        f"{counted(stores, 'store', 'stores')} in {counted(categories, 'category', 'categories')}: "
        f"{', '.join(f'{number} {words}' for words, number in by_method)}; {far} too far"
        + (f"; {clustered} of the stores are in the clusters already" if clustered else "")
    )
    if output is not None:
        print(f"written: {printable(output)}")
