"""Every setting: its type, range and default. No I/O; `config.environment` fills them from TOML.

The structs mirror the tables of the config files: `[internal.clustering]` is `Settings.internal.clustering`. They are
frozen. A `category` table inside a section overrides the section's values for that category alone: those whose type is
`PerCategory`; `per_category.py` resolves it. What follows `#:` is a setting's effect, from which `docs/generate.py` makes `docs/settings.md`.
"""

from msgspec import field

from pipeline.settings.assigning import Assign, Model, model_of
from pipeline.settings.chain import Chain, ChainClustering
from pipeline.settings.clustering import ClusteringSettings
from pipeline.settings.external import External, ExternalClustering, ExternalPreprocessing
from pipeline.settings.internal import (
    Internal,
    InternalClustering,
    InternalPreprocessing,
)
from pipeline.settings.kinds import NonEmpty, NotNegative, OneCharacter, Positive, Section, Share, Weight
from pipeline.settings.merging import Merging
from pipeline.settings.references import References
from pipeline.settings.running import Alerts, Deliveries, Engine, Logging, Upload, Warehouse
from pipeline.settings.sources import (
    CsvSettings,
    ExcelSettings,
    ExternalColumns,
    ExternalSource,
    Located,
    NeedStateColumns,
    NeedStateSource,
    OverridesColumns,
    OverridesSource,
    SalesColumns,
    SalesSource,
    SampleData,
    Sources,
    TextSettings,
)
from pipeline.settings.stores import Stores

__all__ = [
    "NonEmpty",
    "NotNegative",
    "OneCharacter",
    "Positive",
    "Share",
    "Weight",
    "Alerts",
    "Assign",
    "Chain",
    "ChainClustering",
    "ClusteringSettings",
    "CsvSettings",
    "Deliveries",
    "Engine",
    "ExcelSettings",
    "External",
    "ExternalClustering",
    "ExternalColumns",
    "ExternalPreprocessing",
    "ExternalSource",
    "Internal",
    "InternalClustering",
    "InternalPreprocessing",
    "Located",
    "Logging",
    "Merging",
    "Model",
    "NeedStateColumns",
    "NeedStateSource",
    "OverridesColumns",
    "OverridesSource",
    "References",
    "SalesColumns",
    "SalesSource",
    "SampleData",
    "Section",
    "Settings",
    "Sources",
    "Stores",
    "TextSettings",
    "Upload",
    "Warehouse",
]


class Settings(Section, frozen=True):
    """A whole config: `base.toml` with `<env>.toml` on top."""

    sources: Sources
    sample_data: SampleData = field(default_factory=SampleData)
    stores: Stores = field(default_factory=Stores)
    internal: Internal = field(default_factory=Internal)
    external: External = field(default_factory=External)
    chain: Chain = field(default_factory=Chain)
    merging: Merging = field(default_factory=Merging)
    assign: Assign = field(default_factory=Assign)
    warehouse: Warehouse = field(default_factory=Warehouse)
    upload: Upload = field(default_factory=Upload)
    logging: Logging = field(default_factory=Logging)
    engine: Engine = field(default_factory=Engine)
    alerts: Alerts = field(default_factory=Alerts)
    deliveries: Deliveries = field(default_factory=Deliveries)

    @property
    def references(self) -> References:
        """The pins that the settings name, by level."""
        return References(
            internal=self.internal.clustering.reference,
            external=self.external.clustering.reference,
            final=self.merging.reference,
        )

    @property
    def model(self) -> Model:
        """The settings of the model that assigns new stores."""
        return model_of(self.assign, self.internal.clustering, self.external.clustering)
