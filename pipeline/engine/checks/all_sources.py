"""Check the raw files before a build: all missing, wrong or doubtful data of all sources at once.

First each source's schema, column by column; then the values of the columns that are there; then what the sources have
in common. The checks are those of the run itself (`engine.internal`, `engine.need_states`, `engine.external`, `core`),
each on its own, so that one fault does not hide the next. Sales are summed in DuckDB, within its memory limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipeline.engine import need_states, overrides
from pipeline.engine.checks import across, categories, features, mapping, outside, overridden, sales
from pipeline.engine.checks.findings import Finding, Findings, SourceSeen
from pipeline.engine.checks.mapping import MapSeen
from pipeline.engine.checks.outside import OutsideSeen
from pipeline.engine.checks.overridden import OverridesSeen
from pipeline.engine.checks.sales import SalesSeen
from pipeline.engine.connections import connect
from pipeline.engine.reading.source import Source, flat, flat_sources
from pipeline.settings import Engine, Settings


@dataclass(frozen=True)
class Report:
    """The result of a check of the raw files: the sources, the errors that would fail a run, the doubts, and the skipped checks."""

    sources: tuple[SourceSeen, ...]
    errors: tuple[Finding, ...]
    doubts: tuple[Finding, ...]
    not_looked_at: tuple[Finding, ...]


def look(files: Mapping[str, Sequence[str]], settings: Settings, engine: Engine) -> Report:
    """Check the raw files of every source.

    Parameters
    ----------
    files : absolute paths by source (`internal_sales`, `need_states`, `external.<position>`, `overrides`); a source without files
        is left out, or empty: that it is missing is for the caller to say
    settings : of the environment
    engine : memory, threads, and where to spill

    Raises
    ------
    PipelineError : memory or spill space ran out; faults of the data are in the report
    """
    findings = Findings()
    with connect(
        [path for paths in files.values() for path in paths],
        memory_limit=engine.memory_limit,
        threads=engine.threads,
        spill=engine.spill_folder,
    ) as connection:
        of_map = Findings()  # looked at first, since sales may take their category from it, and told of after them
        mapped = _mapping(connection, files, settings, of_map)
        sold = _sales(connection, files, settings, mapped, findings)
        findings.add(of_map)
        surroundings = _outside(connection, files, settings, findings)
        by_hand = _overrides(connection, files, settings, findings)
        across.collect(connection, sold, mapped, surroundings)
        sources = settings.sources
        if sources.need_states is not None:
            categories.say_coverage(connection, sold, mapped, settings.internal.preprocessing, findings)
        if sources.internal_sales is not None:
            categories.say_categories(connection, sold, settings, findings)
        if sources.need_states is not None:
            say_only_ones(connection, sold, mapped, findings)
            mapping.say_weights(connection, mapped, settings.internal.clustering, findings)
        features.say_features(surroundings, settings, findings)
        if sources.internal_sales is not None and sources.external:
            across.say_stores(connection, sold, surroundings, findings)
        across.say_named(connection, sold, surroundings, settings.stores, findings)
        across.say_spellings(connection, findings)
        if by_hand is not None:
            has_reference = settings.references.final is not None
            overridden.say_unknown(connection, by_hand, sold, surroundings, findings, has_reference=has_reference)
    return Report(
        (sold.seen, mapped.seen, *(each.seen for each in surroundings), *([by_hand.seen] if by_hand else [])),
        tuple(findings.errors),
        tuple(findings.doubts),
        tuple(findings.not_looked_at),
    )


def say_only_ones(connection: duckdb.DuckDBPyConnection, sold: SalesSeen, mapped: MapSeen, findings: Findings) -> None:
    """Report a doubt if most categories have a single need state."""
    if mapped.fitted is None or not sold.has("store_id", "sku_id", "category", "sales_value"):
        return
    if mapped.has("sku_id", "need_state", "category"):
        for doubt in need_states.only_ones(connection, mapped.fitted.source):
            findings.doubt(mapping.NAME, doubt)


def _sales(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Sequence[str]],
    settings: Settings,
    mapped: MapSeen,
    findings: Findings,
) -> SalesSeen:
    section = settings.sources.internal_sales
    if section is None:
        return SalesSeen(SourceSeen(sales.NAME, ()))
    source = Source.of("sources.internal_sales", files.get(sales.NAME, ()), section)
    chosen, has_map = settings.internal.preprocessing, mapped.has("sku_id", "category")
    sources = flat_sources(settings.sources)
    return sales.look(connection, source, sources, flat(section), chosen, findings, has_map=has_map)


def _mapping(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Sequence[str]],
    settings: Settings,
    findings: Findings,
) -> MapSeen:
    section = settings.sources.need_states
    if section is None:
        return MapSeen(SourceSeen(mapping.NAME, ()))
    source = Source.of("sources.need_states", files.get(mapping.NAME, ()), section)
    return mapping.look(connection, source, flat(section), findings)


def _outside(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Sequence[str]],
    settings: Settings,
    findings: Findings,
) -> list[OutsideSeen]:
    surroundings = []
    for position, section in enumerate(settings.sources.external):
        name = f"external.{position}"
        source = Source.of(f"sources.external[{position}]", files.get(name, ()), section)
        surroundings.append(outside.look(connection, name, source, section, findings))
    return surroundings


def _overrides(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Sequence[str]],
    settings: Settings,
    findings: Findings,
) -> OverridesSeen | None:
    section = settings.sources.overrides
    if section is None:
        return None
    source = Source.of(overrides.SETTING, files.get(overridden.NAME, ()), section)
    return overridden.look(connection, source, findings)
