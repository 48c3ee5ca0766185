"""How new stores are assigned, and the settings of the model that assigns them."""

from typing import Any, Literal

from msgspec import field
from msgspec.structs import asdict

from pipeline.settings.external import ExternalClustering
from pipeline.settings.internal import InternalClustering
from pipeline.settings.kinds import NonEmpty, PerCategory, Section, Share, Weight, category_settings_of, with_categories


@with_categories
class Assign(Section, frozen=True):
    """`[assign]`: new stores are placed into the existing clusters, without refitting.

    A new store is placed by its sales mix if it sells enough of the category; else by its surroundings if they tell the
    clusters apart; else as `otherwise` says.
    """

    #: the least share of the median store's sales in the category with which a new store is placed by its sales mix
    min_sales_share: PerCategory[Share] = 0.05
    #: the cluster of a store that neither mix nor surroundings place: the largest cluster of the category, or the cluster of
    #: the store in `like_stores`
    otherwise: PerCategory[Literal["largest_cluster", "like_store"]] = "largest_cluster"
    #: new store = an existing store that it is expected to resemble, such as `{ "9001" = "104" }`
    like_stores: dict[str, NonEmpty] = field(default_factory=dict)
    category: dict[str, Any] = field(default_factory=dict)


@with_categories
class Model(Section, frozen=True):
    """The settings on which the published model depends: from `[internal.clustering]`, `[external.clustering]` and `[assign]`."""

    min_sales_share: PerCategory[Share]
    weights: PerCategory[dict[str, Weight]]
    external_scaling: str
    external_weights: dict[str, Weight]
    category: dict[str, Any] = field(default_factory=dict)


def model_of(assign: Assign, internal: InternalClustering, external: ExternalClustering) -> Model:
    """The settings of the model, from these sections."""
    model_of_category: Any = category_settings_of(Model)
    categories = {}
    for name in {**internal.category, **assign.category}:
        own = [section.category[name] for section in (internal, assign) if name in section.category]
        values = {field: value for settings in own for field, value in asdict(settings).items()}
        categories[name] = model_of_category(
            **{field: values.get(field) for field in model_of_category.__struct_fields__}
        )
    return Model(
        min_sales_share=assign.min_sales_share,
        weights=internal.weights,
        external_scaling=external.scaling,
        external_weights=external.weights,
        category=categories,
    )
