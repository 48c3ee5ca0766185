"""python -m benchmarks.rows.same_clusters OUTPUTS PLAIN: are the tables of a full run those of the plain script?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

# The stages read what was rounded to ten decimals, the script what was not.
TOLERANCE = 1e-6
ONLY_OURS = ("delivered_sales", "delivered_stores")  # checks of the raw files, which the script has not


def main() -> None:
    outputs, plain = map(Path, sys.argv[1:3])
    tables, rows, wrong = 0, 0, []
    for path in sorted(path for path in plain.glob("*.parquet") if path.stem not in ONLY_OURS):
        ours = pd.concat([pd.read_parquet(part) for part in _published(path.stem, outputs)], ignore_index=True)
        theirs = pd.read_parquet(path)
        tables, rows = tables + 1, rows + len(theirs)
        wrong += [f"{path.stem}: {fault}" for fault in _differences(ours, theirs)]
    if wrong or not tables:
        raise SystemExit("\n".join(wrong) or f"{plain}: no tables")
    print(json.dumps({"tables": tables, "rows": rows}))


def _published(table: str, outputs: Path) -> list[Path]:
    """The files of a table: one, or one per category. Both preprocessings publish what they excluded; merging has it all."""
    if table == "excluded_stores":
        return [outputs / "merging" / f"{table}.parquet"]
    return list(outputs.glob(f"*/{table}.parquet")) or sorted(
        (outputs / "internal_preprocessing" / table).glob("*.parquet")
    )


def _differences(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[str]:
    order = [name for name in ours if ours[name].dtype == "str" or ours[name].dtype == "int64"]
    ours, theirs = (
        frame.drop(columns="file", errors="ignore").sort_values([n for n in order if n != "file"], ignore_index=True)
        for frame in (ours, theirs)
    )
    try:
        pd.testing.assert_frame_equal(ours, theirs[ours.columns], atol=TOLERANCE, rtol=TOLERANCE)
    except AssertionError as error:
        return [str(error)[:600]]
    return []


if __name__ == "__main__":
    main()
