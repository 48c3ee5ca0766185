"""Merging: internal and external clusters become the final clusters, and no store is lost."""

from __future__ import annotations

from pipeline.core.merging.join import category_stores, merge
from pipeline.core.merging.outcome import distances, is_by_mix_alone, nearness

__all__ = ["category_stores", "distances", "is_by_mix_alone", "merge", "nearness"]
