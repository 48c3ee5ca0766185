"""Every setting: its type, range and default. No I/O; `config.py` fills these from TOML.

The structs mirror the tables of the config files: `[internal.clustering]` is `Settings.internal.clustering`. They are
frozen. A `category` table inside a section overrides the section's values for that category alone; `overrides.py`
resolves it. What follows `#:` is a setting's effect, from which `docs/generate.py` makes `docs/settings.md`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
NonEmpty = Annotated[str, Meta(min_length=1)]
OneCharacter = Annotated[str, Meta(min_length=1, max_length=1)]


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """A table of the config file: unknown keys are errors."""


class CsvSettings(Section, frozen=True):
    """How a CSV source is written."""

    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"  #: how the text is encoded
    delimiter: OneCharacter = ","  #: what stands between two fields
    decimal: Literal[".", ","] = "."  #: the decimal mark of numbers
    thousands: Literal["", ".", ",", " ", "'"] = ""  #: what stands between groups of three digits; empty: nothing does
    quote: OneCharacter = '"'  #: what stands around a field that holds the delimiter, a quote or a line break


class ExcelSettings(Section, frozen=True):
    """Where a source stands in its workbook: the sheet (default: the first), and the row of its names, counted from 1."""

    sheet: NonEmpty | None = None  #: the name of the sheet; default: the first one
    #: the row of the columns' names, counted from 1; what stands above it is passed over
    header_row: Annotated[int, Meta(ge=1, le=1_048_576)] = 1


class SalesColumns(Section, frozen=True):
    """The raw names of the internal sales' columns. `week` is optional in the file; `sales_units` is not read yet."""

    store_id: NonEmpty = "store_id"  #: the column of the store
    sku_id: NonEmpty = "sku_id"  #: the column of the SKU
    category: NonEmpty = "category"  #: the column of the category
    sales_value: NonEmpty = "sales_value"  #: the column of the sales value, in currency; negative values are returns
    week: NonEmpty | None = None  #: the column of the week, a date or a whole number; `last_weeks` needs it
    sales_units: NonEmpty | None = None  #: the column of the units sold


class NeedStateColumns(Section, frozen=True):
    """The raw names of the need states' columns. Without `category` a SKU maps alike in every category."""

    sku_id: NonEmpty = "sku_id"  #: the column of the SKU
    need_state: NonEmpty = "need_state"  #: the column of the need state
    category: NonEmpty | None = None  #: the column of the category; without it a SKU maps alike in every category
    #: the column of the weight of a need state among the SKU's; without it they weigh alike
    weight: NonEmpty | None = None


class ExternalColumns(Section, frozen=True):
    """The raw name of the external data's key."""

    store_id: NonEmpty = "store_id"  #: the column of the store


class SalesSource(Section, frozen=True):
    """`[sources.internal_sales]`: any grain, rows are summed."""

    path: NonEmpty  #: a file, a folder or a glob; relative to the project
    columns: SalesColumns = field(default_factory=SalesColumns)
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)


class NeedStateSource(Section, frozen=True):
    """`[sources.need_states]`: which need states a SKU serves."""

    path: NonEmpty  #: a file, a folder or a glob; relative to the project
    columns: NeedStateColumns = field(default_factory=NeedStateColumns)
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)


class ExternalSource(Section, frozen=True):
    """One `[[sources.external]]`: features of stores, one row per store.

    `features` lists the columns to use (default: all but the key, `ignore` and `labels`); `labels` are carried to the
    outputs and never clustered on.
    """

    path: NonEmpty  #: a file, a folder or a glob; relative to the project
    columns: ExternalColumns = field(default_factory=ExternalColumns)
    features: tuple[NonEmpty, ...] | None = None  #: the columns to use; default: all but the key, `ignore` and `labels`
    ignore: tuple[NonEmpty, ...] = ()  #: columns that are not used
    labels: tuple[NonEmpty, ...] = ()  #: columns that are carried to the outputs, and never clustered on
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)


class Sources(Section, frozen=True):
    """`[sources]`: the raw files."""

    internal_sales: SalesSource
    need_states: NeedStateSource
    external: Annotated[tuple[ExternalSource, ...], Meta(min_length=1)]


class SampleData(Section, frozen=True):
    """`[sample_data]`: planted raw files, made only where none of the configured ones exists.

    `accept` lets a run read files that carry the sample marker; without it they are refused.
    """

    when_missing: bool = False  #: whether a run makes sample data where none of the raw files exists; needs `accept`
    accept: bool = False  #: whether sample files may be read; without it they are refused
    stores: Annotated[int, Meta(ge=20, le=100_000)] = 120  #: how many stores are planted
    skus: Annotated[int, Meta(ge=24, le=1_000_000)] = 240  #: how many SKUs are planted
    weeks: Annotated[int, Meta(ge=1, le=520)] = 8  #: how many weeks are planted
    seed: NotNegative = 0  #: the seed of the planted data


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

    include: tuple[NonEmpty, ...] | None = None  #: the categories to work on; default: all
    exclude: tuple[NonEmpty, ...] = ()  #: categories to leave out
    #: how many weeks to read, counted back from the last week in the data; default: all
    last_weeks: Positive | None = None
    #: what becomes of sales of SKUs without a need state: `keep` as UNMAPPED, `drop`, or an `error`
    unmapped: Literal["keep", "drop", "error"] = "keep"
    max_unmapped_share: Share = 0.2  #: the share of a category's sales without a need state above which the run fails
    #: stores whose returns exceed this share of their positive sales are excluded from the category
    max_clipped_share: Share = 0.1
    category: dict[str, InternalPreprocessingOverride] = field(default_factory=dict)


class ClusteringSettings(Section, frozen=True):
    """What the clustering of either side is told.

    A cluster needs at least max(`min_cluster_size`, `min_cluster_share` x fitted stores) stores. `k` fixes the number
    of clusters; else `rule` chooses it among 1..`k_max`.
    """

    algorithm: Literal["kmeans", "ward", "gmm"] = "kmeans"  #: how stores are clustered
    k: Positive | None = None  #: the number of clusters, whatever the figures say; default: `rule` chooses it
    k_max: Annotated[int, Meta(ge=2, le=50)] = 10  #: the largest number of clusters tried
    #: how the number of clusters is chosen among those tried
    rule: Literal["bic_stable", "largest_stable", "silhouette", "calinski_harabasz", "davies_bouldin"] = "bic_stable"
    min_cluster_size: Positive = 5  #: stores that a cluster needs at least
    min_cluster_share: Share = 0.03  #: share of the fitted stores that a cluster needs at least
    min_jaccard: Share = 0.5  #: how well each cluster has to be found again in resamples, for its k to be a candidate
    min_stability: Share = 0.6  #: how well resamples have to agree, for a k to be a candidate
    resamples: Annotated[int, Meta(ge=10, le=1000)] = 50  #: how many bootstrap resamples stability is measured on
    #: how many draws without clusters the verdict is tested against
    null_resamples: Annotated[int, Meta(ge=19, le=9999)] = 99
    #: how stores are found that are left out of the fit, and placed afterwards
    outliers: Literal["isolation_forest", "none"] = "isolation_forest"
    reference: NonEmpty | None = None  #: the pin whose clusters' numbers are kept
    random_state: NotNegative = 0  #: the seed of everything random in the clustering


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

    min_need_state_share: Share = 0.01  #: need states below this share of the category's sales are clustered as one
    #: what is made of the shares before they are clustered
    transform: Literal["hellinger", "zscore", "none", "chi_square", "clr"] = "hellinger"
    category: dict[str, InternalClusteringOverride] = field(default_factory=dict)


class ExternalPreprocessing(Section, frozen=True):
    """`[external.preprocessing]`: from raw features to a complete, numeric store x feature table.

    A feature is taken for a skewed count where its values are whole and not negative and its skewness exceeds
    `max_skewness`; it becomes log1p of itself.
    """

    imputation: Literal["median", "mean"] = "median"  #: what stands in for a missing value
    max_missing_share: Share = 0.5  #: features with a larger share of missing values are dropped
    max_correlation: Share = 0.95  #: of two features that correlate more than this, one is dropped
    max_skewness: Annotated[float, Meta(ge=0.0)] = 1.0  #: counts that are more skewed become log1p of themselves
    #: texts with more levels are dropped; the others become a feature per level
    max_levels: Annotated[int, Meta(ge=2, le=1000)] = 20


class ExternalClustering(ClusteringSettings, frozen=True):
    """`[external.clustering]`: stores clustered on the outside data."""

    scaling: Literal["robust", "standard", "minmax"] = "robust"  #: how features are made comparable


class MergingOverride(Section, frozen=True):
    """What `[merging.category."NAME"]` may set."""

    method: Literal["cross", "nested", "consensus", "weighted"] | None = None
    internal_weight: Share | None = None
    external_weight: Share | None = None
    min_cluster_size: Positive | None = None
    min_cluster_share: Share | None = None


class Merging(Section, frozen=True):
    """`[merging]`: internal and external clusters become the final ones."""

    #: how internal and external clusters become final ones
    method: Literal["cross", "nested", "consensus", "weighted"] = "cross"
    internal_weight: Share = 0.6  #: how much the sales mix counts when a store is moved
    external_weight: Share = 0.4  #: how much the outside data counts when a store is moved
    min_cluster_size: Positive = 5  #: stores that a final cluster needs at least
    min_cluster_share: Share = 0.03  #: share of the category's stores that a final cluster needs at least
    category: dict[str, MergingOverride] = field(default_factory=dict)


class Warehouse(Section, frozen=True):
    """`[warehouse]`: the DuckDB file. `{env}` stands for the environment's name."""

    path: NonEmpty = "outputs/clustering_{env}.duckdb"  #: the DuckDB file; `{env}` stands for the environment


class Logging(Section, frozen=True):
    """`[logging]`: where log files go, and how much is said in them.

    A log that has grown to `max_size_mb` when a run begins is put aside, and the last `keep` of them are kept. `text` has
    a line per event; so has `json`, as an object.
    """

    folder: NonEmpty = "logs"  #: where the log files are
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"  #: the least severe events that are logged
    format: Literal["text", "json"] = "text"  #: a line per event, or a JSON object per event
    max_size_mb: Annotated[float, Meta(gt=0.0)] = 10.0  #: a log at least this large is put aside when a run begins
    keep: NotNegative = 9  #: how many logs that were put aside are kept


class Engine(Section, frozen=True):
    """`[engine]`: how the work that grows with the sales rows is done. Never changes a result.

    `memory_limit` is a DuckDB size such as "4GB" (default: a quarter of the machine); `threads` 0 means all.
    """

    name: Literal["duckdb", "spark"] = "duckdb"  #: what reads and sums the raw files
    #: the memory that reading may take, such as `4GB`; empty: a quarter of the machine
    memory_limit: Annotated[str, Meta(pattern=r"^(\d+(\.\d+)?\s?([KMGT]i?B))?$")] = ""
    threads: NotNegative = 0  #: threads for reading; 0: one per core
    spill_folder: NonEmpty = "outputs/.spill"  #: where reading puts what does not fit in memory


class Alerts(Section, frozen=True):
    """`[alerts]`: who is told of a run, and of what. Never changes a result.

    `urls` are addresses of Apprise; each is written as `${VAR}` or `${VAR:-}`, since a URL holds secrets, and one that is
    empty sends nothing. `level` says which runs are told of: those that did not succeed (`failure`), also those with
    something to look at (`attention`), all that built something (`always`), none (`never`). To look at are a verdict that
    changed, a category with more than `max_unmapped_share` of its sales without a need state, and one where more than
    `max_moved_share` of the stores moved to another cluster.
    """

    urls: tuple[str, ...] = ()  #: where alerts go, as addresses of Apprise; each only as `${VAR}` or `${VAR:-}`
    #: which runs are told of: `failure`; `attention`: also those with something to look at; `always`; `never`
    level: Literal["failure", "attention", "always", "never"] = "attention"
    #: a category with a larger share of sales without a need state is something to look at
    max_unmapped_share: Share = 0.1
    #: a category where a larger share of the stores changed clusters is something to look at
    max_moved_share: Share = 0.2


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
    alerts: Alerts = field(default_factory=Alerts)


# Settings that exist in the design and are built later: named, so that they are refused rather than ignored.
NOT_YET: dict[tuple[str, str], frozenset[str]] = {
    ("sources.internal_sales.columns", "sales_units"): frozenset({"*"}),
    ("internal.clustering", "transform"): frozenset({"chi_square", "clr"}),
    ("internal.clustering", "algorithm"): frozenset({"gmm"}),
    ("external.clustering", "algorithm"): frozenset({"gmm"}),
    ("internal.clustering", "reference"): frozenset({"*"}),
    ("external.clustering", "reference"): frozenset({"*"}),
    ("merging", "method"): frozenset({"nested", "consensus", "weighted"}),
    ("engine", "name"): frozenset({"spark"}),
}
