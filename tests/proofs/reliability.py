"""Counts of what the proofs tried, kept where `pytest --reliability FOLDER` asks for it; `docs/generate.py` makes the page."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest


def add(config: pytest.Config, proof: str, counts: Mapping[str, int]) -> None:
    """Keep these counts of a proof; those of its other parts are added to them by whoever reads the folder."""
    folder = config.getoption("--reliability")
    if folder is None:
        return
    name = re.sub(r"[^a-z0-9]+", "-", proof.lower()).strip("-")
    path = Path(folder) / f"{name}-{uuid.uuid4().hex[:8]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"proof": proof, **counts}))
