"""How new stores are assigned, and what the model that they are assigned by is made with."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import field
from msgspec.structs import asdict

from pipeline.settings.external import ExternalClustering
from pipeline.settings.internal import InternalClustering
from pipeline.settings.kinds import NonEmpty, PerCategory, Section, Share, Weight, override_of, with_categories


@with_categories
class Assign(Section, frozen=True):
    """`[assign]`: new stores are placed into the clusters that there are, without refitting.

    A new store is placed by its sales mix where it sells enough of the category, else by its surroundings where these
    are found to tell the clusters apart, else as `otherwise` says.
    """

    #: share of the median store's sales in the category from which a new store's sales mix is trusted
    min_sales_share: PerCategory[Share] = 0.05
    #: what becomes of a store that neither mix nor surroundings place: into the category's largest cluster, or into that of
    #: the store that `like_stores` names
    otherwise: PerCategory[Literal["largest_cluster", "like_store"]] = "largest_cluster"
    #: new store = a store of the clusters that it is expected to be like, such as `{ "9001" = "104" }`
    like_stores: dict[str, NonEmpty] = field(default_factory=dict)
    category: dict[str, Any] = field(default_factory=dict)


@with_categories
class Model(Section, frozen=True):
    """The settings that the published model depends on, out of `[internal.clustering]`, `[external.clustering]` and `[assign]`."""

    min_sales_share: PerCategory[Share]
    transform: PerCategory[str]
    weights: PerCategory[dict[str, Weight]]
    shrinkage: PerCategory[str]
    algorithm: PerCategory[str]
    external_scaling: str
    external_weights: dict[str, Weight]
    external_algorithm: str
    category: dict[str, Any] = field(default_factory=dict)


def model_of(assign: Assign, internal: InternalClustering, external: ExternalClustering) -> Model:
    """The settings of the model, as its sources are set."""
    override_of_model: Any = override_of(Model)
    categories = {}
    for name in {**internal.category, **assign.category}:
        overrides = [section.category[name] for section in (internal, assign) if name in section.category]
        values = {field: value for override in overrides for field, value in asdict(override).items()}
        categories[name] = override_of_model(
            **{field: values.get(field) for field in override_of_model.__struct_fields__}
        )
    return Model(
        min_sales_share=assign.min_sales_share,
        transform=internal.transform,
        weights=internal.weights,
        shrinkage=internal.shrinkage,
        algorithm=internal.algorithm,
        external_scaling=external.scaling,
        external_weights=external.weights,
        external_algorithm=external.algorithm,
        category=categories,
    )
