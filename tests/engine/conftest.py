"""Raw files made on the spot, and the gather functions called on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from engine import workbooks
from engine.checked_files import Check, frames, overlaid
from engine.given import MAP
from projects import SETTINGS

from pipeline.engine import external, internal
from pipeline.engine.checks.all_sources import Report, look
from pipeline.engine.reading import excel_files, workbook_process
from pipeline.settings import (
    Engine,
    ExternalSource,
    InternalPreprocessing,
    NeedStateColumns,
    NeedStateSource,
    SalesColumns,
    SalesSource,
    Settings,
    Sources,
)


@pytest.fixture(autouse=True)
def _workbooks_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own for each workbook would take most of the time; tests/hostile reads them as a run does."""
    monkeypatch.setattr(workbook_process, "read", lambda *asked, memory, folder: excel_files.read(*asked))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(spill_folder=str(tmp_path / "spill"), threads=1)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a file, and its folder: bytes and text as they are, a table or sheets by name as what the name says."""

    def written(name: str, content: bytes | str | pd.DataFrame | Mapping[str, workbooks.Rows]) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path) if name.endswith(".parquet") else content.to_csv(path, index=False)
        elif isinstance(content, Mapping):
            workbooks.ods(path, content) if name.endswith(".ods") else workbooks.xlsx(path, content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return written


@pytest.fixture
def gather_internal(engine: Engine, write: Callable[..., str]) -> Callable[..., dict[str, pd.DataFrame]]:
    """Gather from sales and a map, given as tables (written as Parquet) or as paths; the map is MAP where none is, None for no map."""

    def gathered(
        sales: pd.DataFrame | Sequence[str],
        mapping: pd.DataFrame | Sequence[str] | None = MAP,
        *,
        columns: dict[str, Any] | None = None,
        map_columns: dict[str, Any] | None = None,
        csv: Any = None,
        excel: Any = None,
        source: Mapping[str, Any] = {},
        **settings: Any,
    ) -> dict[str, pd.DataFrame]:
        files = {"internal_sales": [write("sales.parquet", sales)] if isinstance(sales, pd.DataFrame) else list(sales)}
        if mapping is not None:
            files["need_states"] = (
                [write("map.parquet", mapping)] if isinstance(mapping, pd.DataFrame) else list(mapping)
            )
        names = {"category": "category"} if map_columns is None else map_columns
        extra = {name: given for name, given in (("csv", csv), ("excel", excel)) if given is not None}
        sources = Sources(
            internal_sales=SalesSource(path="sales", columns=SalesColumns(**(columns or {})), **extra, **source),
            need_states=None
            if mapping is None
            else NeedStateSource(path="map", columns=NeedStateColumns(**names), **extra),
            external=(ExternalSource(path="external"),),
        )
        return internal.gather(files, sources, InternalPreprocessing(**settings), engine)

    return gathered


@pytest.fixture
def gather_external(engine: Engine, write: Callable[..., str]) -> Callable[..., dict[str, pd.DataFrame]]:
    """Gather from external sources, each a path, a list of paths or a table, or a pair of one and its settings."""

    def gathered(*given: Any) -> dict[str, pd.DataFrame]:
        files, settings = {}, []
        for position, one in enumerate(given):
            content, options = one if isinstance(one, tuple) else (one, {})
            if isinstance(content, pd.DataFrame):
                content = [write(f"external{position}.parquet", content)]
            files[f"external.{position}"] = [content] if isinstance(content, str) else content
            settings.append(ExternalSource(path="external", **options))
        sources = Sources(
            internal_sales=SalesSource(path="x"), need_states=NeedStateSource(path="x"), external=tuple(settings)
        )
        return external.gather(files, sources, engine)

    return gathered


@pytest.fixture
def check(write: Callable[..., str], engine: Engine) -> Check:
    """Check the good raw files, or others in their place: tables, or paths; None is a missing source."""

    def checked(settings: dict[str, Any] | None = None, **given: Any) -> Report:
        sales, needs, external = frames()
        sources = {"internal_sales": sales, "need_states": needs, "external.0": external} | {
            {"sales": "internal_sales", "needs": "need_states", "external": "external.0"}.get(name, name): value
            for name, value in given.items()
        }
        files = {}
        for name, content in sources.items():
            if content is not None:
                whole = [content] if isinstance(content, str | pd.DataFrame) else content
                files[name] = [
                    one if isinstance(one, str) else write(f"{name}{n}.parquet", one) for n, one in enumerate(whole)
                ]
        return look(files, msgspec.convert(overlaid(SETTINGS, settings or {}), Settings), engine)

    return checked
