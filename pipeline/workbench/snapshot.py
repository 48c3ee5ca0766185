"""What the page shows of an environment: every task with its state. As a child process, it prints this as JSON.

A child process always has the current code, settings and files, as `store-clustering status` has. The server would keep what it read first.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import raw_files
from pipeline.config.environment import Config, load
from pipeline.errors import PipelineError
from pipeline.workbench.configs import signature

if TYPE_CHECKING:
    from pipeline.inspect.graph import Node

_WILD = "*?["


def snapshot(env: str) -> dict[str, Any]:
    """The tasks of the full pipeline, and where its files are. With `errors`, a line each, if the config cannot be used."""
    try:
        return _of(load(env))
    except PipelineError as error:
        return {"env": env, "errors": error.lines, "nodes": [], "watched": {}}


def _of(config: Config) -> dict[str, Any]:
    from pipeline import tasks
    from pipeline.inspect.graph import graph
    from pipeline.inspect.standings import orphans_of

    watched = {str(path): signature(path) for path in _watched(config)}  # before the tasks are judged
    task = tasks.FullPipeline(env=config.env)
    documents = [tasks.Report(env=config.env), tasks.Workbook(env=config.env)]
    return {
        "env": config.env,
        "errors": [],
        "nodes": [_fields(node) for node in graph(task)],
        "jobs": [job.__name__ for job in tasks.JOBS],
        "documents": [
            _relative(config, Path(target.path)) for stage in documents for target in stage.output().values()
        ],
        "database": _relative(config, config.database),
        "orphans": [_relative(config, path) for path in orphans_of(config, task)],
        "watched": watched,
    }


def _fields(node: Node) -> dict[str, Any]:
    """A task for the page, with the size of all its files; those of a category, of which there are thousands, are not listed."""
    files = [] if node.category else [asdict(file) for file in node.files]
    return asdict(node) | {"files": files, "size": sum(file.size or 0 for file in node.files)}


def _watched(config: Config) -> list[Path]:
    """The raw files, and the folders in which further ones may appear."""
    watched: set[Path] = set()
    for name in raw_files.names(config):
        files = raw_files.existing(config, name)
        if raw_files.is_far(config, name):
            watched |= set(files)
            continue
        path = config.home / raw_files.source(config, name).path
        watched |= {path, *files, *(file.parent for file in files)}
        if any(character in str(path) for character in _WILD):
            watched.add(Path(*path.parts[: _first_wild(path)]))
    return sorted(watched)


def _first_wild(path: Path) -> int:
    return next(at for at, part in enumerate(path.parts) if any(character in part for character in _WILD))


def _relative(config: Config, path: Path) -> str:
    return str(path.relative_to(config.home)) if path.is_relative_to(config.home) else str(path)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(snapshot(sys.argv[1]), default=str))
