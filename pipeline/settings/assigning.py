"""How new stores are assigned, and what the model that they are assigned by is made with."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from pipeline.settings.external import ExternalClustering
from pipeline.settings.internal import InternalClustering
from pipeline.settings.kinds import NonEmpty, Section, Share, Weight


class AssignOverride(Section, frozen=True):
    """What `[assign.category."NAME"]` may set."""

    min_sales_share: Share | None = None
    otherwise: Literal["largest_cluster", "like_store"] | None = None


class Assign(Section, frozen=True):
    """`[assign]`: new stores are placed into the clusters that there are, without refitting.

    A new store is placed by its sales mix where it sells enough of the category, else by its surroundings where these
    are found to tell the clusters apart, else as `otherwise` says.
    """

    #: share of the median store's sales in the category from which a new store's sales mix is trusted
    min_sales_share: Share = 0.05
    #: what becomes of a store that neither mix nor surroundings place: into the category's largest cluster, or into that of
    #: the store that `like_stores` names
    otherwise: Literal["largest_cluster", "like_store"] = "largest_cluster"
    #: new store = a store of the clusters that it is expected to be like, such as `{ "9001" = "104" }`
    like_stores: dict[str, NonEmpty] = field(default_factory=dict)
    category: dict[str, AssignOverride] = field(default_factory=dict)


class ModelOverride(Section, frozen=True):
    """What of `Model` differs in one category."""

    min_sales_share: Share | None = None
    transform: str | None = None
    weights: dict[str, Weight] | None = None
    shrinkage: str | None = None
    algorithm: str | None = None


class Model(Section, frozen=True):
    """The settings that the published model depends on, out of `[internal.clustering]`, `[external.clustering]` and `[assign]`."""

    min_sales_share: Share
    transform: str
    weights: dict[str, Weight]
    shrinkage: str
    algorithm: str
    external_scaling: str
    external_weights: dict[str, Weight]
    external_algorithm: str
    category: dict[str, ModelOverride] = field(default_factory=dict)


def model_of(assign: Assign, internal: InternalClustering, external: ExternalClustering) -> Model:
    """The settings of the model, as its sources are set."""
    overridden: dict[str, ModelOverride] = {}
    for name in {**internal.category, **assign.category}:
        clustering, assigning = internal.category.get(name), assign.category.get(name)
        overridden[name] = ModelOverride(
            min_sales_share=assigning.min_sales_share if assigning else None,
            transform=clustering.transform if clustering else None,
            weights=clustering.weights if clustering else None,
            shrinkage=clustering.shrinkage if clustering else None,
            algorithm=clustering.algorithm if clustering else None,
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
        category=overridden,
    )
