"""Merging: internal and external clusters become the final ones, and no store is lost on the way."""

from __future__ import annotations

from pipeline.core.merging.join import merge

__all__ = ["merge"]
