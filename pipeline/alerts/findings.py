"""What people should look at after a load: changed verdicts, sales without a need state, moved stores."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd

from pipeline.alerts import changes
from pipeline.core.between_runs.compare import OVERRIDDEN, by_hand, compare
from pipeline.duck import opening
from pipeline.duck.quoting import identifier
from pipeline.settings import Alerts
from pipeline.wording import first_line, listed

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "internal_verdicts": ("category", "verdict"),
    "external_verdicts": ("verdict",),
    "need_state_coverage": ("category", "unmapped_share"),
    "store_clusters": ("store_id", "category", "cluster"),
}
# columns that older databases do not have
LATER: Mapping[str, tuple[str, ...]] = {
    "internal_verdicts": ("holds", "still_explained", "outdated"),
    "store_clusters": (OVERRIDDEN,),
}
_WORST_FIRST = ("no", "partly", "yes")  # values of `holds`
_NAMED = 3  # categories named per finding; further ones are counted


def findings(
    before: Mapping[str, pd.DataFrame] | None, after: Mapping[str, pd.DataFrame], settings: Alerts
) -> list[str]:
    """What people should look at in a result, compared with the previous one.

    Parameters
    ----------
    before, after : tables by name, of `COLUMNS`; findings of a missing table are left out. None: there is no previous
        result
    settings : the limits above which a category is a finding

    Returns
    -------
    One line per finding; if many categories have the same finding, one line with their count and the first few names.
    Empty if there are no findings.
    """
    lines = [*_coverage(after, settings.max_unmapped_share), *_outdated(after)]
    if before is None:
        return lines
    return [*_verdicts(before, after), *_held(before, after), *lines, *_moves(before, after, settings.max_moved_share)]


def of_databases(before: Path | None, after: Path, settings: Alerts) -> list[str]:
    """What people should look at in a database, compared with the previous one; both are opened read-only.

    Parameters
    ----------
    before : the database of the previous load; None if there is none. It may be damaged or from an older version: a line
        says so, and the rest is compared. What other settings made is not compared
    after : the database just loaded
    settings : as for `findings`
    """
    now, unread_now = _tables(after)
    lines = [f"the database cannot be read: {'; '.join(unread_now)}"] if unread_now else []
    if before is None:
        return lines + findings(None, now, settings)
    then, unread = _tables(before)
    if unread:
        lines.append(f"the previous database cannot be compared: {'; '.join(unread)}")
    was, is_now = _settings(before), _settings(after)
    changed = {task for task in was.keys() & is_now.keys() if was[task] != is_now[task]}
    return lines + findings(_comparable(then, changed), now, settings)


# Tasks whose settings decide the result of every category, and of the outside data.
_OF_EVERY_CATEGORY = {"InternalPreprocessing"}
_OF_OUTSIDE = {"ExternalPreprocessing", "ExternalClustering"}
_OF_FINAL = {"Merging", "Overrides"} | _OF_OUTSIDE


def _settings(path: Path) -> dict[str, dict[str, object]]:
    """The settings of every task of a database, as far as they change its result; empty if it does not hold them."""
    try:
        with opening.for_reading(path) as connection:
            rows = connection.execute("SELECT DISTINCT task, settings FROM lineage").fetchall()
    except duckdb.Error:
        return {}
    return {
        task: {
            key: value
            for key, value in json.loads(settings).items()
            # the shape of tables is no setting, and the same data may be delivered under another path
            if not key.startswith("schema.") and not key.endswith(".path")
        }
        for task, settings in rows
    }


def _comparable(tables: Mapping[str, pd.DataFrame], changed: Collection[str]) -> dict[str, pd.DataFrame]:
    """The tables without the rows that differ from the next load's because the settings of these tasks changed."""
    rest = dict(tables)
    if _OF_OUTSIDE & set(changed):
        rest.pop("external_verdicts", None)
    for name, tasks in (
        ("internal_verdicts", _OF_EVERY_CATEGORY),
        ("store_clusters", _OF_EVERY_CATEGORY | _OF_FINAL),
    ):
        if name in rest and tasks & set(changed):
            rest.pop(name)
        elif name in rest:
            others = [task[len("ClusterCategory(") : -1] for task in changed if task.startswith("ClusterCategory(")]
            rest[name] = rest[name][~rest[name]["category"].isin(others)]
    return rest


def _tables(path: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The tables that can be read, and the errors of those that cannot."""
    tables, unread = {}, []
    try:
        with opening.for_reading(path) as connection:
            for name, columns in COLUMNS.items():
                try:
                    tables[name] = _table(connection, name, columns)
                except duckdb.Error as error:  # noqa: PERF203  # four tables
                    unread.append(f"{name} ({first_line(error)})")
    except duckdb.Error as error:
        unread.append(f"{path.name} ({first_line(error)})")
    return tables, unread


def _table(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """These columns of a table, and the columns of `LATER` that it has."""
    present = {column for column, *_ in connection.execute(f"DESCRIBE {identifier(name)}").fetchall()}
    wanted = [*columns, *(column for column in LATER.get(name, ()) if column in present)]
    query = f"SELECT {', '.join(map(identifier, wanted))} FROM {identifier(name)}"  # noqa: S608  # quoted names of ours
    table: pd.DataFrame = connection.execute(query).df()
    return table


def _verdicts(before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if "external_verdicts" in before and "external_verdicts" in after:
        old, new = (list(tables["external_verdicts"]["verdict"]) for tables in (before, after))
        if old and new and old != new:
            yield f"outside data: the verdict changed ({old[0]} -> {new[0]})"
    if "internal_verdicts" in before and "internal_verdicts" in after:
        verdicts = (
            tables["internal_verdicts"].set_index("category")["verdict"].to_dict() for tables in (before, after)
        )
        was, is_now = verdicts
        changed = sorted(name for name in was.keys() & is_now.keys() if was[name] != is_now[name])
        yield from _folded("the verdict changed", [(name, f"{was[name]} -> {is_now[name]}") for name in changed])


def _held(before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if not all("holds" in tables.get("internal_verdicts", ()) for tables in (before, after)):
        return
    was, is_now = (tables["internal_verdicts"].set_index("category")["holds"].to_dict() for tables in (before, after))
    worse = sorted(
        name
        for name in was.keys() & is_now.keys()
        if is_now[name] in _WORST_FIRST and was[name] in _WORST_FIRST[_WORST_FIRST.index(is_now[name]) + 1 :]
    )
    yield from _folded(
        "the clusters hold less on other weeks", [(name, f"{was[name]} -> {is_now[name]}") for name in worse]
    )


def _outdated(after: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if "outdated" not in after.get("internal_verdicts", ()):
        return
    verdicts = after["internal_verdicts"]
    outdated = verdicts[verdicts["outdated"].astype(bool)].sort_values(["still_explained", "category"])
    cases = [
        (str(name), _percent(share))
        for name, share in zip(outdated["category"], outdated["still_explained"], strict=True)
    ]
    yield from _folded(
        "the clusters are outdated: what they still explain of the newest weeks, of what new ones would", cases
    )


def _coverage(after: Mapping[str, pd.DataFrame], limit: float) -> Iterator[str]:
    if "need_state_coverage" not in after:
        return
    coverage = after["need_state_coverage"]
    above = coverage[coverage["unmapped_share"] > limit].sort_values(
        ["unmapped_share", "category"], ascending=[False, True]
    )
    cases = [
        (str(name), _percent(share)) for name, share in zip(above["category"], above["unmapped_share"], strict=True)
    ]
    yield from _folded(f"more than {100 * limit:g}% of sales are of SKUs without a need state", cases)


def _moves(before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame], limit: float) -> Iterator[str]:
    if "store_clusters" not in before or "store_clusters" not in after:
        return
    both = before["store_clusters"], after["store_clusters"]
    moved_by_hand = by_hand(*both)  # whoever placed them knows of it
    agreement = compare(*(changes.without(result, moved_by_hand) for result in both))["agreement"]
    above = agreement[agreement["moved_share"] > limit].sort_values(
        ["moved_share", "category"], ascending=[False, True]
    )
    cases = [
        (row["category"], f"{_percent(row['moved_share'])}, {row['moved']} of {row['stores']}")
        for row in above.to_dict("records")
    ]
    yield from _folded(f"more than {100 * limit:g}% of the stores moved to another cluster", cases)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _folded(what: str, cases: Sequence[tuple[str, str]]) -> Iterator[str]:
    """One line per category; or one line for many categories."""
    if len(cases) <= _NAMED:
        yield from (f"{category}: {what} ({detail})" for category, detail in cases)
        return
    yield f"{len(cases)} categories: {what}: {listed([f'{category} ({detail})' for category, detail in cases], _NAMED)}"
