"""What should be built, by a model that knows nothing of traces: who reads what, and what it was when it was last built."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.freshness.traces import slug

CLUSTERS = ("clusters", "k_selection", "verdicts", "profiles")
EXPLAINED = (*CLUSTERS, "memberships", "mixture", "exemplars", "cluster_summary", "rules")
INTERNAL = (*(f"internal_{table}" for table in EXPLAINED), "internal_features", "store_volumes")
CHAIN = tuple(f"chain_{table}" for table in CLUSTERS)
MODEL = ("spaces", "features", "need_states", "clusters", "centroids", "coefficients", "categories", "pairs")
EXTERNAL = (*(f"external_{table}" for table in EXPLAINED), "external_scaled_features")

CANDIDATES = (
    "candidates",
    *(
        f"candidate_{table}"
        for table in ("store_clusters", "merged_clusters", "merged_profiles", "reassignments", "merging_methods")
    ),
)
# The tasks per category, by what stands for all of them here: their name, and the tables that each writes.
PER_CATEGORY = {"*": ("ClusterCategory", INTERNAL), "+": ("MergeCategory", CANDIDATES)}

JOINED = {"InternalClustering": "*", "Merging": "+"}  # who joins them

# Who is built when somebody asks for this job.
JOBS = {
    "InternalPreprocessing": ("InternalPreprocessing",),
    "InternalClustering": ("InternalPreprocessing", "*", "InternalClustering"),
    "ExternalPreprocessing": ("ExternalPreprocessing",),
    "ExternalClustering": ("ExternalPreprocessing", "ExternalClustering"),
    "Merging": (
        "InternalPreprocessing",
        "*",
        "InternalClustering",
        "ExternalPreprocessing",
        "ExternalClustering",
        "Overrides",
        "+",
        "Merging",
    ),
}
SINKS = ("Warehouse", "Report", "Workbook")  # each reads all that is published
JOBS["FullPipeline"] = (
    *JOBS["Merging"][:3],
    "ChainClustering",
    "ChainAgreement",
    *JOBS["Merging"][3:],
    "Migrations",
    "AssignmentModel",
    "Deliveries",
    *SINKS,
)

# Whom a setting of the test, and a module or file, is for. The report shows settings.
SETTINGS = {
    "merging": {"+", "Merging", "Report"},
    "external": {"ExternalClustering", "Report"},
    "bread": {
        "ClusterCategory(Bread)",
        "AssignmentModel",
        "Report",
    },  # the model has which categories have settings of their own
}
CODE = {
    "core/merging/repair.py": {"+", "Merging"},
    "core/clustering/kmeans.py": {"*", "+", "ChainClustering", "ExternalClustering", "Merging"},
    "core/correlated.py": {"ExternalPreprocessing"},
    "engine/sql/sales_sums.sql": {"InternalPreprocessing"},
    "warehouse/views.py": {"Warehouse"},
    "report/sheets.py": {"Workbook"},
    "report/templates/charts.js": {"Report"},
    "cli/text.py": set(),
    "core/compare.py": {"*", "+", "ChainClustering", "ExternalClustering", "Merging", "Migrations"},
}

# The tables that a task reads, where it reads the same of every project.
READS = {
    "ChainClustering": (),
    "ChainAgreement": ("chain_clustering/chain_clusters", "internal_clustering/internal_clusters"),
    "ExternalClustering": (
        "external_preprocessing/external_features",
        "external_preprocessing/external_feature_report",
    ),
    "+": (
        "external_clustering/external_clusters",
        "external_clustering/external_scaled_features",
        "external_preprocessing/external_features",
        "external_preprocessing/external_feature_report",
    ),
    "Merging": (
        "internal_clustering/internal_clusters",
        "internal_clustering/internal_features",
        "internal_preprocessing/excluded_stores",
        "external_clustering/external_clusters",
        "external_clustering/external_scaled_features",
        "external_preprocessing/external_features",
        "external_preprocessing/external_feature_report",
        "external_preprocessing/excluded_stores",
        "overrides/overrides",
    ),
    "Migrations": (
        "internal_clustering/internal_clusters",
        "internal_clustering/internal_features",
        "external_clustering/external_clusters",
        "external_preprocessing/external_features",
        "merging/store_clusters",
    ),
    "AssignmentModel": (
        "internal_clustering/internal_clusters",
        "internal_clustering/internal_features",
        "internal_clustering/internal_mixture",
        "internal_clustering/store_volumes",
        "external_preprocessing/external_features",
        "external_preprocessing/external_feature_report",
        "external_clustering/external_clusters",
        "external_clustering/external_mixture",
        "external_clustering/external_scaled_features",
        "merging/store_clusters",
    ),
}

COMPARED = (
    "internal_preprocessing/delivered_sales",
    "internal_preprocessing/delivered_stores",
    "internal_preprocessing/need_state_coverage",
    "external_preprocessing/delivered_features",
    "external_preprocessing/external_features",
    "external_preprocessing/excluded_stores",
)
COMPARISON = "outputs/dev/deliveries/comparison.json"  # with the last load: read by database and report


def of_category(sign: str, category: str) -> str:
    """The name of a category's task; `sign` is a key of `PER_CATEGORY`."""
    return f"{PER_CATEGORY[sign][0]}({category})"


def parts(task: str) -> tuple[str, str]:
    """The sign and the category of a category's task; both empty if it is none."""
    for sign, (name, _) in PER_CATEGORY.items():
        if task.startswith(f"{name}("):
            return sign, task[len(name) + 1 : -1]
    return "", ""


def snake(name: str) -> str:
    """The name of a task's folder."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def trace_name(task: str) -> str:
    """The file of a task's trace."""
    sign, category = parts(task)
    return f"{snake(PER_CATEGORY[sign][0])}-{slug(category)}.json" if sign else f"{snake(task)}.json"


@dataclass
class Built:
    """What a task was when it was last built: the content of what it read and wrote, settings and code by version."""

    inputs: dict[str, str | None]
    outputs: dict[str, str | None]
    settings: tuple[object, ...]
    code: tuple[object, ...]


@dataclass
class Model:
    """The project as the model sees it."""

    home: Path
    categories: list[str]
    settings: dict[str, object] = field(default_factory=lambda: dict.fromkeys(SETTINGS, 0))
    code: dict[str, object] = field(default_factory=lambda: dict.fromkeys(CODE, 0))
    last: dict[str, Built] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=lambda: {task: [] for task in JOINED})

    def tasks(self, job: str) -> list[str]:
        """The tasks of a job, in the order of a build."""
        every = {sign: [of_category(sign, category) for category in self.categories] for sign in PER_CATEGORY}
        return [task for name in JOBS[job] for task in every.get(name, [name])]

    def of_categories(self, sign: str) -> list[str]:
        """What the categories' tasks write, and the list of the categories."""
        tables = [table for category in self.categories for table in self.outputs(of_category(sign, category))]
        return ["outputs/dev/internal_preprocessing/categories.parquet", *tables]

    def inputs_of_category(self, sign: str, category: str) -> list[str]:
        """What a category's task reads."""
        out = "outputs/dev"
        if sign == "*":
            return [f"{out}/internal_preprocessing/sales_by_need_state/{slug(category)}.parquet"]
        clustered = self.outputs(of_category("*", category))
        own = [path for path in clustered if path.endswith(("internal_clusters.parquet", "internal_features.parquet"))]
        return [*own, *(f"{out}/{table}.parquet" for table in READS["+"])]

    def inputs(self, task: str) -> list[str]:
        """What a task reads, relative to the project's root."""
        out = "outputs/dev"
        if task == "InternalPreprocessing":
            return ["data/raw/sales.parquet", "data/raw/needs.csv"]
        if task == "ExternalPreprocessing":
            return ["data/raw/external.parquet"]
        if task == "Overrides":
            return []
        if parts(task)[0]:
            return self.inputs_of_category(*parts(task))
        if task == "InternalClustering":
            return self.of_categories("*")
        if task == "Merging":
            return [*self.of_categories("+"), *(f"{out}/{table}.parquet" for table in READS[task])]
        if task in READS:
            mixes = [path for path in self.outputs("InternalPreprocessing") if "/sales_by_need_state/" in path]
            read = [f"{out}/{table}.parquet" for table in READS[task]]
            return [*mixes, *read] if task in ("ChainClustering", "ChainAgreement", "AssignmentModel") else read
        if task == "Deliveries":
            mixes = [path for path in self.outputs("InternalPreprocessing") if "/sales_by_need_state/" in path]
            return [*mixes, *(f"{out}/{table}.parquet" for table in COMPARED)]
        of_others = [path for other in self.tasks("FullPipeline")[: -len(SINKS)] for path in self.outputs(other)]
        left_out = {
            f"{out}/internal_preprocessing/excluded_stores.parquet",
            f"{out}/external_preprocessing/excluded_stores.parquet",
        }
        left_out.add(f"{out}/assignment_model/model.json")
        if task == "Workbook":
            left_out.add(COMPARISON)
        return [path for path in of_others if path not in left_out and "_category/" not in path]

    def outputs(self, task: str) -> list[str]:
        """What a task writes."""
        out = "outputs/dev"
        sign, category = parts(task)
        if sign:
            name, tables = PER_CATEGORY[sign]
            return [f"{out}/{snake(name)}/{slug(category)}/{table}.parquet" for table in tables]
        if task == "Deliveries":
            return [COMPARISON]
        if task == "Warehouse":
            return ["outputs/clustering_dev.duckdb"]
        if task == "Report":
            return [f"{out}/report.html"]
        if task == "Workbook":
            csv = ("clusters", "profiles", "outside", "moves", "excluded", "dictionary")
            return [f"{out}/store_clusters.xlsx", *(f"{out}/csv/{sheet}.csv" for sheet in csv)]
        tables = {
            "InternalPreprocessing": (
                "categories",
                "need_state_coverage",
                "excluded_stores",
                "key_spellings",
                "delivered_sales",
                "delivered_stores",
            ),
            "InternalClustering": INTERNAL,
            "ChainClustering": CHAIN,
            "ChainAgreement": ("chain_agreement",),
            "ExternalPreprocessing": (
                "external_features",
                "external_feature_report",
                "excluded_stores",
                "store_labels",
                "delivered_features",
            ),
            "ExternalClustering": EXTERNAL,
            "Overrides": ("overrides",),
            "Merging": (
                "store_clusters",
                "merged_clusters",
                "merged_profiles",
                "cluster_numbers",
                "reassignments",
                "excluded_stores",
                "merging_methods",
                "external_contribution",
                "overrides_applied",
            ),
            "AssignmentModel": tuple(f"model_{table}" for table in MODEL),
            "Migrations": ("agreement", "migrations", "cluster_changes", "drift"),
        }[task]
        found = [f"{out}/{trace_name(task)[:-5]}/{table}.parquet" for table in tables]
        if task == "AssignmentModel":
            found.append(f"{out}/assignment_model/model.json")
        if task == "InternalPreprocessing":
            found += [
                f"{out}/{trace_name(task)[:-5]}/sales_by_need_state/{slug(name)}.parquet" for name in self.categories
            ]
        return found

    def content(self, paths: Iterable[str]) -> dict[str, str | None]:
        """What is in these files now; None where there is none."""
        found = {}
        for path in paths:
            file = self.home / path
            found[path] = hashlib.md5(file.read_bytes()).hexdigest() if file.is_file() else None  # noqa: S324  # no secret
        return found

    def version(self, task: str, of: Mapping[str, object], whose: Mapping[str, set[str]]) -> tuple[object, ...]:
        """The versions of the settings, or modules, that are for this task."""
        kind = parts(task)[0] or task
        return tuple(of[name] for name, tasks in whose.items() if task in tasks or kind in tasks)

    def now(self, task: str) -> Built:
        """What a task would be if it were built now."""
        return Built(
            self.content(self.inputs(task)),
            self.content(self.outputs(task)),
            self.version(task, self.settings, SETTINGS),
            self.version(task, self.code, CODE),
        )

    def damaged(self, task: str) -> bool:
        """Whether what a task wrote is not what it wrote when it was last built, or nothing is known of that."""
        last = self.last.get(task)
        return last is None or self.content(last.outputs) != last.outputs or bool(self.strays(task))

    def strays(self, task: str) -> set[str]:
        """What lies in the folder of files per category, of categories that the last build did not know."""
        folder = self.home / "outputs" / "dev"
        if task == "InternalPreprocessing":
            files = (folder / "internal_preprocessing" / "sales_by_need_state").glob("*.parquet")
            known = [Path(path).stem for path in self.last[task].outputs]
            return {path.stem for path in files} - set(known)
        if task in JOINED:
            name = snake(PER_CATEGORY[JOINED[task]][0])
            tables = {path.parent.name for path in (folder / name).glob("*/*.parquet")}
            told = {path.stem.removeprefix(f"{name}-") for path in (folder / ".trace").glob(f"{name}-*.json")}
            return (tables | told) - {slug(category) for category in self.children[task]}
        return set()

    def stale(self, task: str, *, damaged: bool) -> bool:
        """Whether a task has to be built, now that what it requires has been.

        `damaged` is what was found of its own targets before the run.
        """
        last, now = self.last.get(task), self.now(task)
        return (
            damaged or last is None or (last.inputs, last.settings, last.code) != (now.inputs, now.settings, now.code)
        )

    def built(self, task: str) -> None:
        """Take note that a task was built from what there is now."""
        self.last[task] = self.now(task)
        if task in JOINED:
            sign = JOINED[task]
            every = {task for task in self.last if parts(task)[0] == sign}
            for gone in every - {of_category(sign, category) for category in self.categories}:
                del self.last[gone]
            self.children[task] = list(self.categories)
