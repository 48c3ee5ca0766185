"""The results that commands work with: where an environment's tables are, and whether they are fresh."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import tasks
from pipeline.core.between_runs.compare import OVERRIDDEN
from pipeline.errors import OutputError
from pipeline.inspect import standings
from pipeline.pins import archive
from pipeline.tasks import Merging


def final(env: str) -> Merging:
    """The task that publishes the final clusters."""
    return tasks.Merging(env=env)


def files(env: str) -> dict[str, Path]:
    """The published file of each table that a pin stores."""
    publishers = {
        table: stage(env=env)
        for stage in (tasks.Merging, tasks.InternalClustering, tasks.ExternalPreprocessing, tasks.ExternalClustering)
        for table in stage.tables
    }
    return {table: publishers[table].path(table) for table in archive.TABLES}


def stale_because(env: str) -> str:
    """The first reason why the final clusters are stale, in build order; empty if they are fresh."""
    stale = next((standing for standing in standings.standings(final(env)) if standing.reasons), None)
    return f"{stale.task}: {stale.reasons[0]}" if stale else ""


def clusters(path: Path) -> pd.DataFrame:
    """The final clusters in a published or pinned file: store_id, category, cluster, and overridden where the file has it.

    A pin outlives versions of this program, so its other columns are ignored.

    Raises
    ------
    OutputError
        The file cannot be read, or lacks these columns.
    """
    kinds = pa.schema([("store_id", pa.large_string()), ("category", pa.large_string()), ("cluster", pa.int64())])
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        if OVERRIDDEN in file.schema_arrow.names:
            kinds = kinds.append(pa.field(OVERRIDDEN, pa.bool_()))
        table = file.read(columns=kinds.names)
        frame: pd.DataFrame = table.select(kinds.names).cast(kinds).to_pandas()
    except (OSError, KeyError, UnicodeDecodeError, pa.ArrowException) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise OutputError(
            f"{path}: cannot be read ({first}); `run` rebuilds a target; a pin must be restored"
        ) from None
    return frame
