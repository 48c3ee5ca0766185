"""The tables that say what was built from what, when and by whom."""

from __future__ import annotations

from pipeline.schema.kinds import Column, Table

TABLES = (
    Table(
        "lineage",
        "one row per target",
        ("target",),
        (
            Column("target", "text", "The file, relative to the project's root"),
            Column("task", "text", "The task that made it"),
            Column("inputs", "text", "The files it was made from and their content hashes, as JSON"),
            Column("settings", "text", "The settings it was made with, as JSON"),
            Column("code", "text", "The modules it was made by and their fingerprints, as JSON"),
            Column("libraries", "text", "The versions of the libraries that computed it, as JSON"),
            Column("built_at", "timestamp", "When it was built", unit="UTC"),
            Column("seconds", "float", "How long that took", unit="s"),
        ),
        "Where every target came from, as of the load: a later build that gave the same bytes is not in it",
    ),
    Table(
        "runs",
        "one row per run that did anything",
        ("run_id",),
        (
            Column("run_id", "text", "The run"),
            Column("env", "text", "The environment"),
            Column("tags", "text", "The run's tags, as JSON"),
            Column("started_at", "timestamp", "When it started", unit="UTC"),
            Column(
                "finished_at",
                "timestamp",
                "When it ended, of the run that made this file when it was loaded; null while it runs, or where it was killed",
                nullable=True,
                unit="UTC",
            ),
            Column(
                "status",
                "text",
                "running, done, failed, interrupted, or loaded: the run that made this file, once all in it was built",
            ),
            Column("built", "integer", "Tasks that were built"),
            Column("skipped", "integer", "Tasks that were cut off: stale from above, and what they read unchanged"),
            Column("user", "text", "Who ran it"),
            Column("host", "text", "Where it ran"),
        ),
        "The runs, as of this file's load",
    ),
)
