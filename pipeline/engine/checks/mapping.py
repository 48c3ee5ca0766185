"""The need states looked at: keys, weights, repeated rows; `mapped` is left behind, which SKU has a need state where."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipeline.config.faults import dotted
from pipeline.engine import need_states
from pipeline.engine.checks import schemas
from pipeline.engine.checks.findings import Findings, SourceSeen, some
from pipeline.engine.checks.schemas import Fitted, Wanted
from pipeline.engine.connections import create, row, rows
from pipeline.engine.reading import keys
from pipeline.engine.reading.raw import Source, reading_source
from pipeline.schema import RARE, UNMAPPED
from pipeline.settings import InternalClustering, NeedStateColumns, NeedStateSource
from pipeline.wording import counted, nearest

NAME = "need_states"
_KEY = "sku_id, map_category, need_state"
# What is wrong with weights, one after the other: each of these takes away what the check has said.
_SAID = (
    "DELETE FROM map_rows WHERE weight IS NULL OR NOT ISFINITE(weight) OR weight < 0 OR weight > 1e15",
    f"DELETE FROM map_rows WHERE ({_KEY}) IN (SELECT ({_KEY}) FROM map_rows GROUP BY {_KEY} "
    "HAVING MIN(weight) <> MAX(weight))",
)


@dataclass(frozen=True)
class MapSeen:
    """The need states as they were found. `is_loaded` says whether `mapped` is there."""

    seen: SourceSeen
    fitted: Fitted | None = None
    is_loaded: bool = False

    def has(self, *uses: str) -> bool:
        """Whether there are rows whose values of these columns can be read."""
        return self.is_loaded and self.fitted is not None and self.fitted.has(*uses)


def look(
    connection: duckdb.DuckDBPyConnection, source: Source, section: NeedStateSource, findings: Findings
) -> MapSeen:
    """Look at the need states."""
    files = source.files
    source, raw_scans = schemas.readable(connection, NAME, source, findings)
    if not raw_scans:
        return MapSeen(SourceSeen(NAME, files))
    for doubt in (doubt for scan in raw_scans for doubt in scan.doubts):
        findings.doubt(NAME, doubt)
    columns = section.columns
    names = need_states.keys_of(columns)
    used = names if columns.weight is None else {**names, "weight": columns.weight}
    fitted = schemas.fit(
        NAME, source, raw_scans, [Wanted(use, name, is_key=use in names) for use, name in used.items()], findings
    )
    failed: list[str] = []
    with findings.attempt(NAME, failed), reading_source(source):
        need_states.load_rows(connection, source, fitted.scans, columns)
    total, nulls = None, None
    if failed:
        findings.skip(NAME, "values, until its rows can be read")
    else:
        total, nulls = _check(connection, fitted, columns, findings)
    seen_columns = [
        schemas.column(fitted.raw_scans, name, use, nulls, unfit=not fitted.has(use)) for use, name in used.items()
    ]
    facts = {} if failed else _facts(connection, fitted)
    seen = SourceSeen(
        NAME, files, total, tuple(seen_columns), schemas.unused(fitted.raw_scans, list(used.values())), facts
    )
    return MapSeen(seen, fitted, not failed and bool(total))


def say_weights(
    connection: duckdb.DuckDBPyConnection, mapped: MapSeen, settings: InternalClustering, findings: Findings
) -> None:
    """Doubt weights of features for need states that are not there."""
    sections: dict[tuple[str, ...], dict[str, float]] = {(): settings.weights}
    sections |= {("category", name): own.weights or {} for name, own in settings.category.items()}
    if not any(sections.values()):
        return
    if not mapped.has("need_state"):
        findings.skip("internal.clustering.weights", "until the need states can be read")
        return
    need_state_names = [
        str(name) for (name,) in rows(connection, "SELECT DISTINCT need_state FROM map_rows ORDER BY 1")
    ]
    for path, weights in sections.items():
        for name in sorted(weights.keys() - {*need_state_names, RARE}):
            findings.doubt(
                NAME,
                f"{dotted(('internal', 'clustering', *path, 'weights', name))}: has no effect: there is no such need state"
                f"{nearest(name, need_state_names)}; correct the name, or remove it",
            )


def _check(
    connection: duckdb.DuckDBPyConnection,
    fitted: Fitted,
    columns: NeedStateColumns,
    findings: Findings,
) -> tuple[int, dict[str, int]]:
    total, *missing = row(
        connection,
        "SELECT COUNT(*), COUNT(*) - COUNT(sku_id), COUNT(*) - COUNT(need_state), COUNT(*) - COUNT(map_category), "
        "COUNT(*) - COUNT(weight_text) FROM map_rows",
    )
    with findings.attempt(NAME):
        keys.check_precise(connection, fitted.source, {("map_rows", "sku_id"): columns.sku_id})
    with findings.attempt(NAME):
        need_states._check_keys(connection, fitted.source, columns)
    if any(missing[:3]):  # else a reserved need state is hidden behind the missing keys
        connection.execute("DELETE FROM map_rows WHERE sku_id IS NULL OR need_state IS NULL OR map_category IS NULL")
        if row(connection, "SELECT COUNT(*) FROM map_rows")[0]:
            with findings.attempt(NAME):
                need_states._check_keys(connection, fitted.source, columns)
    create(connection, "mapped", "SELECT DISTINCT sku_id, map_category FROM map_rows")
    _say_repeated(connection, fitted, columns, findings)
    if columns.weight is not None and fitted.has("weight"):
        _check_weights(connection, fitted, columns.weight, findings)
    if isinstance(columns.need_state, dict):  # a row here is a row and an attribute
        total, missing = total // len(columns.need_state), [count // len(columns.need_state) for count in missing]
    return total, dict(zip(("sku_id", "need_state", "category", "weight"), missing, strict=True))


def _check_weights(connection: duckdb.DuckDBPyConnection, fitted: Fitted, weight: str, findings: Findings) -> None:
    for statement in (*_SAID, None):
        failed: list[str] = []
        with findings.attempt(NAME, failed):
            need_states._check_weights(connection, fitted.source, weight)
        if not failed or statement is None:
            return
        connection.execute(statement)


def _say_repeated(
    connection: duckdb.DuckDBPyConnection, fitted: Fitted, columns: NeedStateColumns, findings: Findings
) -> None:
    if not fitted.has(*need_states.keys_of(columns)):
        return
    twice = rows(
        connection,
        f"SELECT sku_id, SUM(extra) OVER () FROM (SELECT {_KEY}, COUNT(*) - COUNT(DISTINCT weight) AS extra FROM map_rows "
        f"GROUP BY {_KEY}, attribute HAVING COUNT(*) > COUNT(DISTINCT weight) AND COUNT(weight) = COUNT(*)) ORDER BY {_KEY} LIMIT 3",
    )
    if twice:
        findings.doubt(
            NAME,
            f"{fitted.source.title}: {counted(int(twice[0][1]), 'row is', 'rows are')} there more than once, such as those of SKU "
            f"{some(list(dict.fromkeys(sku for sku, _ in twice)))}; they count once; remove the copies",
        )


def _facts(connection: duckdb.DuckDBPyConnection, fitted: Fitted) -> dict[str, int]:
    facts = {}
    if fitted.has("sku_id"):
        facts["SKUs"] = row(connection, "SELECT COUNT(DISTINCT sku_id) FROM mapped")[0]
    if not any(use.startswith("need_state") for use in fitted.unfit):
        facts["need states"] = row(
            connection, f"SELECT COUNT(DISTINCT need_state) FROM map_rows WHERE need_state <> '{UNMAPPED}'"
        )[0]
    return facts
