"""Sample data: planted raw files with a known truth, made where a developer has none."""

from __future__ import annotations

from pipeline.sample.files import write
from pipeline.sample.marker import is_sample

__all__ = ["write", "is_sample"]
