"""Where the raw data is and how it is written; the sample data."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from pipeline.settings.kinds import NonEmpty, NotNegative, OneCharacter, Section

OVER_SKUS = "SKUs"  # what a mix is over where nothing else is named
Attributes = (
    NonEmpty | dict[NonEmpty, Annotated[float, Meta(gt=0, le=1e6)]]
)  # a column, or several and how much each counts


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
    """The raw names of the internal sales' columns. `week` is optional in the file.

    Where no source of need states is named the mix is over `need_state`, and without that over the SKUs.
    """

    store_id: NonEmpty = "store_id"  #: the column of the store
    sku_id: NonEmpty = "sku_id"  #: the column of the SKU; not read where `need_state` is set
    category: NonEmpty = "category"  #: the column of the category; where the files have none, the need states' is taken
    #: without `[sources.need_states]`: the column that the mix is over, such as a subcategory, or several with their weights, such as
    #: `{ SUBCATEGORY = 2, BRAND = 1 }`; default: the SKUs, the rare ones together
    need_state: Attributes | None = None
    sales_value: NonEmpty = "sales_value"  #: the column of the sales value, in currency; negative values are returns
    week: NonEmpty | None = None  #: the column of the week, a date or a whole number; `last_weeks` needs it


class NeedStateColumns(Section, frozen=True):
    """The raw names of the need states' columns. Without `category` a SKU maps alike in every category."""

    sku_id: NonEmpty = "sku_id"  #: the column of the SKU
    #: the column of the need state, or of any attribute of the SKU; several, with their weights: `{ SUBCATEGORY = 2, BRAND = 1 }`
    need_state: Attributes = "need_state"
    category: NonEmpty | None = None  #: the column of the category; without it a SKU maps alike in every category
    #: the column of the weight of a need state among the SKU's; without it they weigh alike
    weight: NonEmpty | None = None


class ExternalColumns(Section, frozen=True):
    """The raw name of the external data's key."""

    store_id: NonEmpty = "store_id"  #: the column of the store


class OverridesColumns(Section, frozen=True):
    """The raw names of the overrides' columns."""

    store_id: NonEmpty = "store_id"  #: the column of the store
    category: NonEmpty = "category"  #: the column of the category
    cluster: NonEmpty = "cluster"  #: the column of the final cluster's number that the store is to have
    reason: NonEmpty = "reason"  #: the column of the reason why, in words


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


class OverridesSource(Section, frozen=True):
    """`[sources.overrides]`: stores that people place themselves, one row per store and category; none without it."""

    path: NonEmpty  #: a file, a folder or a glob; relative to the project
    columns: OverridesColumns = field(default_factory=OverridesColumns)
    csv: CsvSettings = field(default_factory=CsvSettings)
    excel: ExcelSettings = field(default_factory=ExcelSettings)


class Sources(Section, frozen=True):
    """`[sources]`: the raw files. Sales, outside data or both; need states and overrides go with sales."""

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
