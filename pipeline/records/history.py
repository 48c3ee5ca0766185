"""Traces and run records as tables of the database."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.config.environment import Config
from pipeline.freshness import traces
from pipeline.records import runs
from pipeline.wording.variables import hidden

if TYPE_CHECKING:
    import pandas as pd


def lineage(config: Config) -> pd.DataFrame:
    """One row per target of every trace of the environment, as the table `lineage`; empty without traces."""
    import pandas as pd

    all_traces = [traces.read(path) for path in sorted((config.outputs / ".trace").glob("*.json"))]
    rows = [
        {
            "target": target,
            "task": trace.task,
            "inputs": hidden(json.dumps(trace.inputs, ensure_ascii=False)),
            "settings": json.dumps(trace.settings, ensure_ascii=False),
            "code": json.dumps(trace.code),
            "libraries": json.dumps(trace.libraries),
            "built_at": datetime.fromisoformat(trace.built_at),
            "seconds": trace.seconds,
        }
        for trace in all_traces
        if trace is not None
        for target in trace.outputs
        if not target.endswith(".duckdb")
    ]
    columns = ["target", "task", "inputs", "settings", "code", "libraries", "built_at", "seconds"]
    return pd.DataFrame(rows, columns=columns).sort_values("target", ignore_index=True)


def runs_so_far(config: Config) -> pd.DataFrame:
    """One row per run of the environment that built something, as the table `runs`.

    The current run is `loaded` now: in its database, everything was built.
    """
    import pandas as pd

    rows = [
        {
            "run_id": run.run_id,
            "env": run.env,
            "tags": json.dumps(run.tags, ensure_ascii=False),
            "started_at": run.started_at,
            "finished_at": runs.now() if run.run_id == runs.current() else run.finished_at,
            "status": "loaded" if run.run_id == runs.current() else run.status,
            "built": len(run.tasks(runs.BUILT)),
            "skipped": len(run.tasks(runs.CUT_OFF)),
            "user": run.user,
            "host": run.host,
        }
        for run in runs.every(config)
    ]
    columns = [
        "run_id",
        "env",
        "tags",
        "started_at",
        "finished_at",
        "status",
        "built",
        "skipped",
        "user",
        "host",
    ]
    return pd.DataFrame(rows, columns=columns)
