"""Where the raw data is and how it is written; the sample data."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from pipeline.settings.kinds import ExcludedRows, Names, NonEmpty, NotNegative, OneCharacter, Section, WeekFormat

BUCKETS = ("s3://", "gs://", "abfs://", "abfss://", "az://")
OVER_SKUS = "SKUs"  # what a mix is over where nothing else is named
Attributes = (
    NonEmpty | dict[NonEmpty, Annotated[float, Meta(gt=0, le=1e6)]]
)  # a column, or several and how much each counts


class TextSettings(Section, frozen=True):
    """How the rows and values of a file are written that knows no types."""

    #: the row of the columns' names, counted from 1; what stands above it is passed over
    header_row: Annotated[int, Meta(ge=1, le=1_048_576)] = 1
    footer_rows: Annotated[int, Meta(ge=0, le=1000)] = 0  #: how many rows at the end are passed over
    #: columns whose value stands in the first of several rows, as where cells were merged, and holds for those below it
    fill_down: tuple[NonEmpty, ...] = ()
    #: the decimal mark of numbers; default: a point, and texts that leave it open (1.003 beside 901) are asked about
    decimal: Literal[".", ","] | None = None
    thousands: Literal["", ".", ",", " ", "'"] = ""  #: what stands between groups of three digits; empty: nothing does
    currency: str = ""  #: what stands before or behind amounts, such as $ or EUR; empty: nothing does
    #: words before or behind amounts that say their sign, such as `{ CR = -1, DR = 1 }`
    signs: dict[NonEmpty, Literal[-1, 1]] = field(default_factory=dict)
    zero: tuple[NonEmpty, ...] = ()  #: texts that stand for zero, such as "-"
    missing: tuple[NonEmpty, ...] = ()  #: texts that stand for a missing value, such as "NA"


class CsvSettings(TextSettings, frozen=True):
    """How a CSV source is written."""

    encoding: NonEmpty = "utf-8"  #: how the text is encoded: any encoding that Python knows, such as cp1252
    delimiter: OneCharacter = ","  #: what stands between two fields
    quote: OneCharacter = '"'  #: what stands around a field that holds the delimiter, a quote or a line break


class ExcelSettings(TextSettings, frozen=True):
    """Where a source stands in its workbook, and how its texts are written; cells that are numbers are what they are."""

    #: the name of the sheet, several names, or patterns such as "2024-*", which visible sheets match; the rows of several are
    #: read as one table. Default: the only visible sheet with the columns
    sheet: Names | None = None


class SalesColumns(Section, frozen=True):
    """The raw names of the internal sales' columns. `week` is optional in the file.

    Where no source of need states is named the mix is over `need_state`, and without that over the SKUs.
    """

    store_id: Names = "store_id"  #: the column of the store, or the columns that together name it
    #: the column of the SKU, or the columns that together name it; not read where `need_state` is set
    sku_id: Names = "sku_id"
    category: Names = "category"  #: the column of the category; where the files have none, the need states' is taken
    #: without `[sources.need_states]`: the column that the mix is over, such as a subcategory, or several with their weights, such as
    #: `{ SUBCATEGORY = 2, BRAND = 1 }`; default: the SKUs, the rare ones together
    need_state: Attributes | None = None
    #: the column of the sales value, in currency, or two columns with an asterisk between, "UNITS * PRICE"; negative is a return
    sales_value: NonEmpty = "sales_value"
    week: Names | None = None  #: the column of the week, or those of year and week; `last_weeks` needs it


class NeedStateColumns(Section, frozen=True):
    """The raw names of the need states' columns. Without `category` a SKU maps alike in every category."""

    sku_id: Names = "sku_id"  #: the column of the SKU, or the columns that together name it
    #: the column of the need state, or of any attribute of the SKU; several, with their weights: `{ SUBCATEGORY = 2, BRAND = 1 }`
    need_state: Attributes = "need_state"
    category: Names | None = None  #: the column of the category; without it a SKU maps alike in every category
    #: the column of the weight of a need state among the SKU's; without it they weigh alike
    weight: NonEmpty | None = None


class ExternalColumns(Section, frozen=True):
    """The raw name of the external data's key."""

    store_id: Names = "store_id"  #: the column of the store, or the columns that together name it


class OverridesColumns(Section, frozen=True):
    """The raw names of the overrides' columns."""

    store_id: Names = "store_id"  #: the column of the store, or the columns that together name it
    category: Names = "category"  #: the column of the category
    cluster: NonEmpty = "cluster"  #: the column of the final cluster's number that the store is to have
    reason: NonEmpty = "reason"  #: the column of the reason why, in words


class Located(Section, frozen=True):
    """Where a source is: files, here or in a bucket, or rows of a database, which are named by `table` or `sql`."""

    #: a file, a folder or a glob; relative to the project. In a bucket: `s3://`, `gs://` or `abfs://`, a folder with a slash at its end
    path: NonEmpty = ""
    table: NonEmpty = ""  #: in place of `path`: a table or view of a database, as its SQL names it
    sql: NonEmpty = ""  #: in place of `path`: a query of a database
    #: the database, as a URL, which is a secret: only as `${VAR}`
    connection: NonEmpty = ""
    #: a cheap query, such as the time of the last load: while its answer is the same, nothing else is asked of the database
    version_query: NonEmpty = ""
    #: when the database is asked again: in every run, in the first run of a day, or only where the local copy is gone or a setting changed
    refresh: Literal["always", "nightly", "manual"] = "always"

    @property
    def is_in_database(self) -> bool:
        """Whether its rows are those of a database."""
        return bool(self.table or self.sql)

    @property
    def is_in_bucket(self) -> bool:
        """Whether its files are in a bucket."""
        return self.path.startswith(BUCKETS)


class SalesSource(Located, frozen=True):
    """`[sources.internal_sales]`: any grain, rows are summed."""

    columns: SalesColumns = field(default_factory=SalesColumns)
    #: the currency of the sales value, such as EUR: it is said beside amounts, and nothing is converted; default: that of `csv` or `excel`
    currency: Annotated[str, Meta(min_length=1, max_length=12)] | None = None
    #: how weeks are written, where the data do not tell; separators do not matter: DMY is 31/01/2024 and 31.1.24
    week_format: WeekFormat | None = None
    #: columns that are weeks, where each has one: names, or patterns such as "2024*"; their values are the sales
    week_columns: tuple[NonEmpty, ...] = ()
    #: by column, values whose rows are not read, such as totals
    exclude_rows: ExcludedRows = field(default_factory=dict)
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)

    @property
    def currency_of_amounts(self) -> str:
        """The currency of the sales value; empty where nothing says it."""
        return self.currency or self.csv.currency or self.excel.currency


class NeedStateSource(Located, frozen=True):
    """`[sources.need_states]`: which need states a SKU serves."""

    columns: NeedStateColumns = field(default_factory=NeedStateColumns)
    #: by column, values whose rows are not read, such as totals
    exclude_rows: ExcludedRows = field(default_factory=dict)
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)


class ExternalSource(Located, frozen=True):
    """One `[[sources.external]]`: features of stores, one row per store.

    `features` lists the columns to use (default: all but the key, `ignore` and `labels`); `labels` are carried to the
    outputs and never clustered on.
    """

    columns: ExternalColumns = field(default_factory=ExternalColumns)
    #: by column, values whose rows are not read, such as totals
    exclude_rows: ExcludedRows = field(default_factory=dict)
    features: tuple[NonEmpty, ...] | None = None  #: the columns to use; default: all but the key, `ignore` and `labels`
    ignore: tuple[NonEmpty, ...] = ()  #: columns that are not used
    labels: tuple[NonEmpty, ...] = ()  #: columns that are carried to the outputs, and never clustered on
    #: columns of numbers that are codes, and become a feature per level; where this is set, no other column is doubted to be one
    categorical: tuple[NonEmpty, ...] | None = None
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)


class OverridesSource(Located, frozen=True):
    """`[sources.overrides]`: stores that people place themselves, one row per store and category; none without it."""

    columns: OverridesColumns = field(default_factory=OverridesColumns)
    #: by column, values whose rows are not read, such as totals
    exclude_rows: ExcludedRows = field(default_factory=dict)
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)


class Sources(Section, frozen=True):
    """`[sources]`: the raw data. Sales, outside data or both; need states and overrides go with sales."""

    internal_sales: SalesSource | None = None
    need_states: NeedStateSource | None = None
    external: tuple[ExternalSource, ...] = ()
    overrides: OverridesSource | None = None

    @property
    def attributes(self) -> dict[str, float]:
        """The columns that the sales mix is over, with their weights; none where it is over the SKUs."""
        columns = (self.need_states or self.internal_sales or SalesSource(path="-")).columns
        named = columns.need_state
        return {named: 1.0} if isinstance(named, str) else dict(named or {})

    @property
    def mix_over(self) -> tuple[str, ...]:
        """The columns that the sales mix is over in words, with their weights where they are several."""
        attributes = self.attributes
        if not attributes:
            return (OVER_SKUS,)
        return tuple(
            f"{name} (weight {weight:g})" if len(attributes) > 1 else name for name, weight in attributes.items()
        )


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
