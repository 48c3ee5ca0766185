"""Raw files read as a run reads them, up to the tables of the preprocessing; in this process, or in one with limits.

As a program it reads what is asked for on standard input, a JSON line each (source, path, columns), and answers a line each: what the
tables hold, or the lines of the refusal. What ends it, is found by who started it.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core.external import preprocessing as external_preprocessing
from pipeline.core.internal import preprocessing as internal_preprocessing
from pipeline.engine import external, internal
from pipeline.errors import PipelineError
from pipeline.settings import (
    Engine,
    ExternalColumns,
    ExternalPreprocessing,
    ExternalSource,
    InternalPreprocessing,
    NeedStateColumns,
    NeedStateSource,
    SalesColumns,
    SalesSource,
    Sources,
)

SECONDS = 20  # for one file
BYTES = 4 << 30  # of address space
ANY = {"max_unmapped_share": 1.0, "max_clipped_share": 1.0}


def engine(spill: str) -> Engine:
    """One thread, little memory."""
    return Engine(spill_folder=spill, threads=1, memory_limit="400MB")


def sales_tables(
    sales: str | Sequence[str],
    needs: str | Sequence[str],
    spill: str,
    *,
    columns: Mapping[str, str] | None = None,
    map_columns: Mapping[str, str] | None = None,
    source: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Internal sales and a map -> the tables of InternalPreprocessing."""
    sources = Sources(
        internal_sales=SalesSource(path="sales", columns=SalesColumns(**(columns or {})), **(source or {})),
        need_states=NeedStateSource(
            path="map", columns=NeedStateColumns(**({"category": "category"} if map_columns is None else map_columns))
        ),
        external=(ExternalSource(path="external"),),
    )
    files = {
        "internal_sales": [sales] if isinstance(sales, str) else sales,
        "need_states": [needs] if isinstance(needs, str) else needs,
    }
    chosen = InternalPreprocessing(**(ANY | settings))
    return internal_preprocessing.preprocess(**internal.gather(files, sources, chosen, engine(spill)), settings=chosen)


def outside_features(path: str, spill: str, store_id: str = "store_id", **options: Any) -> dict[str, Any]:
    """An external source -> its features, as gathered."""
    one = ExternalSource(path="external", columns=ExternalColumns(store_id=store_id), **options)
    sources = Sources(internal_sales=SalesSource(path="x"), need_states=NeedStateSource(path="x"), external=(one,))
    return external.gather({"external.0": [path]}, sources, engine(spill))


def outside_tables(path: str, spill: str, store_id: str = "store_id", **options: Any) -> dict[str, Any]:
    """An external source -> the tables of ExternalPreprocessing."""
    gathered = outside_features(path, spill, store_id, **options)
    return external_preprocessing.preprocess(**gathered, settings=ExternalPreprocessing())


def _read(asked: dict[str, Any], spill: str) -> dict[str, Any]:
    path, columns = asked["path"], asked["columns"]
    if asked["source"] == "external":
        return {"stores": len(outside_features(path, spill, columns["store_id"])["features"])}
    if asked["source"] == "need_states":
        found = sales_tables(asked["other"], path, spill, map_columns=columns)
    else:
        weeks = {"last_weeks": 3} if "week" in columns else {}
        found = sales_tables(path, asked["other"], spill, columns=columns, **weeks)
    published = found["sales_by_need_state"]
    return {"cents": int(published["sales_cents"].sum()), "need_states": sorted(set(published["need_state"]))}


def main() -> None:
    """Answer every line of standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    spill = sys.argv[1]
    for line in sys.stdin:
        asked = json.loads(line)
        signal.alarm(SECONDS)
        try:
            answer = {"read": _read(asked, spill)}
        except PipelineError as error:
            answer = {"refused": error.lines}
        except Exception:
            answer = {"fault": traceback.format_exc()}
        signal.alarm(0)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
