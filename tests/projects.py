"""Projects that tests build in: a home folder with configs and raw files, and what a run in it did."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import luigi
import messages
import numpy as np
import pandas as pd
import prepared_process
import pytest
import tomli_w
from conftest import ROOT

from pipeline import tasks
from pipeline.config import environment
from pipeline.freshness import fingerprints
from pipeline.records import runs
from pipeline.run.session import session

CATEGORIES = ("Bread", "Coffee", "Tea & Cocoa")

# small enough to cluster in a blink: what is tested here is what is built, not how well
SETTINGS = {
    "sources": {
        "internal_sales": {
            "path": "data/raw/sales.parquet",
            "columns": {"store_id": "STORE", "sku_id": "SKU", "category": "CAT", "sales_value": "SALES"},
        },
        "need_states": {
            "path": "data/raw/needs.csv",
            "columns": {"sku_id": "SKU", "category": "CAT", "need_state": "NEED"},
        },
        "external": [{"path": "data/raw/external.parquet", "columns": {"store_id": "STORE"}, "labels": ["NAME"]}],
    },
    "internal": {"clustering": {"k_max": 3, "resamples": 10, "null_resamples": 19}},
    "external": {"clustering": {"k_max": 3, "resamples": 10, "null_resamples": 19}},
    "chain": {"clustering": {"k_max": 3, "resamples": 10, "null_resamples": 19}},
}


def _once_per_content(parse: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """The same function, remembering its results: a project of a test's own has nothing in its memory of files."""
    known: dict[tuple[Path, bytes], Any] = {}

    def parsed(path: Path) -> Any:
        key = (path.relative_to(fingerprints.PACKAGE), path.read_bytes())
        if key not in known:
            known[key] = parse(path)
        return known[key]

    return parsed


fingerprints._parse = _once_per_content(fingerprints._parse)


@dataclass
class Outcome:
    """What a run did: the tasks by what became of them, the exit status in Luigi's words, and every reason given."""

    built: set[str]
    cut_off: set[str]
    failed: dict[str, str]
    status: str
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass
class Project:
    """A home folder with configs and raw files."""

    home: Path
    settings: dict[str, object]

    def configure(self, env: str = "dev", **sections: object) -> None:
        """Write base.toml, and `env`.toml with these sections."""
        folder = self.home / "configs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "base.toml").write_text(tomli_w.dumps(self.settings))
        (folder / f"{env}.toml").write_text(tomli_w.dumps(sections))

    def path(self, relative: str) -> Path:
        """A path below the home folder."""
        return self.home / relative

    @property
    def database(self) -> Path:
        """The DuckDB file of dev."""
        return self.home / "outputs" / "clustering_dev.duckdb"

    def published(self) -> dict[Path, bytes]:
        """What readers see: every table, and the databases."""
        outputs = self.home / "outputs"
        return {path: path.read_bytes() for kind in ("*.parquet", "*.duckdb") for path in outputs.rglob(kind)}

    def sales(self) -> pd.DataFrame:
        """The raw sales as they are now."""
        return pd.read_parquet(self.path("data/raw/sales.parquet"))

    def write_sales(self, frame: pd.DataFrame) -> None:
        """Replace the raw sales."""
        frame.to_parquet(self.path("data/raw/sales.parquet"), index=False)

    def build(self, job: type[luigi.Task] = tasks.FullPipeline, workers: int = 1, **parameters: object) -> Outcome:
        """Run a job in this process, as a fresh one would."""
        session.renew()
        task = job(env=parameters.pop("env", "dev"), **parameters)
        found = environment.load(task.env)
        result = luigi.build([task], local_scheduler=True, workers=workers, log_level="ERROR", detailed_summary=True)
        runs.finish(found, session.fresh)
        path = runs.folder(found) / f"{runs.current()}.jsonl"
        run = runs.read(path) if path.exists() else None
        events = run.events if run else []
        return Outcome(
            {line["task"] for line in events if line["event"] == runs.BUILT},
            {line["task"] for line in events if line["event"] == runs.CUT_OFF},
            {line["task"]: line["error"] for line in events if line["event"] == runs.FAILED},
            result.status.name,
            {line["task"]: line.get("reason", "") for line in events},
        )

    def command(self, *words: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a console command of the project as a user does, in a process of its own."""
        program = Path(sys.executable).parent / words[0]
        environment = {**os.environ, "STORE_CLUSTERING_HOME": str(self.home), "OMP_NUM_THREADS": "1", **environ}
        command = [str(program), *words[1:]]
        if words[0] in ("luigi", "store-clustering") and prepared_process.can_run(environment):
            done = prepared_process.run(command, cwd or self.home, environment, timeout=300)
        else:
            done = subprocess.run(
                command, cwd=cwd or self.home, env=environment, capture_output=True, text=True, timeout=300
            )
        messages.PROVOKED.update(messages.spoken(done.stderr))
        return done

    def luigi(self, job: str, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Plain `luigi` with the local scheduler."""
        return self.command(
            "luigi", "--module", "pipeline.tasks", job, "--env", "dev", "--local-scheduler", *words, **options
        )


def raw_frames(seed: int = 0, stores: int = 36) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sales of two kinds of stores in three categories, their need states, and outside features of two kinds."""
    rng = np.random.default_rng(seed)
    rows, needs = [], []
    for number, category in enumerate(CATEGORIES):
        for need in range(4):
            needs.extend({"SKU": 100 * number + 10 * need + i, "CAT": category, "NEED": f"need {need}"} for i in (0, 1))
    for store in range(1, stores + 1):
        for number, category in enumerate(CATEGORIES):
            kind = (store + number) % 2
            mix = rng.dirichlet(np.array([8, 4, 2, 1] if kind else [1, 2, 4, 8]) * 40.0)
            for need in range(4):
                for i in (0, 1):
                    value = round(float(rng.uniform(0.4, 0.6) * mix[need] * 1000), 2)
                    rows.append({"STORE": store, "SKU": 100 * number + 10 * need + i, "CAT": category, "SALES": value})
    external = pd.DataFrame({"STORE": range(1, stores + 1)})
    half = external["STORE"] <= stores // 2
    for name, low, high in (("INCOME", 20, 60), ("AGE", 30, 50)):
        external[name] = np.where(half, low, high) + rng.normal(0, 2, stores)
    external["NAME"] = [f"Store {store}" for store in external["STORE"]]
    return pd.DataFrame(rows), pd.DataFrame(needs), external


def make_project(home: Path) -> Project:
    """A home folder with raw files."""
    project = Project(home, copy.deepcopy(SETTINGS))
    project.configure()
    shutil.copy(ROOT / "luigi.cfg", home)
    (home / "data" / "raw").mkdir(parents=True)
    sales, needs, external = raw_frames()
    project.write_sales(sales)
    needs.to_csv(home / "data" / "raw" / "needs.csv", index=False)
    external.to_parquet(home / "data" / "raw" / "external.parquet", index=False)
    return project


def build_in(home: Path) -> None:
    """Make a project in a folder, and build everything in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORE_CLUSTERING_HOME", str(home))
        assert make_project(home).build().status == "SUCCESS"
        session.renew()


def copy_of(template: Path, home: Path) -> Project:
    """A copy of a project that is shared."""
    shutil.copytree(template, home, dirs_exist_ok=True)
    return Project(home, copy.deepcopy(SETTINGS))
