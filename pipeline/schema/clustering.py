"""The tables that a clustering of either side has."""

from __future__ import annotations

from dataclasses import replace

from pipeline.schema.fields import (
    CLUSTER,
    CONFIDENCE,
    DISTANCE,
    FEATURE,
    HIGHEST_NUMBER,
    MARGIN,
    NEXT_CLUSTER,
    PROBABILITY,
    REASON,
    SHARE_INDEX,
    SILHOUETTE,
    SMALLEST_CLUSTER,
    STABILITY,
    K,
)
from pipeline.schema.kinds import Column, Table

MEAN_SHARE_INDEX = SHARE_INDEX


_FLIPS = Column(
    "flips",
    "float",
    "How often the two halves of the store's weeks lie nearest to different clusters, of seven ways to halve them; null where there is one "
    "cluster, the weeks are not known, or the store did not sell in every half or is left out of the fit",
    nullable=True,
    unit="0..1",
)
_OF_K = (
    Column(
        "kept",
        "float",
        "Of the share of the mix's variance that the clusters explain, what is left on weeks that the fit did not see; null at k = 1 and "
        "where the weeks are not known",
        nullable=True,
        unit="0..1",
    ),
    Column(
        "kept_low", "float", "The low end of where nine of ten such shares are expected", nullable=True, unit="0..1"
    ),
    Column("kept_high", "float", "The high end of it", nullable=True, unit="0..1"),
)
_INTERLEAVED = Column(
    "kept_interleaved",
    "float",
    "kept on weeks that lie between those of the fit: below 1 by noise alone; a k with less than 0.25 here, or less than 0.1 kept, is not taken",
    nullable=True,
    unit="0..1",
)
_HOLDING = (
    Column(
        "holds",
        "text",
        "Whether the clusters are there on other weeks: yes (kept_low of at least 0.65), partly, no, or unknown (without weeks, or where there is one "
        "cluster and no other would be taken)",
    ),
    *(
        replace(column, comment=f"{column.comment}{more}")
        for column, more in zip(
            _OF_K, ("; where there is one cluster because others do not hold, that of the others", "", ""), strict=True
        )
    ),
    Column(
        "still_explained",
        "float",
        "Of what new clusters explain on the newest quarter of the weeks, the share that the clusters of the reference do, without one "
        "these; null where nothing is known",
        nullable=True,
        unit="0..1",
    ),
    Column("outdated", "boolean", "still_explained is below outdated_below of [internal.clustering]"),
)


def side_of(table: str) -> str:
    """The side whose clusters a table is about: internal, external or chain, the first word of its name."""
    return table.partition("_")[0]


def clusters_table(key: tuple[Column, ...], name: str, comment: str, *, by_weeks: bool = False) -> Table:
    """The table of the stores' clusters, with what is said of each store; `by_weeks` where it may know of weeks."""
    return Table(
        name,
        "one row per store" + (" and category" if len(key) > 1 else ""),
        tuple(column.name for column in key),
        (
            *key,
            CLUSTER.of_side(side_of(name)),
            DISTANCE,
            NEXT_CLUSTER.of_side(side_of(name)),
            MARGIN,
            SILHOUETTE,
            CONFIDENCE,
            Column(
                "position",
                "float",
                "Where the store lies on the first axis that stores differ along within their clusters; null without one",
                nullable=True,
                unit="standard deviations",
            ),
            Column(
                "is_outlier", "boolean", "Unlike any other: left out of the fit, and placed at its nearest centroid"
            ),
            Column(
                "is_held_out",
                "boolean",
                "Named in [stores] held_out: left out of every fit, and placed as outliers are",
            ),
            *((_FLIPS,) if by_weeks else ()),
        ),
        comment,
    )


def k_selection_table(key: tuple[Column, ...], name: str, comment: str, *, by_weeks: bool = False) -> Table:
    """The table of the figures of every k tried; `by_weeks` where it may know of weeks."""
    return Table(
        name,
        "one row per k tried" + (" and category" if key else ""),
        (*(column.name for column in key), "k"),
        (
            *key,
            K.described("Number of clusters tried"),
            Column(
                "axes",
                "integer",
                "Common factors of its best mixture: axes that stores differ along within every cluster",
            ),
            Column(
                "criterion",
                "float",
                "What the number of clusters is chosen by: -2 log-likelihood, and what its parameters and stores between clusters cost; lower is better",
                unit="points",
            ),
            Column(
                "likelier",
                "float",
                "How much likelier than one cluster, in multiples of what a k needs (10 points of BIC, or 40 of an integrated likelihood): above 1 it may "
                "be taken; null at k = 1",
                nullable=True,
            ),
            SILHOUETTE.described(
                "Mean silhouette of the fitted stores; null at k = 1 and where a cluster has no store; with more than 20,000 stores an estimate, as the verdict says"
            ),
            Column(
                "calinski_harabasz",
                "float",
                "Between- to within-cluster dispersion; null as the silhouette",
                nullable=True,
            ),
            Column(
                "davies_bouldin",
                "float",
                "Mean similarity of each cluster with its most similar one; lower is better; null as the silhouette",
                nullable=True,
            ),
            Column(
                "bic",
                "float",
                "BIC of the mixture; lower is better",
            ),
            Column(
                "inertia",
                "float",
                "Within-cluster sum of squared distances; null where a cluster has no store",
                nullable=True,
            ),
            SMALLEST_CLUSTER,
            STABILITY.described(
                "Mean adjusted Rand index between refits on resamples; null for a k that was not refitted, since it could not be taken",
                nullable=True,
            ),
            Column(
                "jaccard",
                "float",
                "Lowest per-cluster mean Jaccard similarity over the refits; null as stability",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "chosen",
                "boolean",
                "The k that was taken: the lowest criterion of those that are much likelier than one cluster, large enough, found again, and hold",
            ),
            Column(
                "outcome",
                "text",
                "taken, or why not: a higher criterion; too small a cluster; a cluster without a store; not much likelier than one cluster; not found again in "
                "resamples; does not hold on other weeks; the k of the reference stands; another k is set; for k = 1: a larger k is much likelier",
            ),
            *((*_OF_K, _INTERLEAVED) if by_weeks else ()),
        ),
        comment,
    )


def verdicts_table(key: tuple[Column, ...], name: str, comment: str, *, by_weeks: bool = False) -> Table:
    """The table of the verdict and its reason; `by_weeks` where it may know of weeks."""
    return Table(
        name,
        "one row per category" if key else "one row",
        tuple(column.name for column in key) or ("verdict",),
        (
            *key,
            Column("verdict", "text", "separated, tiers, axis, or no structure"),
            K,
            Column(
                "axes", "integer", "Axes that stores differ along within every cluster: common factors of the mixture"
            ),
            REASON.described("Why this k and this verdict, in words"),
            Column(
                "axis",
                "text",
                "What stores have more and less of along the first axis, in words; null without an axis, and where no feature goes with it",
                nullable=True,
            ),
            Column(
                "p_gaussian",
                "float",
                "p against one Gaussian: (1 + draws with clusters as deep) / (1 + draws), which end once it must be above 0.05; null where there is one cluster",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "p_flat",
                "float",
                "p against a flat continuum: (1 + draws with dips as deep) / (1 + draws), which end likewise; null where the first is above 0.05",
                nullable=True,
                unit="0..1",
            ),
            HIGHEST_NUMBER,
            *(_HOLDING if by_weeks else ()),
        ),
        comment,
    )


def axes_table(key: tuple[Column, ...], name: str, comment: str, change: str) -> Table:
    """The table of how features change along the first axis."""
    return Table(
        name,
        "one row per feature" + (" and category" if key else "") + ", where there is an axis",
        (*(column.name for column in key), "feature"),
        (
            *key,
            FEATURE.described("What changes along the axis"),
            Column("change", "float", change),
            Column(
                "correlation",
                "float",
                "Of it with the position on the axis, within clusters; 0 where it does not vary",
                unit="-1..1",
            ),
        ),
        comment,
    )


def memberships_table(key: tuple[Column, ...], name: str, comment: str) -> Table:
    """The table of how likely each store is in each cluster."""
    cluster = CLUSTER.of_side(side_of(name))
    return Table(
        name,
        "one row per store and cluster"
        + (" and category" if len(key) > 1 else "")
        + ", where there are two clusters or more",
        (*(column.name for column in key), cluster.name),
        (
            *key,
            cluster,
            PROBABILITY,
        ),
        comment,
    )


def mixture_table(key: tuple[Column, ...], name: str, comment: str) -> Table:
    """The table of the parameters of a mixture."""
    return Table(
        name,
        "one row per parameter, cluster and feature" + (" and category" if key else ""),
        (*(column.name for column in key), "parameter", "cluster", "feature"),
        (
            *key,
            Column(
                "parameter",
                "text",
                "noise and tails; proportion of each cluster; mean of each cluster and feature, of a level the chance that it is set; "
                "deviation, loading_1, loading_2, ... of each feature that is a number, on each axis",
            ),
            CLUSTER.described("The cluster; 0 if the parameter is that of all, and if clusters are tiers"),
            FEATURE.described("The feature; (all) if the parameter has none"),
            Column("value", "float", "Its value, as in the tables of the model"),
        ),
        comment,
    )
