"""Which class answers at which address."""

from __future__ import annotations

from pipeline.workbench.answers import launches, monitor, pages, tables
from pipeline.workbench.answers.handler import Handler

ROUTES: list[tuple[str, type[Handler]]] = [
    (r"/", pages.Page),
    (r"/assets/([a-z.-]+)", pages.Asset),
    (r"/report/([\w-]+)/", pages.Report),
    (r"/documents/([\w-]+)/([\w.-]+)", pages.Document),
    (r"/api/session", pages.Session),
    (r"/api/([\w-]+)/pipeline", monitor.Pipeline),
    (r"/api/([\w-]+)/events", monitor.Events),
    (r"/api/([\w-]+)/runs", monitor.Runs),
    (r"/api/([\w-]+)/runs/([\w-]+)", monitor.OneRun),
    (r"/api/([\w-]+)/audit", monitor.Audit),
    (r"/api/([\w-]+)/output/([\w.-]+)", monitor.Output),
    (r"/api/([\w-]+)/plan", launches.Plan),
    (r"/api/([\w-]+)/launch", launches.Launch),
    (r"/api/([\w-]+)/cancel", launches.Cancel),
    (r"/api/([\w-]+)/tables", tables.Tables),
    (r"/api/([\w-]+)/rows", tables.Rows),
    (r"/api/([\w-]+)/download", tables.Download),
    (r".*", pages.Nothing),
]
