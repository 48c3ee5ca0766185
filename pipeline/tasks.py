r"""The DAG: what each task reads, computes and publishes. Declarations only; `pipeline.stage` does the work.

        raw sales, need states            raw external features
                  |                                 |
    +-- InternalPreprocessing             ExternalPreprocessing
    |             |                                 |
    |   ClusterCategory, one per category  ExternalClustering
    |             |       \                         |
ChainClustering   |        MergeCategory, one per category
    |             |                 |
    |   InternalClustering ----- Merging ----------------- Overrides: raw overrides, if any
    |             |                 |
ChainAgreement ---+    Migrations: since a pin; AssignmentModel: for new stores
    |                               |
    +---------------- Warehouse, Report, Workbook, Upload    (FullPipeline)
                            |
              Deliveries: the raw files against those of the last load, from InternalPreprocessing and ExternalPreprocessing
"""

from __future__ import annotations

import os

from pipeline.machine import system

if not system.is_tested():  # before what only Linux has is imported
    system.refuse_other()

from luigi.configuration import add_config_path

from pipeline.config.environment import home
from pipeline.run import beginning, shared_processes, unknown_task
from pipeline.schema import CANDIDATES
from pipeline.stage.database import Bundle, DatabaseStage
from pipeline.stage.declared import REPORT
from pipeline.stage.deliveries import DeliveriesStage
from pipeline.stage.documents import DocumentStage
from pipeline.stage.from_raw import RawStage
from pipeline.stage.per_category import CategoryStage, CollectingStage, JoiningStage
from pipeline.stage.table import ModelStage, TableStage
from pipeline.stage.upload import UploadStage

for _path in (str(home() / "luigi.cfg"), os.environ.get("LUIGI_CONFIG_PATH", "")):
    if os.path.isfile(_path):  # noqa: PTH113  # Luigi's exit codes must hold from any working directory
        add_config_path(_path)

_CLUSTERS = ("clusters", "k_selection", "verdicts", "profiles")
_EXPLAINED = (*_CLUSTERS, "axes", "memberships", "mixture", "exemplars", "cluster_summary", "rules")
_PLACED = ("store_id", "category", "cluster")
_SOLD = ("store_id", "category", "need_state", "sales_value", "is_excluded")


class InternalPreprocessing(RawStage):
    """Raw sales, split over the need states that their SKUs serve; shares per store and category."""

    needs = "internal_sales"
    sources = ("internal_sales", "need_states")
    sections = ("internal.preprocessing", "sources.internal_sales", "sources.need_states")
    gather = "pipeline.engine.internal:gather"
    compute_each = "pipeline.core.internal.preprocessing:of_categories"
    besides_each = ("closed",)
    compute = "pipeline.core.internal.preprocessing:together"
    besides = {"closed": "stores.closed", "mix_over": "sources.mix_over"}
    tables = (
        "categories",
        "need_state_coverage",
        "excluded_stores",
        "key_spellings",
        "delivered_sales",
        "delivered_stores",
    )
    per_category = ("sales_by_need_state", "sales_by_block")


class ClusterCategory(CategoryStage):
    """The stores of one category, clustered on their sales mix."""

    needs = "internal_sales"
    reads = {
        "sales_by_need_state": (InternalPreprocessing, "sales_by_need_state"),
        "sales_by_block": (InternalPreprocessing, "sales_by_block"),
    }
    pinned = {
        "reference_clusters": ("internal", "internal_clusters", _PLACED),
        "reference_verdicts": ("internal", "internal_verdicts", ("category", "highest_number")),
    }
    sections = ("internal.clustering",)
    compute = "pipeline.core.internal.clustering:cluster_category"
    besides = {"held_out": "stores.held_out"}
    tables = (
        *(f"internal_{table}" for table in _EXPLAINED),
        "internal_features",
        "internal_reliability",
        "store_volumes",
    )


class InternalClustering(CollectingStage):
    """The clusters of every category, in one table each."""

    needs = "internal_sales"
    categories = InternalPreprocessing
    child = ClusterCategory
    tables = ClusterCategory.tables


class ChainClustering(TableStage):
    """The stores, clustered on their sales mix in all categories together."""

    priority = 2  # often the longest task: with several workers it starts first, and the categories run beside it
    needs = "internal_sales"
    reads = {"sales_by_need_state": (InternalPreprocessing, "sales_by_need_state")}
    columns = {"sales_by_need_state": _SOLD}
    in_parts = ("sales_by_need_state",)
    sections = ("chain.clustering",)
    compute = "pipeline.core.chain.clustering:cluster_chain"
    besides = {"held_out": "stores.held_out"}
    tables = tuple(f"chain_{table}" for table in _CLUSTERS)


class ChainAgreement(TableStage):
    """How far the chain's clusters agree with those of each category."""

    needs = "internal_sales"
    reads = {
        "sales_by_need_state": (InternalPreprocessing, "sales_by_need_state"),
        "chain_clusters": (ChainClustering, "chain_clusters"),
        "internal_clusters": (InternalClustering, "internal_clusters"),
    }
    columns = {
        "sales_by_need_state": _SOLD,
        "chain_clusters": ("store_id", "cluster"),
        "internal_clusters": _PLACED,
    }
    in_parts = ("sales_by_need_state",)
    sections = ("chain.clustering",)
    compute = "pipeline.core.chain.agreement:compare_with_categories"
    besides = {"held_out": "stores.held_out"}
    tables = ("chain_agreement",)


class ExternalPreprocessing(RawStage):
    """Raw features of the stores' surroundings: joined, complete, numeric."""

    needs = "external"
    sources = ("external",)
    sections = ("external.preprocessing", "sources.external")
    gather = "pipeline.engine.external:gather"
    compute = "pipeline.core.external.preprocessing:preprocess"
    besides = {"closed": "stores.closed"}
    tables = ("external_features", "external_feature_report", "excluded_stores", "store_labels", "delivered_features")


class ExternalClustering(TableStage):
    """The stores, clustered on their surroundings."""

    needs = "external"
    reads = {
        "external_features": (ExternalPreprocessing, "external_features"),
        "external_feature_report": (ExternalPreprocessing, "external_feature_report"),
    }
    pinned = {
        "reference_clusters": ("external", "external_clusters", ("store_id", "cluster")),
        "reference_verdicts": ("external", "external_verdicts", ("highest_number",)),
    }
    sections = ("external.clustering",)
    compute = "pipeline.core.external.clustering:cluster"
    besides = {"held_out": "stores.held_out"}
    tables = (*(f"external_{table}" for table in _EXPLAINED), "external_scaled_features")


class Overrides(RawStage):
    """Stores placed by hand; empty if the settings have no source of overrides."""

    sources = ("overrides",)
    planted = False
    sections = ("sources.overrides",)
    gather = "pipeline.engine.overrides:gather"
    compute = "pipeline.core.final.placement_rows:check"
    tables = ("overrides",)


class MergeCategory(CategoryStage):
    """The clusters of one category, merged with the external clusters; their names and profiles."""

    reads = {
        "internal_clusters": (ClusterCategory, "internal_clusters"),
        "internal_features": (ClusterCategory, "internal_features"),
        "external_clusters": (ExternalClustering, "external_clusters"),
        "external_scaled_features": (ExternalClustering, "external_scaled_features"),
        "external_features": (ExternalPreprocessing, "external_features"),
        "external_feature_report": (ExternalPreprocessing, "external_feature_report"),
    }
    pinned = {
        "reference_clusters": ("final", "store_clusters", _PLACED),
        "reference_numbers": ("final", "cluster_numbers", ("category", "highest_number")),
    }
    sections = ("merging",)
    compute = "pipeline.core.final.candidates:merge_category"
    tables = tuple(CANDIDATES)


class Merging(JoiningStage):
    """The final store clusters: the merged clusters of every category, with overrides; their names and profiles."""

    categories = InternalPreprocessing
    child = MergeCategory
    reads = {
        "overrides": (Overrides, "overrides"),
        "internal_clusters": (InternalClustering, "internal_clusters"),
        "internal_features": (InternalClustering, "internal_features"),
        "internal_excluded": (InternalPreprocessing, "excluded_stores"),
        "external_clusters": (ExternalClustering, "external_clusters"),
        "external_scaled_features": (ExternalClustering, "external_scaled_features"),
        "external_features": (ExternalPreprocessing, "external_features"),
        "external_feature_report": (ExternalPreprocessing, "external_feature_report"),
        "external_excluded": (ExternalPreprocessing, "excluded_stores"),
    }
    by_category = ("internal_clusters", "internal_features")
    columns = {"internal_clusters": (*_PLACED, "is_held_out")}
    pinned = MergeCategory.pinned
    sections = ("merging",)
    compute = "pipeline.core.final.final_clusters:finish"
    tables = (
        "store_clusters",
        "merged_clusters",
        "merged_profiles",
        "cluster_numbers",
        "reassignments",
        "excluded_stores",
        "merging_methods",
        "external_contribution",
        "overrides_applied",
    )


class Migrations(TableStage):
    """The changes since the pins that the settings name as `reference`; empty without one."""

    reads = {
        "internal_clusters": (InternalClustering, "internal_clusters"),
        "internal_features": (InternalClustering, "internal_features"),
        "external_clusters": (ExternalClustering, "external_clusters"),
        "external_features": (ExternalPreprocessing, "external_features"),
        "external_feature_report": (ExternalPreprocessing, "external_feature_report"),
        "store_clusters": (Merging, "store_clusters"),
    }
    pinned = {
        "before_internal_clusters": ("internal", "internal_clusters", _PLACED),
        "before_internal_features": ("internal", "internal_features", ("store_id", "category", "feature", "share")),
        "before_external_clusters": ("external", "external_clusters", ("store_id", "cluster")),
        "before_external_features": ("external", "external_features", ()),
        "before_store_clusters": ("final", "store_clusters", (*_PLACED, "overridden")),
    }
    by_category = ("internal_features",)
    columns = {"internal_clusters": (*_PLACED, "confidence"), "store_clusters": (*_PLACED, "overridden")}
    sections = ("references",)
    compute = "pipeline.core.between_runs.migrations:compare_with_references"
    tables = ("agreement", "migrations", "cluster_changes", "drift")


class AssignmentModel(ModelStage):
    """The model for placing new stores: transforms, centroids, limits, classifiers and pairs of clusters."""

    reads = {
        "sales_by_need_state": (InternalPreprocessing, "sales_by_need_state"),
        **{
            table: (InternalClustering, table)
            for table in ("internal_clusters", "internal_features", "internal_mixture")
        },
        "store_volumes": (InternalClustering, "store_volumes"),
        "external_features": (ExternalPreprocessing, "external_features"),
        "external_feature_report": (ExternalPreprocessing, "external_feature_report"),
        **{
            table: (ExternalClustering, table)
            for table in ("external_clusters", "external_mixture", "external_scaled_features")
        },
        "store_clusters": (Merging, "store_clusters"),
    }
    by_category = (
        "sales_by_need_state",
        "internal_clusters",
        "internal_features",
        "internal_mixture",
        "store_volumes",
        "store_clusters",
    )
    sections = ("model",)
    compute = "pipeline.core.assigning.model:build"
    tables = (
        "model_spaces",
        "model_features",
        "model_need_states",
        "model_clusters",
        "model_centroids",
        "model_coefficients",
        "model_categories",
        "model_pairs",
    )
    document = "model.json"


class Deliveries(DeliveriesStage):
    """The raw files, compared with those of the last load: what did not arrive, or arrived twice."""

    reads = {
        "delivered_sales": (InternalPreprocessing, "delivered_sales"),
        "delivered_stores": (InternalPreprocessing, "delivered_stores"),
        "sales_by_need_state": (InternalPreprocessing, "sales_by_need_state"),
        "need_state_coverage": (InternalPreprocessing, "need_state_coverage"),
        "delivered_features": (ExternalPreprocessing, "delivered_features"),
        "external_features": (ExternalPreprocessing, "external_features"),
        "external_excluded": (ExternalPreprocessing, "excluded_stores"),
    }
    columns = {"sales_by_need_state": ("category", "need_state", "sales_value")}
    in_parts = ("sales_by_need_state",)
    sections = ("deliveries", "sources.internal_sales", "sources.need_states", "sources.external")
    libraries = ("duckdb", "numpy", "pandas", "pyarrow")


class Warehouse(DatabaseStage):
    """Every table, its lineage and the runs, in one DuckDB file."""

    loads = (
        *(
            (InternalPreprocessing, table)
            for table in (
                "categories",
                "need_state_coverage",
                "sales_by_need_state",
                "key_spellings",
                "delivered_sales",
                "delivered_stores",
            )
        ),
        *((InternalClustering, table) for table in InternalClustering.tables),
        *((ChainClustering, table) for table in ChainClustering.tables),
        *((ChainAgreement, table) for table in ChainAgreement.tables),
        *(
            (ExternalPreprocessing, table)
            for table in ("external_features", "external_feature_report", "store_labels", "delivered_features")
        ),
        *((ExternalClustering, table) for table in ExternalClustering.tables),
        (Overrides, "overrides"),
        *((Merging, table) for table in Merging.tables),
        *((Migrations, table) for table in Migrations.tables),
        *((AssignmentModel, table) for table in AssignmentModel.tables),
    )
    compares = Deliveries
    sections = ("warehouse",)
    modules = ("pipeline.warehouse.load", "pipeline.records.history", "pipeline.report.source")


class Report(DocumentStage):
    """What a merchant reads: one HTML file."""

    loads = Warehouse.loads
    compares = Deliveries
    sections = (
        "stores",
        "internal.preprocessing",
        "internal.clustering",
        "chain.clustering",
        "external.preprocessing",
        "external.clustering",
        "merging",
    )
    write = "pipeline.report.html:write"
    targets = {"report": REPORT}
    libraries = ("jinja2", "markupsafe", "numpy", "pandas", "pyarrow")


class Workbook(DocumentStage):
    """What a merchant works with: an Excel workbook, and its sheets as CSV."""

    priority = 1  # takes about as long as database and report, which a second worker builds beside it
    loads = Warehouse.loads
    compares = Deliveries
    reads_comparison = False
    write = "pipeline.report.workbook:write"
    targets = {
        "workbook": "store_clusters.xlsx",
        **{
            sheet: f"csv/{sheet}.csv"
            for sheet in ("clusters", "profiles", "outside", "moves", "excluded", "dictionary")
        },
    }
    libraries = ("numpy", "pandas", "pyarrow", "xlsxwriter")


class Upload(UploadStage):
    """The results in a bucket, if the settings name one."""

    uploads = (Warehouse, Report, Workbook)
    loads = Warehouse.loads


class FullPipeline(Bundle):
    """Everything: the store clusters, in the database, the report and the workbook, and in a bucket, if there is one."""

    stages = (Warehouse, Report, Workbook, Upload)


JOBS = (InternalPreprocessing, InternalClustering, ExternalPreprocessing, ExternalClustering, Merging, FullPipeline)
unknown_task.install(JOBS)
beginning.install()
shared_processes.install()
