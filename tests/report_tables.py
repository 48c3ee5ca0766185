"""Published tables for report and workbook: small, with names that are out to do harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import tables
from pipeline.freshness.traces import slug
from pipeline.report.source import Source
from pipeline.schema import TABLES

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "<script>document.title='owned'</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"quoted\" & 'quoted'",
    "x" * 300,
    "🍞 bread",
    "قهوة عربية",
)
NEEDS = ("@need", "<b>bold</b>", "plain", "{{ 7 * 7 }}")
_FILLED: dict[str, Any] = {"text": "", "integer": 1, "float": 0.5, "boolean": False, "money": 100}


def frame(name: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of a table; a column that a row leaves out is filled by its type."""
    columns = TABLES[name].columns
    defaults = {column.frame_name: _FILLED[column.type] for column in columns}
    made = pd.DataFrame([defaults | dict(row) for row in rows], columns=list(defaults))
    whole = [column.name for column in columns if column.type == "integer"]
    return made.astype(dict.fromkeys(whole, "Int64"))


def source(folder: Path, categories: Sequence[str] = HOSTILE, stores: int = 24, **changed: Any) -> Source:
    """Tables of these categories, each with three clusters, written below `folder`."""
    names = [f"={number:03d}" if number % 2 else f"<i>{number:03d}</i>" for number in range(stores)]
    made: dict[str, list[pd.DataFrame]] = {"store_labels": [frame("store_labels", _labels(names))]}
    made["external_clusters"] = [frame("external_clusters", [{"store_id": store} for store in names])]
    made["external_verdicts"] = [frame("external_verdicts", [{"verdict": "no structure", "reason": "<u>why</u>"}])]
    made["categories"] = [frame("categories", [{"category": name, "file": slug(name)} for name in categories])]
    made["need_state_coverage"] = [frame("need_state_coverage", [{"category": name} for name in categories])]
    made["excluded_stores"] = [
        frame("excluded_stores", [{"store_id": "-gone", "category": categories[0], "reason": "+1+1"}])
    ]
    made["external_feature_report"] = [frame("external_feature_report", [{"feature": "<s>age</s>", "action": "kept"}])]
    for name in ("sales_by_need_state", "store_clusters", "internal_clusters", "internal_features", "merged_clusters",
                 "internal_verdicts", "internal_k_selection", "reassignments", "overrides_applied"):  # fmt: skip
        made[name] = []
    for number, category in enumerate(categories):
        for name, rows in _category(category, names, np.random.default_rng(number)).items():
            made[name].append(frame(name, [{"category": category} | row for row in rows]))
    return Source(_written(folder, made), "dev", **changed)


def _labels(names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"store_id": store, "label": "@NAME", "value": f"=town {store}"} for store in names]


def _category(category: str, names: Sequence[str], random: np.random.Generator) -> dict[str, list[dict[str, Any]]]:
    clusters = [1 + (3 * position) // len(names) for position in range(len(names))]
    cents = random.integers(1, 1000, (len(names), len(NEEDS)))
    shares = cents / cents.sum(axis=1, keepdims=True)
    each = list(zip(names, clusters, strict=True))
    return {
        "sales_by_need_state": [
            {"store_id": store, "need_state": need, "sales_cents": int(cents[at, column]), "share": shares[at, column]}
            for at, store in enumerate(names)
            for column, need in enumerate(NEEDS)
        ],
        "store_clusters": [
            {"store_id": store, "cluster": cluster, "internal_cluster": cluster, "status": "both", "reassigned": at == 0}
            for at, (store, cluster) in enumerate(each)
        ],
        "internal_clusters": [
            {"store_id": store, "cluster": cluster, "next_cluster": 1 + cluster % 3, "confidence": 0.25 + 0.03 * at,
             "silhouette": round(float(random.uniform(-1, 1)), 2), "is_outlier": at == 1}
            for at, (store, cluster) in enumerate(each)
        ],
        "internal_features": [
            {"store_id": store, "feature": need, "value": shares[at, column]}
            for at, store in enumerate(names)
            for column, need in enumerate(NEEDS)
        ],
        "merged_clusters": [
            {"cluster": cluster, "internal_cluster": cluster, "stores": clusters.count(cluster), "name": f"=high <{cluster}>"}
            for cluster in (1, 2, 3)
        ],
        "internal_verdicts": [{"verdict": "tiers", "k": 3, "reason": f"<em>{category}</em>"}],
        "internal_k_selection": [{"k": k, "bic": 100.0 - k, "chosen": k == 3} for k in (1, 2, 3, 4)],
        "overrides_applied": [
            {"store_id": names[2], "to_cluster": 1, "reason": "=SUM(A1)", "applied": True},
            {"store_id": "@gone", "to_cluster": 2, "reason": "<b>why</b>", "note": "not applied: -1"},
        ],
        "reassignments": [{"store_id": names[0], "from_cluster": 4, "from_cell": "=1 x 2", "to_cell": "1 x 1"}],
    }  # fmt: skip


def _written(folder: Path, made: Mapping[str, Sequence[pd.DataFrame]]) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {}
    for name, parts in made.items():
        for part in parts:
            per_category = name == "sales_by_need_state"
            path = (
                folder
                / name
                / f"{slug(part['category'].iloc[0]) if per_category else len(files.get(name, ()))}.parquet"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            tables.write(part, TABLES[name], path)
            files.setdefault(name, []).append(path)
    return files
