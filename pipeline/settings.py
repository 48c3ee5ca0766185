"""Every setting: its type, range and default. No I/O; `config.py` fills these from TOML.

The structs mirror the tables of the config files: `[internal.clustering]` is `Settings.internal.clustering`. They are
frozen. A `category` table inside a section overrides the section's values for that category alone; `for_category`
resolves it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
NonEmpty = Annotated[str, Meta(min_length=1)]
OneCharacter = Annotated[str, Meta(min_length=1, max_length=1)]


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """A table of the config file: unknown keys are errors."""


SectionType = TypeVar("SectionType", bound=Section)


class CsvSettings(Section, frozen=True):
    """How a CSV source is written."""

    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    delimiter: OneCharacter = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    quote: OneCharacter = '"'


class SalesColumns(Section, frozen=True):
    """The raw names of the internal sales' columns. `week` and `sales_units` are optional in the file."""

    store_id: NonEmpty = "store_id"
    sku_id: NonEmpty = "sku_id"
    category: NonEmpty = "category"
    sales_value: NonEmpty = "sales_value"
    week: NonEmpty | None = None
    sales_units: NonEmpty | None = None


class NeedStateColumns(Section, frozen=True):
    """The raw names of the need states' columns. Without `category` a SKU maps alike in every category."""

    sku_id: NonEmpty = "sku_id"
    need_state: NonEmpty = "need_state"
    category: NonEmpty | None = None
    weight: NonEmpty | None = None


class ExternalColumns(Section, frozen=True):
    """The raw name of the external data's key."""

    store_id: NonEmpty = "store_id"


class SalesSource(Section, frozen=True):
    """`[sources.internal_sales]`: any grain, rows are summed."""

    path: NonEmpty
    columns: SalesColumns = field(default_factory=SalesColumns)
    csv: CsvSettings = field(default_factory=CsvSettings)


class NeedStateSource(Section, frozen=True):
    """`[sources.need_states]`: which need states a SKU serves."""

    path: NonEmpty
    columns: NeedStateColumns = field(default_factory=NeedStateColumns)
    csv: CsvSettings = field(default_factory=CsvSettings)


class ExternalSource(Section, frozen=True):
    """One `[[sources.external]]`: features of stores, one row per store.

    `features` lists the columns to use (default: all but the key, `ignore` and `labels`); `labels` are carried to the
    outputs and never clustered on.
    """

    path: NonEmpty
    columns: ExternalColumns = field(default_factory=ExternalColumns)
    features: tuple[NonEmpty, ...] | None = None
    ignore: tuple[NonEmpty, ...] = ()
    labels: tuple[NonEmpty, ...] = ()
    csv: CsvSettings = field(default_factory=CsvSettings)


class Sources(Section, frozen=True):
    """`[sources]`: the raw files."""

    internal_sales: SalesSource
    need_states: NeedStateSource
    external: Annotated[tuple[ExternalSource, ...], Meta(min_length=1)]


class SampleData(Section, frozen=True):
    """`[sample_data]`: planted raw files, made only where none of the configured ones exists.

    `accept` lets a run read files that carry the sample marker; without it they are refused.
    """

    when_missing: bool = False
    accept: bool = False
    stores: Annotated[int, Meta(ge=20, le=100_000)] = 120
    skus: Annotated[int, Meta(ge=24, le=1_000_000)] = 240
    weeks: Annotated[int, Meta(ge=1, le=520)] = 8
    seed: NotNegative = 0


class InternalPreprocessingOverride(Section, frozen=True):
    """What `[internal.preprocessing.category."NAME"]` may set."""

    unmapped: Literal["keep", "drop", "error"] | None = None
    max_unmapped_share: Share | None = None
    max_clipped_share: Share | None = None


class InternalPreprocessing(Section, frozen=True):
    """`[internal.preprocessing]`: from raw sales to sales by need state.

    `last_weeks` counts back from the last week in the data. `unmapped` says what becomes of the sales of SKUs without a
    need state: `keep` them as the need state UNMAPPED (reported, never a feature), `drop` them, or make it an `error`.
    """

    include: tuple[NonEmpty, ...] | None = None
    exclude: tuple[NonEmpty, ...] = ()
    last_weeks: Positive | None = None
    unmapped: Literal["keep", "drop", "error"] = "keep"
    max_unmapped_share: Share = 0.2
    max_clipped_share: Share = 0.1
    category: dict[str, InternalPreprocessingOverride] = field(default_factory=dict)


class ClusteringSettings(Section, frozen=True):
    """What the clustering of either side is told.

    A cluster needs at least max(`min_cluster_size`, `min_cluster_share` x fitted stores) stores. `k` fixes the number
    of clusters; else `rule` chooses it among 1..`k_max`.
    """

    algorithm: Literal["kmeans", "ward", "gmm"] = "kmeans"
    k: Positive | None = None
    k_max: Annotated[int, Meta(ge=2, le=50)] = 10
    rule: Literal["bic_stable", "largest_stable", "silhouette", "calinski_harabasz", "davies_bouldin"] = "bic_stable"
    min_cluster_size: Positive = 5
    min_cluster_share: Share = 0.03
    min_jaccard: Share = 0.5
    min_stability: Share = 0.6
    resamples: Annotated[int, Meta(ge=10, le=1000)] = 50
    null_resamples: Annotated[int, Meta(ge=19, le=9999)] = 99
    outliers: Literal["isolation_forest", "none"] = "isolation_forest"
    reference: NonEmpty | None = None
    random_state: NotNegative = 0


class InternalClusteringOverride(Section, frozen=True):
    """What `[internal.clustering.category."NAME"]` may set."""

    min_need_state_share: Share | None = None
    transform: Literal["hellinger", "zscore", "none", "chi_square", "clr"] | None = None
    algorithm: Literal["kmeans", "ward", "gmm"] | None = None
    k: Positive | None = None
    k_max: Annotated[int, Meta(ge=2, le=50)] | None = None
    rule: Literal["bic_stable", "largest_stable", "silhouette", "calinski_harabasz", "davies_bouldin"] | None = None
    min_cluster_size: Positive | None = None
    min_cluster_share: Share | None = None
    min_jaccard: Share | None = None
    min_stability: Share | None = None
    resamples: Annotated[int, Meta(ge=10, le=1000)] | None = None
    null_resamples: Annotated[int, Meta(ge=19, le=9999)] | None = None
    outliers: Literal["isolation_forest", "none"] | None = None
    random_state: NotNegative | None = None


class InternalClustering(ClusteringSettings, frozen=True):
    """`[internal.clustering]`: stores clustered on their sales mix, per category."""

    min_need_state_share: Share = 0.01
    transform: Literal["hellinger", "zscore", "none", "chi_square", "clr"] = "hellinger"
    category: dict[str, InternalClusteringOverride] = field(default_factory=dict)


class ExternalPreprocessing(Section, frozen=True):
    """`[external.preprocessing]`: from raw features to a complete, numeric store x feature table.

    A feature is taken for a skewed count where its values are whole and not negative and its skewness exceeds
    `max_skewness`; it becomes log1p of itself.
    """

    imputation: Literal["median", "mean"] = "median"
    max_missing_share: Share = 0.5
    max_correlation: Share = 0.95
    max_skewness: Annotated[float, Meta(ge=0.0)] = 1.0
    max_levels: Annotated[int, Meta(ge=2, le=1000)] = 20


class ExternalClustering(ClusteringSettings, frozen=True):
    """`[external.clustering]`: stores clustered on the outside data."""

    scaling: Literal["robust", "standard", "minmax"] = "robust"


class MergingOverride(Section, frozen=True):
    """What `[merging.category."NAME"]` may set."""

    method: Literal["cross", "nested", "consensus", "weighted"] | None = None
    internal_weight: Share | None = None
    external_weight: Share | None = None
    min_cluster_size: Positive | None = None
    min_cluster_share: Share | None = None


class Merging(Section, frozen=True):
    """`[merging]`: internal and external clusters become the final ones."""

    method: Literal["cross", "nested", "consensus", "weighted"] = "cross"
    internal_weight: Share = 0.6
    external_weight: Share = 0.4
    min_cluster_size: Positive = 5
    min_cluster_share: Share = 0.03
    category: dict[str, MergingOverride] = field(default_factory=dict)


class Warehouse(Section, frozen=True):
    """`[warehouse]`: the DuckDB file. `{env}` stands for the environment's name."""

    path: NonEmpty = "outputs/clustering_{env}.duckdb"


class Logging(Section, frozen=True):
    """`[logging]`: where log files go, and how much is said in them."""

    folder: NonEmpty = "logs"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Engine(Section, frozen=True):
    """`[engine]`: how the work that grows with the sales rows is done. Never changes a result.

    `memory_limit` is a DuckDB size such as "4GB" (default: a quarter of the machine); `threads` 0 means all.
    """

    name: Literal["duckdb", "spark"] = "duckdb"
    memory_limit: Annotated[str, Meta(pattern=r"^(\d+(\.\d+)?\s?([KMGT]i?B))?$")] = ""
    threads: NotNegative = 0
    spill_folder: NonEmpty = "outputs/.spill"


class Internal(Section, frozen=True):
    """`[internal.*]`."""

    preprocessing: InternalPreprocessing = field(default_factory=InternalPreprocessing)
    clustering: InternalClustering = field(default_factory=InternalClustering)


class External(Section, frozen=True):
    """`[external.*]`."""

    preprocessing: ExternalPreprocessing = field(default_factory=ExternalPreprocessing)
    clustering: ExternalClustering = field(default_factory=ExternalClustering)


class Settings(Section, frozen=True):
    """All of a config: `base.toml` with `<env>.toml` on top."""

    sources: Sources
    sample_data: SampleData = field(default_factory=SampleData)
    internal: Internal = field(default_factory=Internal)
    external: External = field(default_factory=External)
    merging: Merging = field(default_factory=Merging)
    warehouse: Warehouse = field(default_factory=Warehouse)
    logging: Logging = field(default_factory=Logging)
    engine: Engine = field(default_factory=Engine)


# Settings that exist in the design and are built later: named, so that they are refused rather than ignored.
NOT_YET: dict[tuple[str, str], frozenset[str]] = {
    ("internal.clustering", "transform"): frozenset({"chi_square", "clr"}),
    ("internal.clustering", "algorithm"): frozenset({"gmm"}),
    ("external.clustering", "algorithm"): frozenset({"gmm"}),
    ("internal.clustering", "reference"): frozenset({"*"}),
    ("external.clustering", "reference"): frozenset({"*"}),
    ("merging", "method"): frozenset({"nested", "consensus", "weighted"}),
    ("engine", "name"): frozenset({"spark"}),
}


def for_category(section: SectionType, category: str) -> SectionType:
    """The section with the category's overrides applied and its `category` table emptied.

    Parameters
    ----------
    section : a section that has a `category` table
    category : the category's name, as it stands in the data

    Returns
    -------
    A section of the same type: what holds for this category, so that another category's override is not part of it.
    """
    overrides: Section | None = section.category.get(category)  # type: ignore[attr-defined]  # only such sections
    values: dict[str, Any] = {"category": {}}
    if overrides is not None:
        values |= {name: value for name, value in msgspec.structs.asdict(overrides).items() if value is not None}
    return msgspec.structs.replace(section, **values)
