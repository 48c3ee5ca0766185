"""uv run python -m benchmarks.quality.other_weeks [--seeds A-B]: is it true what is said of other weeks?

Real sales (The Complete Journey): each category is clustered on one half of its weeks, as a run would, and what it says is compared with the
other half, which it did not see. Two kinds of halves: the weeks alternate, or follow each other. Planted sets: shapes of the shared yardstick
in weeks. Prints tables; docs/decisions/0016 quotes them.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score

from benchmarks.quality.real import raw
from pipeline.core.internal.clustering import cluster_category
from pipeline.core.internal.preprocessing import preprocess
from pipeline.core.statistics.features import mix, positive_sales
from pipeline.schema import BLOCK_CENTS, BLOCKS
from pipeline.settings import Internal

SHAPES = Path(__file__).resolve().parents[3] / "shared" / "quality" / "shapes.py"
EXPECTED = {"base": ("yes",), "fades": ("partly",), "gone": ("no",), "thin": ("partly", "no")}
SETTINGS = Internal()
_KEY = ["store_id", "category", "need_state"]


def with_blocks(rows: pd.DataFrame) -> pd.DataFrame:
    """store_id, category, need_state, week, sales_cents -> sales as the engine gives them, with their blocks of weeks."""
    ranks = rows["week"].rank(method="dense").astype("int64") - 1
    weeks = ranks.max() + 1
    block = 2 * (ranks * (BLOCKS // 2) // weeks) + ranks % 2
    wide = rows.assign(block=block).pivot_table(
        index=_KEY, columns="block", values="sales_cents", aggfunc="sum", fill_value=0
    )
    wide = wide.reindex(columns=range(BLOCKS), fill_value=0).set_axis(list(BLOCK_CENTS), axis=1).reset_index()
    return wide.assign(sales_cents=wide[list(BLOCK_CENTS)].sum(axis=1))


def clustered(rows: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """A category's tables, and its sales_by_need_state."""
    nobody = pd.DataFrame({"store_id": pd.Series(dtype="str")})
    made = preprocess(sales=with_blocks(rows), unchosen_stores=nobody, settings=SETTINGS.preprocessing)
    tables = cluster_category(
        sales_by_need_state=made["sales_by_need_state"],
        sales_by_block=made["sales_by_block"],
        settings=SETTINGS.clustering,
    )
    return tables, made["sales_by_need_state"]


def explained(roots: pd.DataFrame, clusters: pd.Series[int]) -> float:
    """The share of the variance of roots of shares that the clusters explain."""
    centred = roots - roots.mean()
    means = centred.groupby(clusters).transform("mean")
    return float(np.square(means).sum(axis=None) / np.square(centred).sum(axis=None))


def real(folder: Path) -> Iterator[dict[str, Any]]:
    """A row per category, kind of halves, and half that was clustered."""
    sales = pd.read_parquet(folder / "internal_sales.parquet")
    needs = pd.read_csv(folder / "need_state.csv")[["SKU_NBR", "CAT_DSC", "NEED_STATE"]].drop_duplicates(
        ["SKU_NBR", "CAT_DSC"]
    )
    rows = sales.merge(needs, on=["SKU_NBR", "CAT_DSC"])
    rows = pd.DataFrame(
        {
            "store_id": rows["STORE_NBR"].astype(str),
            "category": rows["CAT_DSC"],
            "need_state": rows["NEED_STATE"],
            "week": rows["WEEK"],
            "sales_cents": (rows["TOTAL_SALES"] * 100).round().astype("int64"),
        }
    )
    kinds = {"alternate": rows["week"] % 2 == 0, "follow": rows["week"] <= rows["week"].max() // 2}
    for name, of_category in rows.groupby("category"):
        for kind, first in kinds.items():
            halves = [of_category[first[of_category.index] == side] for side in (True, False)]
            results = [clustered(half) for half in halves]
            shares = [mix(positive_sales(by_need), 0.0).shares for _, by_need in results]
            for here, (tables, _) in enumerate(results):
                yield {"category": name, "kind": kind} | _compared(
                    tables, results[1 - here][0], shares[here], shares[1 - here]
                )


def _compared(
    tables: Mapping[str, pd.DataFrame], others: Mapping[str, pd.DataFrame], here: pd.DataFrame, there: pd.DataFrame
) -> dict[str, Any]:
    verdict, clusters = tables["internal_verdicts"].iloc[0], tables["internal_clusters"].set_index("store_id")
    of_others = others["internal_clusters"].set_index("store_id")["cluster"]
    stores = here.index.intersection(there.index).intersection(clusters.index).intersection(of_others.index)
    rare = here.columns[here.mean() < SETTINGS.clustering.min_need_state_share]
    roots = []
    for shares in (here, there):
        joint = shares.reindex(columns=here.columns, fill_value=0.0).loc[stores]
        joint = joint.drop(columns=rare).assign(rare=joint[rare].sum(axis=1))
        roots.append(np.sqrt(joint.div(joint.sum(axis=1).where(lambda total: total > 0, 1.0), axis=0)))
    before, after = (explained(root, clusters["cluster"].loc[stores]) for root in roots)
    return {
        "k": int(verdict["k"]), "holds": verdict["holds"], "said": verdict["kept"], "low": verdict["kept_low"], "high": verdict["kept_high"],
        "left": after / before if before > 0 and verdict["k"] > 1 else np.nan,
        "confidence": clusters["confidence"].mean(), "flips": clusters["flips"].mean(),
        "moved": 1.0 - adjusted_rand_score(clusters["cluster"].loc[stores], of_others.loc[stores]),
    }  # fmt: skip


def planted(seeds: range) -> Iterator[dict[str, Any]]:
    """A row per shape and seed."""
    spec = importlib.util.spec_from_file_location("yardstick_shapes", SHAPES)
    if spec is None or spec.loader is None or not SHAPES.exists():
        return
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for shape in EXPECTED:
        for seed in seeds:
            sales, _ = module.shaped(shape, seed=seed, weeks=52)
            rows = pd.DataFrame(
                {
                    "store_id": sales["STORE_NBR"].astype(str),
                    "category": shape,
                    "need_state": sales["NEED_STATE"],
                    "week": sales["WEEK"],
                    "sales_cents": (sales["TOTAL_SALES"] * 100).round().astype("int64"),
                }
            )
            verdict = clustered(rows)[0]["internal_verdicts"].iloc[0]
            yield {"shape": shape, "seed": seed} | verdict[
                ["k", "holds", "kept", "kept_low", "kept_high", "still_explained", "outdated"]
            ].to_dict()


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.quality.other_weeks", description=__doc__)
    parser.add_argument("--seeds", default="300-319", help="of the planted shapes")
    first, _, last = parser.parse_args().seeds.partition("-")
    shapes = pd.DataFrame(planted(range(int(first), int(last or first) + 1)))
    if len(shapes):
        shapes["right"] = [
            holds in EXPECTED[shape] for shape, holds in zip(shapes["shape"], shapes["holds"], strict=True)
        ]
        print(shapes.groupby("shape").agg(sets=("seed", "size"), right=("right", "mean"), k=("k", "median"), kept=("kept", "mean"), lowest=("kept", "min"),
              highest=("kept", "max"), still_explained=("still_explained", "mean"), outdated=("outdated", "mean")).round(2).to_string())  # fmt: skip
    folder = raw()
    if folder is None:
        return
    rows = pd.DataFrame(real(folder))
    several = rows[rows["k"] > 1]
    several = several.assign(inside=several["left"].clip(upper=1.0).between(several["low"], several["high"]))
    print(several.groupby(["kind", "holds"]).agg(sets=("k", "size"), k=("k", "mean"), said=("said", "mean"), left=("left", "mean"), median=("left", "median"),
          inside=("inside", "mean"), confidence=("confidence", "mean")).round(2).to_string())  # fmt: skip
    for kind, part in several.groupby("kind"):
        known = part.dropna(subset=["said", "left"])
        ranks = {name: spearmanr(known[name], known["left"]).statistic for name in ("said", "confidence", "flips")}
        print(kind, len(known), {name: round(float(rank), 2) for name, rank in ranks.items()})
    print("one cluster:", rows[rows["k"] == 1].groupby(["kind", "holds"]).size().to_dict())


if __name__ == "__main__":
    main()
