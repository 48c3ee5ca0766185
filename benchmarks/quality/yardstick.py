"""The shared yardstick, where it lies beside the project: planted sets that no choice of ours was tuned to."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from benchmarks.quality.planted import PlantedSet

PATH = Path(__file__).resolve().parents[3] / "shared" / "quality" / "planted.py"


def is_there() -> bool:
    return PATH.exists()


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("yardstick_planted", PATH)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def planted(*, level: str, k: int, seed: int) -> PlantedSet:
    """A set of the yardstick, as ours are."""
    raw, truth = _module().planted(k=k, level=level, seed=seed)
    sales = raw.assign(
        store_id="s" + raw["STORE_NBR"].astype(str).str.zfill(4),
        category="Planted",
        need_state=raw["NEED_STATE"],
        sales_cents=(raw["TOTAL_SALES"] * 100).round().astype("int64"),
    )
    summed = sales.groupby(["store_id", "category", "need_state"], as_index=False)["sales_cents"].sum()
    truth.index = "s" + truth.index.astype(str).str.zfill(4)
    return PlantedSet(summed, truth)
