"""Published tables for report and workbook: small, with names that are out to do harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.freshness.traces import slug
from pipeline.report.source import Source
from pipeline.schema import TABLES
from pipeline.storage import parquet

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
OUTCOMES = {1: "a larger k is much likelier", 2: "too small a cluster", 4: "a higher criterion"}
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
    made["external_clusters"] = [
        frame("external_clusters", [
            {"store_id": store, "cluster": 1 + (3 * at) // stores} for at, store in enumerate(names)
        ])
    ]  # fmt: skip
    made["external_verdicts"] = [frame("external_verdicts", [{"verdict": "no structure", "reason": "<u>why</u>"}])]
    made["categories"] = [frame("categories", [{"category": name, "file": slug(name)} for name in categories])]
    made["need_state_coverage"] = [frame("need_state_coverage", [{"category": name} for name in categories])]
    made["excluded_stores"] = [
        frame("excluded_stores", [{"store_id": "-gone", "category": categories[0], "reason": "+1+1"}])
    ]
    made["external_feature_report"] = [frame("external_feature_report", [{"feature": "<s>age</s>", "action": "kept"}])]
    made |= _outside(names) | _chain(names, categories[0])
    for name in ("sales_by_need_state", "store_volumes", "internal_memberships", "merged_profiles", "store_clusters", "internal_clusters", "internal_features", "merged_clusters",
                 "internal_verdicts", "internal_k_selection", "reassignments", "overrides_applied"):  # fmt: skip
        made[name] = []
    for number, category in enumerate(categories):
        for name, rows in _category(category, names, np.random.default_rng(number)).items():
            made[name].append(frame(name, [{"category": category} | row for row in rows]))
    return Source(_written(folder, made), "dev", **changed)


def _outside(names: Sequence[str]) -> dict[str, list[pd.DataFrame]]:
    """Two features, the first of which is ten more in every cluster than in the one before."""
    ages = [10.0 * (1 + (3 * position) // len(names)) for position in range(len(names))]
    values = pd.DataFrame({"store_id": names, "<s>age</s>": ages, "=size": np.linspace(0, 1, len(names))})
    each = [("<s>age</s>", 10.0, 20.0, 1.0), ("=size", 0.5, 0.5, 0.0)]
    return {
        "external_features": [values],
        "external_scaled_features": [
            frame("external_scaled_features", values.melt("store_id", var_name="feature").to_dict("records"))
        ],
        "external_profiles": [
            frame("external_profiles", [
                {"cluster": cluster, "feature": name, "stores": 8, "mean": first * cluster if name[0] == "<" else first,
                 "chain_mean": chain, "eta_squared": explained}
                for cluster in (1, 2, 3) for name, first, chain, explained in each
            ])
        ],
        "external_memberships": [
            frame("external_memberships", [
                {"store_id": store, "cluster": cluster, "probability": 0.5 if at == 0 else float(cluster == 1)}
                for at, store in enumerate(names) for cluster in (1, 2)
            ])
        ],
    }  # fmt: skip


def _chain(names: Sequence[str], category: str) -> dict[str, list[pd.DataFrame]]:
    """Two clusters of all stores but the last; need states that they explain more of from one to the next, the last sold rarely."""
    return {
        "chain_clusters": [
            frame("chain_clusters", [{"store_id": store, "cluster": 1 + at % 2} for at, store in enumerate(names[:-1])])
        ],
        "chain_verdicts": [frame("chain_verdicts", [{"verdict": "tiers", "k": 2}])],
        "chain_profiles": [
            frame("chain_profiles", [
                {"cluster": cluster, "category": category, "need_state": need, "mean_share": 0.3 if at < 3 else 0.001,
                 "share_index": 100.0 * cluster + at, "eta_squared": at / 10}
                for at, need in enumerate(NEEDS) for cluster in (1, 2)
            ])
        ],
    }  # fmt: skip


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
        "store_volumes": [
            {"store_id": store, "sales_cents": int(cents[at].sum()), "volume_tier": 1 + at % 3}
            for at, store in enumerate(names)
        ],
        "internal_memberships": [
            {"store_id": store, "cluster": number, "probability": float(number == cluster) if at else (0.6, 0.4, 0.0)[number - 1]}
            for at, (store, cluster) in enumerate(each) for number in (1, 2, 3)
        ],
        "merged_profiles": [
            {"cluster": cluster, "side": "external", "feature": "<s>age</s>", "stores": clusters.count(cluster),
             "mean": 10.0 * cluster, "chain_mean": 20.0, "eta_squared": 1.0}
            for cluster in (1, 2, 3)
        ] + [
            {"cluster": cluster, "side": "internal", "feature": need, "stores": clusters.count(cluster), "eta_squared": 0.25}
            for cluster in (1, 2, 3) for need in NEEDS
        ],
        "merged_clusters": [
            {"cluster": cluster, "internal_cluster": cluster, "stores": clusters.count(cluster), "name": f"=high <{cluster}>"}
            for cluster in (1, 2, 3)
        ],
        "internal_verdicts": [{"verdict": "tiers", "k": 3, "holds": "unknown", "reason": f"<em>{category}</em>"}],
        "internal_k_selection": [{"k": k, "criterion": 90.0 - k % 4, "bic": 100.0 - k, "chosen": k == 3, "outcome": "taken" if k == 3 else OUTCOMES[k]}
            for k in (1, 2, 3, 4)],
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
            parquet.write(part, TABLES[name], path)
            files.setdefault(name, []).append(path)
    return files
