"""python -m benchmarks.plain_script RAW OUTPUTS: the work of a full run as one script, as a good data scientist would write it.

It contains: the sales summed by plain SQL in DuckDB and split over need states, the statistics of `pipeline.core` called one after the
other on frames in memory, a Parquet file per table (typed, sorted), a DuckDB file with keys, comments and views, the report, the
workbook and its CSV files.

It does not contain what the pipeline is for: no Luigi, no task per category, no trace, no hash of a file, no table read back to see
that it was written, no rename, no sync, no check of the raw files beyond what SQL does, no lineage and no record of runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import msgspec
import pandas as pd
import pyarrow.parquet as pq

from pipeline.config.environment import load
from pipeline.core.external.preprocessing import preprocess as preprocess_external
from pipeline.core.final.all_at_once import merge_and_finish
from pipeline.core.final.placement_rows import check
from pipeline.core.internal.clustering import cluster_category
from pipeline.core.internal.preprocessing import preprocess
from pipeline.engine.overrides import no_rows
from pipeline.report import html, workbook
from pipeline.report.source import Source
from pipeline.schema import TABLES
from pipeline.settings import Settings
from pipeline.stage.table import function
from pipeline.storage.parquet import as_json
from pipeline.storage.rows import to_arrow
from pipeline.tasks import (
    AssignmentModel,
    ChainAgreement,
    ChainClustering,
    ExternalClustering,
    ExternalPreprocessing,
    InternalClustering,
    InternalPreprocessing,
    Merging,
    Migrations,
    Overrides,
    Report,
    Warehouse,
    Workbook,
)
from pipeline.warehouse.ddl import comments, create_table
from pipeline.warehouse.views import views

Tables = dict[tuple[type, str], pd.DataFrame]

SALES = """
WITH summed AS (
    SELECT CAST(STORE_NBR AS VARCHAR) AS store_id, CAST(SKU_NBR AS VARCHAR) AS sku_id, CAT_DSC AS category,
        CAST(SUM(CAST(ROUND(TOTAL_SALES * 100) AS BIGINT)) AS BIGINT) AS cents
    FROM read_parquet($sales) GROUP BY ALL
),
map AS (
    SELECT CAST(SKU_NBR AS VARCHAR) AS sku_id, CAT_DSC AS category, NEED_STATE AS need_state,
        COUNT(*) OVER one AS parts, ROW_NUMBER() OVER (one ORDER BY NEED_STATE) AS place
    FROM (SELECT DISTINCT * FROM read_csv($need_states)) WINDOW one AS (PARTITION BY SKU_NBR, CAT_DSC)
),
split AS (
    SELECT store_id, category, COALESCE(need_state, 'UNMAPPED') AS need_state, COALESCE(
        SIGN(cents) * (ABS(cents) // parts + CASE WHEN place <= ABS(cents) % parts THEN 1 ELSE 0 END), cents) AS part
    FROM summed LEFT JOIN map USING (sku_id, category)
)
SELECT store_id, category, need_state, CAST(SUM(part) AS BIGINT) AS sales_cents FROM split GROUP BY ALL ORDER BY ALL
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.plain_script", description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("outputs", type=Path)
    told = parser.parse_args()
    told.outputs.mkdir(parents=True, exist_ok=True)
    tables = computed(told.raw)
    files = written(tables, told.outputs)
    load_database(files, told.outputs / "clustering.duckdb")
    write_documents(files, told.outputs)


def computed(raw: Path) -> Tables:
    """Every table of a full run: the statistics, one after the other."""
    config = load("dev")
    settings = config.settings
    found: Tables = {(Overrides, "overrides"): check(rows=no_rows(), settings=None)["overrides"]}
    keep(found, InternalPreprocessing, internal(raw, settings))
    clustered = [
        cluster_category(sales_by_need_state=rows, settings=settings.internal.clustering)
        for _, rows in found[InternalPreprocessing, "sales_by_need_state"].groupby("category", sort=True)
    ]
    joined = {name: pd.concat([one[name] for one in clustered], ignore_index=True) for name in clustered[0]}
    keep(found, InternalClustering, joined)
    keep(found, ExternalPreprocessing, external(raw, settings.external.preprocessing))
    for stage in (ChainClustering, ChainAgreement, ExternalClustering, Merging, Migrations, AssignmentModel):
        read = {argument: found[of] for argument, of in stage.reads.items()}
        compute = merge_and_finish if stage is Merging else function(stage.compute)
        keep(found, stage, compute(**read, settings=config.section(stage.sections[0])))
    return found


def keep(found: Tables, stage: type, made: dict[str, pd.DataFrame]) -> None:
    found |= {(stage, name): table for name, table in made.items()}


def internal(raw: Path, settings: Settings) -> dict[str, pd.DataFrame]:
    given = {"sales": str(raw / "internal_sales.parquet"), "need_states": str(raw / "need_state.csv")}
    with duckdb.connect() as connection:
        sales = connection.execute(SALES, given).df()
    nowhere = pd.DataFrame({"store_id": pd.Series(dtype="str")})
    return preprocess(
        sales=sales,
        unchosen_stores=nowhere,
        settings=settings.internal.preprocessing,
        mix_over=settings.sources.mix_over,
    )


def external(raw: Path, settings: object) -> dict[str, pd.DataFrame]:
    read = pd.read_parquet(raw / "external_sales.parquet").rename(columns={"STORE_NBR": "store_id"})
    read["store_id"] = read["store_id"].astype("str")
    labels = ["STORE_NAME", "REGION"]
    features = read.drop(columns=labels).astype({name: "float64" for name in read.columns[1:] if name not in labels})
    ignored = pd.DataFrame({"feature": [], "reason": []}, dtype=object)
    long = read[["store_id", *labels]].melt(id_vars="store_id", var_name="label", value_name="value")
    return preprocess_external(features=features, ignored=ignored, labels=long, settings=settings)


def written(tables: Tables, outputs: Path) -> dict[str, list[Path]]:
    """A Parquet file per table, and the one document of the assignment model."""
    categories = tables[InternalPreprocessing, "categories"]
    categories["file"] = categories["category"]
    files = {}
    for of in Warehouse.loads:
        name = of[1]
        files[name] = [outputs / f"{name}.parquet"]
        pq.write_table(to_arrow(tables[of], TABLES[name]), files[name][0], compression="zstd")
    model = {name: tables[AssignmentModel, name] for name in AssignmentModel.tables}
    (outputs / AssignmentModel.document).write_text(as_json(model), encoding="utf-8")
    return files


def load_database(files: dict[str, list[Path]], path: Path) -> None:
    """A table per file, with its key and comments; the views."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for name, (file,) in files.items():
            columns = [TABLES[name].column(column) for column in pq.read_schema(file).names]
            connection.execute(create_table(TABLES[name], columns))
            for statement in comments(TABLES[name], columns):
                connection.execute(statement)
            connection.execute(f"INSERT INTO {name} SELECT * FROM read_parquet('{file}')")  # noqa: S608  # our own names
        categories = _values(connection, "SELECT DISTINCT category FROM store_clusters ORDER BY 1")
        labels = _values(connection, "SELECT DISTINCT label FROM store_labels ORDER BY 1")
        for view in views(set(files), categories, labels):
            connection.execute(f'CREATE VIEW "{view.name}" AS {view.query}')


def _values(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [str(value) for (value,) in connection.execute(query).fetchall()]


def write_documents(files: dict[str, list[Path]], outputs: Path) -> None:
    """The report, the workbook and its CSV files."""
    config = load("dev")
    shown = {name: msgspec.to_builtins(config.section(name)) for name in Report.sections}
    source = Source(files=files, env="dev", settings=shown, contents={name: [""] for name in files})
    (outputs / "csv").mkdir(exist_ok=True)
    html.write(source, {"report": outputs / "report.html"})
    workbook.write(source, {name: outputs / file for name, file in Workbook.targets.items()})


if __name__ == "__main__":
    main()
