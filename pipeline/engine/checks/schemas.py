"""Check a source's files and needed columns one by one, so that an error does not hide the next error.

A column that is missing or unfit is noted, and a constant stands in for it: what is said of the other columns' values
does not wait for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from pipeline.engine.checks.findings import ABSENT, Column, Findings
from pipeline.engine.reading import keys
from pipeline.engine.reading.raw import require, require_keys, scans
from pipeline.engine.reading.scan import RawColumn, Scan, nfc
from pipeline.engine.reading.source import Source
from pipeline.errors import RawDataError
from pipeline.wording import counted

_SHOWN = 3  # of the nearest names
_KEY_STAND_IN = RawColumn("'(unknown)'", "VARCHAR")
_NUMBER_STAND_IN = RawColumn("CAST(1 AS DOUBLE)", "DOUBLE")


@dataclass(frozen=True)
class Wanted:
    """A column in the config: its use, its raw name, and whether it must be a key or a number."""

    use: str
    name: str
    is_key: bool

    @property
    def stand_in(self) -> RawColumn:
        """The constant that replaces the column in every row."""
        return _KEY_STAND_IN if self.is_key else _NUMBER_STAND_IN


@dataclass(frozen=True)
class Fitted:
    """The raw scans, the readable scans, and the uses that a constant replaces in some scans."""

    source: Source
    raw_scans: tuple[Scan, ...]
    scans: tuple[Scan, ...]
    unfit: frozenset[str]

    def has(self, *uses: str) -> bool:
        """Whether the file's own values are read for all of these."""
        return not self.unfit.intersection(uses)


def readable(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, findings: Findings
) -> tuple[Source, list[Scan]]:
    """Open every file, and note unreadable files. The remaining source may have no file."""
    every: list[str] = []
    with Findings().attempt(name, every):
        raw_scans = scans(connection, source)
    if not every:
        return source, raw_scans
    good = []
    for path in source.files:
        mine: list[str] = []
        with findings.attempt(name, mine):
            scans(connection, replace(source, files=(path,)))
        if not mine:
            good.append(path)
    findings.skip(
        name,
        f"{len(source.files) - len(good)} of its {counted(len(source.files), 'file', 'files')}, until they can be read",
    )
    left = replace(source, files=tuple(good))
    return left, scans(connection, left)


def fit(name: str, source: Source, raw_scans: Sequence[Scan], wanted: Sequence[Wanted], findings: Findings) -> Fitted:
    """Check every wanted column in every scan, and replace unreadable columns by constants."""
    unfit: set[str] = set()
    fitted = []
    for scan in raw_scans:
        instead: dict[str, RawColumn] = {}
        for each in wanted:
            failed: list[str] = []
            with Findings().attempt(name, failed):
                _check(source, scan, each)
            if failed:
                instead[nfc(each.name)] = each.stand_in
                if each.use not in unfit:  # once for all files
                    findings.error(name, failed[0])
                unfit.add(each.use)
        fitted.append(_with(scan, instead))
    return Fitted(source, tuple(raw_scans), tuple(fitted), frozenset(unfit))


def _check(source: Source, scan: Scan, wanted: Wanted) -> None:
    require(source, [scan], {f"columns.{wanted.use}": wanted.name})
    if wanted.is_key:
        require_keys(source, [scan], {wanted.use: wanted.name})
        return
    column = scan[wanted.name]
    if column.written is None and not keys.is_number(column.type):
        raise RawDataError(
            f"{scan.title}: column '{wanted.name}' is of type {column.type}, where {wanted.use} must be a number; "
            f"write it as one, or set columns.{wanted.use} in [{source.setting}]"
        )


def _with(scan: Scan, instead: Mapping[str, RawColumn]) -> Scan:
    errors = {name: message for name, message in scan.errors.items() if name not in instead}
    return replace(scan, derived=(*scan.derived, *instead.items()), errors=errors)


def column(
    raw_scans: Sequence[Scan], name: str, used_as: str, nulls: Mapping[str, int] | None = None, *, unfit: bool = False
) -> Column:
    """The description of a column; a replaced column has no count."""
    normal_name = nfc(name)
    lacking = next((scan for scan in raw_scans if not scan.has(name)), None)
    if lacking is not None:
        return Column(name, used_as, ABSENT, nearest=tuple(nearest(name, lacking.all_names)))
    types = {type_of(dict([*scan.in_folders, *scan.columns, *scan.derived])[normal_name]) for scan in raw_scans}
    return Column(name, used_as, " or ".join(sorted(types)), None if unfit or nulls is None else nulls.get(used_as))


def type_of(raw: RawColumn) -> str:
    """A column's type in words."""
    return raw.type if raw.written is None else "text"


def nearest(name: str, names: Sequence[str]) -> list[str]:
    """The nearest names, ignoring case, the nearest first."""
    folded = {each.casefold(): each for each in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=_SHOWN)
    return [folded[each] for each in close]


def unused(raw_scans: Sequence[Scan], used: Sequence[str]) -> tuple[str, ...]:
    """The columns that nothing names, in the order of the files."""
    taken = {nfc(name) for name in used}
    taken |= {part for scan in raw_scans for name, parts in scan.behind.items() if name in taken for part in parts}
    every = dict.fromkeys(name for scan in raw_scans for name in scan.names)
    return tuple(name for name in every if name not in taken)
