"""External sources -> one table of features per store, and the stores' labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from pipeline.duck.quoting import identifier
from pipeline.engine.connections import connect, create, row, rows
from pipeline.engine.gathered import Gathered
from pipeline.engine.reading import codes, keys
from pipeline.engine.reading import columns as kinds
from pipeline.engine.reading.raw import Source, reading_source, require, require_keys, scans
from pipeline.engine.reading.scan import Scan, nfc, union
from pipeline.errors import RawDataError, SettingsError
from pipeline.settings import Engine, ExternalSource, Sources
from pipeline.wording import counted, listed, quoted, with_nearest

_KEY = "store_id"
_SHOWN = 10
NEXT = "correct the column, or name it in ignore"  # of a column that will not be used
_LARGEST = 1e100  # the square of what is beyond may be no number any more


@dataclass(frozen=True)
class _Read:
    """The data of one source."""

    source: Source
    features: pd.DataFrame
    ignored: list[tuple[str, str]]
    labels: pd.DataFrame
    doubts: list[str]


def gather(files: Mapping[str, Sequence[str]], sources: Sources, engine: Engine) -> Gathered:
    """Read every external source and join them full outer on the store.

    Numbers and booleans become float64; text stays text (in CSV a column is numeric where all its values are numbers);
    columns of other types, and of files that name no column, are ignored with the reason.

    Parameters
    ----------
    files : absolute paths by `external.<position in [[sources.external]]>`
    sources : how they are written, and which columns are features, ignored or labels
    engine : memory, threads, and where to spill

    Returns
    -------
    features : store_id and a column per feature in order of name, float64 with NaN or str with None; sorted by store_id
    ignored : feature, reason; one row per name, sorted by it
    labels : store_id, label, value (text or None); one row per store of a source and label, sorted by both
    Without a source none of them has rows. Beside them, as `doubts`, what should be looked at.

    Raises
    ------
    RawDataError : a file cannot be read; stores are missing or duplicated within a source; two sources have the same
        feature or label; a value is infinite or beyond 1e100
    SettingsError : `features`, `ignore` or `labels` name a column that is not there, or one column twice
    """
    if not sources.external:
        texts = {"features": (_KEY,), "ignored": ("feature", "reason"), "labels": (_KEY, "label", "value")}
        return Gathered({table: pd.DataFrame(columns=list(names), dtype=object) for table, names in texts.items()})
    given = [
        (Source.of(f"sources.external[{position}]", files[f"external.{position}"], external), external)
        for position, external in enumerate(sources.external)
    ]
    with connect(
        [file for source, _ in given for file in source.files],
        memory_limit=engine.memory_limit,
        threads=engine.threads,
        spill=engine.spill_folder,
    ) as connection:
        read = []
        for position, (source, external) in enumerate(given):
            with reading_source(source):
                read.append(_read(connection, source, external, f"external_{position}"))
    _check_names(read)
    features = pd.concat([part.features for part in read], axis=1, join="outer").sort_index(axis=0).sort_index(axis=1)
    features = features.copy()  # in one block per type: pandas warns of inserting a column among many blocks
    reasons: dict[str, str] = {}
    for name, reason in sorted({pair for part in read for pair in part.ignored}):
        reasons[name] = f"{reasons[name]}; {reason}" if name in reasons else reason
    labels = pd.concat([part.labels for part in read], ignore_index=True)
    tables = {
        "features": features.rename_axis(_KEY).rename_axis(None, axis=1).reset_index(),
        "ignored": pd.DataFrame(list(reasons.items()), columns=["feature", "reason"], dtype=object),
        "labels": labels.sort_values([_KEY, "label"], ignore_index=True),
    }
    return Gathered(tables, [doubt for part in read for doubt in part.doubts])


def _read(connection: duckdb.DuckDBPyConnection, source: Source, external: ExternalSource, table: str) -> _Read:
    raw_scans = scans(connection, source)
    key = source.names["store_id"]
    require(source, raw_scans, {"columns.store_id": key})
    require_keys(source, raw_scans, {_KEY: key})
    _require_alike(source, raw_scans)
    offered = _offered(source, raw_scans[0], external)
    categorical = [nfc(name) for name in external.categorical or ()]
    columns = kinds.classify(connection, raw_scans, offered, categorical, asked=external.features is not None)
    ignored = [(column.name, column.reason) for column in columns if column.reason]
    ignored += [
        (f"({source.setting.removeprefix('sources.')} column {position})", "the header gives it no name")
        for position, (name, _) in enumerate(raw_scans[0].columns, start=1)
        if not name and external.features is None
    ]
    used = [column for column in columns if not column.reason]
    labels = [nfc(name) for name in external.labels]
    selects = [_select(scan, key, used, labels) for scan in raw_scans]
    create(connection, table, alike_once(union(raw_scans, selects)))
    frame = rows_of(connection, table, "store_id").set_index(_KEY)
    _check_stores(connection, source, table, key)
    features = frame.iloc[:, : len(used)].set_axis([column.name for column in used], axis=1)
    features = features.astype({column.name: "float64" if column.is_number else object for column in used})
    _check_finite(source, features)
    doubts = [doubt for scan in raw_scans for doubt in scan.doubts] + doubts_of(source, external, columns, features)
    return _Read(source, features, ignored, _long(frame.iloc[:, len(used) :].set_axis(labels, axis=1)), doubts)


def alike_once(query: str) -> str:
    """A query for the distinct rows of a query, with their counts: attributes may be repeated on every row of sales."""
    return f"SELECT *, COUNT(*) AS row_count FROM ({query}) r GROUP BY ALL"


def rows_of(connection: duckdb.DuckDBPyConnection, table: str, order: str) -> pd.DataFrame:
    """The rows of such a table without their counts."""
    return connection.sql(f"SELECT * EXCLUDE (row_count) FROM {identifier(table)} ORDER BY {order}").df()


def doubts_of(
    source: Source, external: ExternalSource, columns: Sequence[kinds.Kind], features: pd.DataFrame
) -> list[str]:
    """The doubts about the features of a source: features that cannot be read with certainty, and features that look like codes."""
    unread = [
        f"{source.title}: column '{column.name}' will not be used: {column.reason}; {NEXT}"
        for column in columns
        if column.reason and column.is_unread
    ]
    asked = external.categorical is None
    return unread + [f"{source.title}: {doubt}" for doubt in codes.doubts(features, source.setting, ask=asked)]


def _select(scan: Scan, key: str, used: Sequence[kinds.Kind], labels: Sequence[str]) -> str:
    parts = [f"{scan[key].key} AS store_id"]
    parts += [f"{column.sql(scan)} AS f{position}" for position, column in enumerate(used)]
    parts += [f"{kinds.label(scan, name)} AS l{position}" for position, name in enumerate(labels)]
    return ", ".join(parts)


def _require_alike(source: Source, raw_scans: Sequence[Scan]) -> None:
    every = sorted({name for scan in raw_scans for name in scan.names})
    for scan in raw_scans:
        missing = [with_nearest(name, scan.names) for name in every if name not in scan.names]
        if missing:
            raise RawDataError(
                f"{scan.files[0]}: no column {listed(missing)}, which other files of [{source.setting}] have; found: "
                f"{listed(scan.names)}; give all its files the same columns, or each a [[sources.external]] of its own"
            )


def _offered(source: Source, scan: Scan, external: ExternalSource) -> list[str]:
    """The columns to use as features, in order of name; columns from folder names only if the config names them."""
    key = nfc(source.names["store_id"])
    parts = scan.behind.get(key, ())
    others = [name for name in scan.all_names if name != key and name not in parts]
    chosen = {
        setting: [nfc(name) for name in listed_names]
        for setting, listed_names in (
            ("features", external.features or ()),
            ("ignore", external.ignore),
            ("labels", external.labels),
            ("categorical", external.categorical or ()),
        )
    }
    for setting, wanted in chosen.items():
        unknown = [with_nearest(name, others) for name in wanted if name not in others]
        if unknown:
            raise SettingsError(
                f"[{source.setting}] {setting}: not a column of {source.title}: {listed(unknown)}; found: {listed(others)}"
            )
    every = [name for setting, wanted in chosen.items() if setting != "categorical" for name in wanted]
    twice = sorted({name for name in every if every.count(name) > 1})
    if twice:
        raise SettingsError(
            f"[{source.setting}]: {listed(twice)} stand more than once in features, ignore and labels; name each column once"
        )
    if external.features is not None:
        return sorted(chosen["features"])
    return sorted(set(scan.names) - {key, *parts, *every})


def _check_stores(connection: duckdb.DuckDBPyConnection, source: Source, table: str, key: str) -> None:
    total, missing = row(
        connection,
        "SELECT COALESCE(SUM(row_count), 0), COALESCE(SUM(CASE WHEN store_id IS NULL THEN row_count END), 0) FROM "
        f"{identifier(table)}",
    )
    if not total:
        raise RawDataError(f"{source.title}: no rows; {source.rewrite}")
    keys.check_precise(connection, source, {(identifier(table), "store_id"): key})
    if missing:
        raise RawDataError(
            f"{source.title}: {counted(int(missing), 'row', 'rows')} without store_id (column '{key}') of {total:,}; fill them in, "
            f"remove the rows, or change columns.store_id in [{source.setting}]"
        )
    twice = rows(
        connection,
        f"SELECT store_id, COUNT(*) OVER () FROM {identifier(table)} GROUP BY store_id HAVING COUNT(*) > 1 "
        f"ORDER BY store_id LIMIT {_SHOWN}",
    )
    if twice:
        count = twice[0][1]
        names = listed([quoted(store) for store, _ in twice], _SHOWN, count=count)
        raise RawDataError(
            f"{source.title}: {counted(count, 'store has', 'stores have')} more than one row: {names}, and they differ; leave one row per store, or change "
            f"columns.store_id in [{source.setting}]"
        )


def _check_finite(source: Source, features: pd.DataFrame) -> None:
    numeric = features.select_dtypes("float64")
    counts = (np.abs(numeric) > _LARGEST).sum()
    bad = [f"'{name}' ({count:,})" for name, count in counts.items() if count]
    if bad:
        raise RawDataError(
            f"{source.title}: values that are infinite or beyond {_LARGEST:g} in {listed(bad)}; leave them empty, or name the columns in ignore of "
            f"[{source.setting}]"
        )


def _check_names(read: Sequence[_Read]) -> None:
    features = {name for part in read for name in part.features.columns}
    for what, names in (
        ("feature", [(name, part.source) for part in read for name in _offered_names(part) if name in features]),
        ("label", [(name, part.source) for part in read for name in part.labels["label"].unique()]),
    ):
        seen: dict[str, Source] = {}
        for name, source in names:
            if name in seen:
                raise RawDataError(
                    f"{source.title}: the {what} '{name}' is in {seen[name].title} as well; name it in ignore of "
                    f"[{source.setting}] or of [{seen[name].setting}], or rename it in one file"
                )
            seen[name] = source


def _offered_names(part: _Read) -> list[str]:
    return [*part.features.columns, *(name for name, _ in part.ignored)]


def _long(labels: pd.DataFrame) -> pd.DataFrame:
    long = labels.astype(object).melt(ignore_index=False, var_name="label", value_name="value").reset_index()
    long = long[[_KEY, "label", "value"]].astype(object)
    return long.where(long.notna(), None)
