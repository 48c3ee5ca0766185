"""The outside data looked at: keys, the columns that the config names, values, and what would become of each feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import numpy as np
import pandas as pd

from pipeline.duck.quoting import identifier
from pipeline.engine import external
from pipeline.engine.checks import schemas
from pipeline.engine.checks.findings import Column, Findings, SourceSeen
from pipeline.engine.checks.schemas import Fitted, Wanted
from pipeline.engine.connections import create, row
from pipeline.engine.reading import columns as kinds
from pipeline.engine.reading.raw import reading_source
from pipeline.engine.reading.scan import nfc, union
from pipeline.engine.reading.source import Source
from pipeline.settings import ExternalSource
from pipeline.wording import counted, listed

_LISTS = ("features", "ignore", "labels")
_OWN = "categorical"  # names columns that may stand in `features` as well


@dataclass(frozen=True)
class OutsideSeen:
    """An external source as it was found.

    Attributes
    ----------
    seen : files, rows, columns
    source : where it is from
    table : the table with its rows, whose stores are in `store_id`; '' where they cannot be read
    features : store x feature, of the rows whose store is known and the first of its name; None where there are none
    ignored : feature and reason, of the columns that can be none
    labels : the labels' names
    """

    seen: SourceSeen
    source: Source
    table: str = ""
    features: pd.DataFrame | None = None
    ignored: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The source."""
        return self.seen.source


def look(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, section: ExternalSource, findings: Findings
) -> OutsideSeen:
    """Look at one external source; its features are held in memory, as a run holds them."""
    files = source.files
    source, raw_scans = schemas.readable(connection, name, source, findings)
    if not raw_scans:
        return OutsideSeen(SourceSeen(name, files), source)
    key = source.names["store_id"]
    fitted = schemas.fit(name, source, raw_scans, [Wanted("store_id", key, is_key=True)], findings)
    alike: list[str] = []
    with findings.attempt(name, alike):
        external._require_alike(source, fitted.raw_scans)
    seen_columns = [schemas.column(raw_scans, key, "store_id", unfit=not fitted.has("store_id"))]
    if alike:
        findings.skip(name, "values, until its files have the same columns")
        return OutsideSeen(SourceSeen(name, files, None, tuple(seen_columns)), source)
    usable = _usable(source, fitted, section, findings)
    _say_unnamed(name, fitted, section, findings)
    offered = external._offered(source, fitted.scans[0], usable)
    failed: list[str] = []
    with findings.attempt(name, failed), reading_source(source):
        read = _read(connection, name, fitted, usable, offered)
    seen_columns += _named(fitted, section)
    if failed:
        findings.skip(name, "values, until its rows can be read")
        return OutsideSeen(SourceSeen(name, files, None, tuple(seen_columns)), source)
    _check_values(connection, read, fitted, key, findings)
    return _seen(read, fitted, usable, files, seen_columns, findings)


@dataclass(frozen=True)
class _Rows:
    name: str
    table: str
    columns: tuple[kinds.Kind, ...]
    labels: tuple[str, ...]
    frame: pd.DataFrame
    total: int

    def used(self) -> list[kinds.Kind]:
        return [column for column in self.columns if not column.reason]

    def features(self) -> pd.DataFrame:
        """A column per feature, in the order of the table's rows."""
        used = self.used()
        frame = self.frame.iloc[:, 1 : 1 + len(used)].set_axis([column.name for column in used], axis=1)
        return frame.astype({column.name: "float64" if column.is_number else object for column in used})


def _usable(source: Source, fitted: Fitted, section: ExternalSource, findings: Findings) -> ExternalSource:
    """The section without what its lists name wrongly, or once more than once; all of that is told of, list by list."""
    scan = fitted.scans[0]
    nothing: dict[str, Any] = {"features": None, "ignore": (), "labels": (), _OWN: None}
    key = nfc(source.names["store_id"])
    unnamed = set(scan.all_names) - {key, *scan.behind.get(key, ())}
    good: dict[str, Any] = dict(nothing)
    for setting in _LISTS:
        narrowed = msgspec.structs.replace(section, **{**nothing, setting: getattr(section, setting)})
        with findings.attempt(_name(source)):
            external._offered(source, scan, narrowed)
        named = dict.fromkeys(nfc(name) for name in getattr(section, setting) or ())
        good[setting] = tuple(name for name in named if name in unnamed) or nothing[setting]
        unnamed -= set(named)
    with findings.attempt(_name(source)):
        external._offered(source, scan, msgspec.structs.replace(section, **{**nothing, _OWN: section.categorical}))
    there = {
        setting: tuple(name for name in getattr(section, setting) or () if nfc(name) in scan.all_names)
        for setting in _LISTS
    }
    with findings.attempt(_name(source)):  # a name in two of the lists
        external._offered(
            source,
            scan,
            msgspec.structs.replace(section, **(there | {"features": there["features"] or None, _OWN: None})),
        )
    if section.categorical is not None:
        good[_OWN] = tuple(name for name in section.categorical if nfc(name) in scan.all_names)
    return msgspec.structs.replace(section, **good)


def _say_unnamed(name: str, fitted: Fitted, section: ExternalSource, findings: Findings) -> None:
    scan = fitted.raw_scans[0]
    unnamed = [str(position) for position, (column, _) in enumerate(scan.columns, start=1) if not column]
    if unnamed and section.features is None:
        findings.doubt(
            name,
            f"{scan.files[0]}: {counted(len(unnamed), 'column has', 'columns have')} no name in the header (position "
            f"{listed(unnamed)}) and will not be used; name them in the file, or remove them",
        )


def _name(source: Source) -> str:
    position = source.setting.removeprefix("sources.external[").removesuffix("]")
    return f"external.{position}"


def _read(
    connection: duckdb.DuckDBPyConnection, name: str, fitted: Fitted, usable: ExternalSource, offered: list[str]
) -> _Rows:
    categorical = [nfc(column) for column in usable.categorical or ()]
    columns = kinds.classify(connection, fitted.scans, offered, categorical, asked=usable.features is not None)
    used = [column for column in columns if not column.reason]
    labels = [nfc(label) for label in usable.labels]
    table = f"check_{name}"
    key = fitted.source.names["store_id"]
    selects = [external._select(scan, key, used, labels) for scan in fitted.scans]
    create(connection, table, external.alike_once(union(fitted.scans, selects)))
    frame = external.rows_of(connection, table, "ALL")
    total = int(row(connection, f"SELECT COALESCE(SUM(row_count), 0) FROM {identifier(table)}")[0])
    return _Rows(name, table, tuple(columns), tuple(labels), frame, total)


def _check_values(
    connection: duckdb.DuckDBPyConnection, read: _Rows, fitted: Fitted, key: str, findings: Findings
) -> None:
    if fitted.has("store_id"):
        with findings.attempt(read.name):
            external._check_stores(connection, fitted.source, read.table, key)
        connection.execute(f"DELETE FROM {identifier(read.table)} WHERE store_id IS NULL")
        if row(connection, f"SELECT COUNT(*) FROM {identifier(read.table)}")[0]:
            with findings.attempt(read.name):
                external._check_stores(connection, fitted.source, read.table, key)
    with findings.attempt(read.name):
        external._check_finite(fitted.source, read.features())


def _named(fitted: Fitted, section: ExternalSource) -> list[Column]:
    """The columns that the config names and no file has."""
    return [
        schemas.column(fitted.raw_scans, name, setting.removesuffix("s") if setting != "ignore" else "ignored")
        for setting in _LISTS
        for name in getattr(section, setting) or ()
        if nfc(name) not in fitted.raw_scans[0].all_names
    ]


def _seen(
    read: _Rows,
    fitted: Fitted,
    usable: ExternalSource,
    files: tuple[str, ...],
    seen_columns: list[Column],
    findings: Findings,
) -> OutsideSeen:
    frame = read.frame
    counts = [int(count) for count in frame.isna().sum()]
    nulls = dict(zip([*(column.name for column in read.used()), *read.labels], counts[1:], strict=True))
    if fitted.has("store_id"):
        seen_columns[0] = schemas.column(fitted.raw_scans, seen_columns[0].name, "store_id", {"store_id": counts[0]})
    roles = {column.name: "" if column.reason else "feature" for column in read.columns}
    roles |= dict.fromkeys(read.labels, "label") | {nfc(name): "ignored" for name in usable.ignore}
    for name, role in roles.items():
        seen_columns.append(
            schemas.column(fitted.raw_scans, name, role, {role: nulls[name]} if name in nulls else None)
        )
    unused = schemas.unused(fitted.raw_scans, [each.name for each in seen_columns])
    stores = frame["store_id"]
    facts = {"stores": int(stores.nunique())} if fitted.has("store_id") else {}
    seen = SourceSeen(read.name, files, read.total, tuple(seen_columns), unused, facts)
    if not fitted.has("store_id") or not facts["stores"]:
        return OutsideSeen(seen, fitted.source)
    usable_rows = (stores.notna() & ~stores.duplicated()).to_numpy()
    features = read.features()[usable_rows].set_index(stores[usable_rows].rename("store_id"))
    numeric = features.select_dtypes("float64")
    features[numeric.columns] = numeric.where(np.abs(numeric) <= external._LARGEST)
    for doubt in (doubt for scan in fitted.raw_scans for doubt in scan.doubts):
        findings.doubt(read.name, doubt)
    for doubt in external.doubts_of(fitted.source, usable, read.columns, features.sort_index()):
        findings.doubt(read.name, doubt)
    ignored = tuple((column.name, column.reason) for column in read.columns if column.reason)
    return OutsideSeen(seen, fitted.source, read.table, features, ignored, read.labels)
