"""Sample data: planted raw files with known clusters, for developers without data."""

from __future__ import annotations

from pipeline.sample.files import write
from pipeline.sample.marker import is_sample

__all__ = ["write", "is_sample"]
