"""The cases of ../shared/data/found: each a project folder that is read as a run reads it, with or without the setting that settles it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.engine import external, internal
from pipeline.engine.checks.all_sources import Report, look
from pipeline.settings import Engine, Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


@dataclass(frozen=True)
class Case:
    """A folder with configs and raw files, read in this process."""

    home: Path
    engine: Engine

    def _read(self, more: dict[str, Any]) -> tuple[dict[str, list[str]], Settings]:
        config = tomllib.loads((self.home / "configs" / "base.toml").read_text())
        outside = more.pop("external", None)
        if outside:
            config["sources"]["external"][0].update(outside)
        settings = msgspec.convert(merged(config, more), Settings)
        sources = {"internal_sales": settings.sources.internal_sales, "need_states": settings.sources.need_states}
        sources |= {f"external.{n}": one for n, one in enumerate(settings.sources.external)}
        return {name: self._files(one.path) for name, one in sources.items()}, settings

    def _files(self, path: str) -> list[str]:
        whole = self.home / path
        return sorted(str(one) for one in whole.iterdir()) if whole.is_dir() else [str(whole)]

    def check(self, **more: Any) -> Report:
        """What `check` says, with these settings on top."""
        files, settings = self._read(more)
        return look(files, settings, self.engine)

    def errors(self, **more: Any) -> list[str]:
        return [str(one) for one in self.check(**more).errors]

    def doubts(self, **more: Any) -> list[str]:
        return [str(one) for one in self.check(**more).doubts]

    def gathered(self, **more: Any) -> dict[str, Any]:
        """What a run reads of the sales."""
        files, settings = self._read(more)
        return internal.gather(files, settings.sources, settings.internal.preprocessing, self.engine)

    def sales(self, **more: Any) -> dict[str, float]:
        """The sales of each category."""
        frame = self.gathered(**more)["sales"]
        return (frame.groupby("category")["sales_cents"].sum() / 100).to_dict()

    def outside(self, **more: Any) -> dict[str, Any]:
        """What a run reads of the outside data."""
        files, settings = self._read(more)
        return external.gather(files, settings.sources, self.engine)
