"""Good raw files for a check to begin with, and what a check found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from projects import raw_frames

from pipeline.engine.checks.all_sources import Report

Check = Callable[..., Report]


def frames() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Good raw files, whose two features do not say the same."""
    sales, needs, external = raw_frames()
    return sales, needs, external.assign(AGE=30.5 + external["STORE"] % 7)


def overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = overlaid(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def errors(report: Report) -> list[str]:
    return [str(one) for one in report.errors]


def only(found: tuple[Any, ...]) -> str:
    """The one line of these."""
    assert len(found) == 1, [str(one) for one in found]
    assert found[0].text.isprintable()
    return str(found[0])


def settings_of(source: str, **columns: str) -> dict[str, Any]:
    return {"sources": {source: {"columns": columns}}}
