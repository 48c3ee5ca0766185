"""The Complete Journey: what the pipeline says of real stores, and what everything costs beside the figures of every k alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import pandas as pd
from threadpoolctl import threadpool_limits

from pipeline.core.chain.clustering import cluster_chain
from pipeline.core.clustering import stores
from pipeline.core.external import clustering as external_clustering
from pipeline.core.final.all_at_once import merge_and_finish
from pipeline.core.internal import clustering as internal_clustering
from pipeline.schema import TABLES
from pipeline.settings import ChainClustering, ExternalClustering, InternalClustering, Merging
from pipeline.storage import parquet

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "completejourney"
RAW = (EXAMPLE / "data" / "raw", ROOT.parent / "shared" / "data" / "completejourney")


class Real(NamedTuple):
    """What was found: of the categories, by verdict; of the outside data; and processor seconds.

    `everything`: of all that the stages compute. `figures`: of the mixtures of every k in that, those of the chain included.
    """

    verdicts: pd.DataFrame
    outside: str
    tested: int
    earns: int
    figures: float
    everything: float


def raw() -> Path | None:
    """Where the example's raw files are; None where nobody has made them."""
    return next((folder for folder in RAW if (folder / "internal_sales.parquet").is_file()), None)


def measured(files: Path) -> Real:
    """Run the example in a folder of its own, and time its clustering in this process."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        copytree(EXAMPLE / "configs", home / "configs")
        copytree(files, home / "data" / "raw")
        command = [str(Path(sys.executable).with_name("store-clustering")), "run", "--env", "dev", "--quiet"]
        subprocess.run(
            command, check=True, env={**os.environ, "STORE_CLUSTERING_HOME": folder}, stdout=subprocess.DEVNULL
        )
        with duckdb.connect(str(home / "outputs" / "clustering_dev.duckdb"), read_only=True) as database:
            found = _found(database)
        with threadpool_limits(1):
            return Real(*found, *_seconds(home / "outputs" / "dev"))


def _found(database: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, str, int, int]:
    verdicts = database.execute(
        "SELECT verdict, COUNT(*) AS categories, MIN(v.k) AS smallest_k, MAX(v.k) AS largest_k, MEDIAN(stability) AS stability, "
        "MEDIAN(silhouette) AS silhouette FROM internal_verdicts v JOIN internal_k_selection s "
        "ON s.category = v.category AND s.chosen GROUP BY verdict ORDER BY verdict"
    ).df()
    [(verdict, k)] = database.execute("SELECT verdict, k FROM external_verdicts").fetchall()
    [(tested, earns)] = database.execute(
        "SELECT COUNT(p_value), CAST(COALESCE(SUM(earns::INTEGER), 0) AS INTEGER) FROM external_contribution"
    ).fetchall()
    return verdicts, f"{verdict}, k = {k}", int(tested), int(earns)


class _Clock:
    """Adds up the processor time of calls of a function, while it stands in a module in its place."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._place, self._function = (module, name), getattr(module, name)
        self.seconds = 0.0

    def __enter__(self) -> _Clock:
        setattr(*self._place, self._timed)
        return self

    def __exit__(self, *_: object) -> None:
        setattr(*self._place, self._function)

    def _timed(self, *given: Any) -> Any:
        began = time.process_time()
        try:
            return self._function(*given)
        finally:
            self.seconds += time.process_time() - began


def _seconds(outputs: Path) -> tuple[float, float]:
    """The last two of `Real`."""
    published = outputs / "internal_preprocessing"
    sales = [
        parquet.read(path, TABLES["sales_by_need_state"])
        for path in sorted((published / "sales_by_need_state").iterdir())
    ]
    read = {
        name: parquet.read(outputs / f"{name}.parquet", TABLES[name.rpartition("/")[2]])
        for name in (
            "external_preprocessing/external_features",
            "external_preprocessing/external_feature_report",
            "external_preprocessing/excluded_stores",
            "internal_preprocessing/excluded_stores",
            "overrides/overrides",
        )
    }
    internal, external = InternalClustering(), ExternalClustering()
    began = time.process_time()
    with _Clock(stores, "search") as figures:
        _compute(sales, read, internal, external)
    return figures.seconds, time.process_time() - began


def _compute(
    sales: list[pd.DataFrame], read: dict[str, pd.DataFrame], internal: InternalClustering, external: ExternalClustering
) -> None:
    """All that the clustering and merging stages compute."""
    outside, report, external_excluded, internal_excluded, overrides = read.values()
    clustered = [internal_clustering.cluster_category(sales_by_need_state=one, settings=internal) for one in sales]
    internal_tables = {
        name: pd.concat([of_one[name] for of_one in clustered], ignore_index=True) for name in clustered[0]
    }
    around = external_clustering.cluster(external_features=outside, settings=external, external_feature_report=report)
    arguments: dict[str, Any] = {
        "internal_clusters": internal_tables["internal_clusters"],
        "internal_features": internal_tables["internal_features"],
        "internal_excluded": internal_excluded,
        "external_clusters": around["external_clusters"],
        "external_scaled_features": around["external_scaled_features"],
        "external_features": outside,
        "external_feature_report": report,
        "external_excluded": external_excluded,
        "overrides": overrides,
    }
    merge_and_finish(**arguments, settings=Merging())
    cluster_chain(sales_by_need_state=pd.concat(sales, ignore_index=True), settings=ChainClustering())
