"""Merging: internal and external clusters become the final clusters, and no store is lost."""

from __future__ import annotations

from pipeline.core.merging.contribution import contribution_rows, earned
from pipeline.core.merging.join import Candidate, candidates, category_stores, joined, merge
from pipeline.core.merging.outcome import distances, is_by_mix_alone, nearness

__all__ = [
    "Candidate",
    "candidates",
    "category_stores",
    "contribution_rows",
    "distances",
    "earned",
    "is_by_mix_alone",
    "joined",
    "merge",
    "nearness",
]
