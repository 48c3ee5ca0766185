"""The tables with the origin of targets: inputs, time and person."""

from __future__ import annotations

from pipeline.schema.fields import STORES
from pipeline.schema.kinds import Column, Table

TABLES = (
    Table(
        "result",
        "one row",
        ("result",),
        (
            Column(
                "result",
                "text",
                "What the tables hold, as a short hash: equal tables have the same, also in report and workbook, and at the end of a run",
            ),
            Column("env", "text", "The environment"),
            Column("categories", "integer", "Categories with clusters"),
            STORES.described("Stores with a cluster"),
            Column("clusters", "integer", "Final clusters, of all categories"),
            Column(
                "first_week",
                "text",
                "The first week of the sales, as written; null where the weeks are not known",
                nullable=True,
            ),
            Column("last_week", "text", "The last week of the sales, likewise", nullable=True),
            Column("weeks", "integer", "How many weeks the sales are of, likewise", nullable=True, unit="weeks"),
            Column("currency", "text", "The currency of amounts; null where the settings do not say it", nullable=True),
        ),
        "What this database holds, in one row: by it two results can be told apart",
    ),
    Table(
        "lineage",
        "one row per target",
        ("target",),
        (
            Column("target", "text", "The file, relative to the project's root"),
            Column("task", "text", "The task that made it"),
            Column("inputs", "text", "The input files and their content hashes, as JSON"),
            Column("settings", "text", "The settings it depends on, as JSON"),
            Column("code", "text", "The modules that built it, and their fingerprints, as JSON"),
            Column("libraries", "text", "The versions of the libraries that computed it, as JSON"),
            Column("built_at", "timestamp", "When it was built", unit="UTC"),
            Column("seconds", "float", "How long that took", unit="s"),
        ),
        "The origin of every target at the time of the load; a later build with the same bytes is not included",
    ),
    Table(
        "runs",
        "one row per run that built something",
        ("run_id",),
        (
            Column("run_id", "text", "The run"),
            Column("env", "text", "The environment"),
            Column("tags", "text", "The run's tags, as JSON"),
            Column("started_at", "timestamp", "When it started", unit="UTC"),
            Column(
                "finished_at",
                "timestamp",
                "When it ended, or, for the run that built this file, when it was loaded; null while it runs, or if it was killed",
                nullable=True,
                unit="UTC",
            ),
            Column(
                "status",
                "text",
                "running, done, failed, interrupted, or loaded (the run that built this file)",
            ),
            Column("built", "integer", "Tasks that were built"),
            Column(
                "skipped",
                "integer",
                "Tasks that were cut off: an upstream task was rebuilt, but their inputs are unchanged",
            ),
            Column("user", "text", "Who ran it"),
            Column("host", "text", "Where it ran"),
        ),
        "The runs, as of this file's load",
    ),
)
