"""The tables of the published model, which new stores are assigned by, and the table of what it assigns.

`side` is internal (the sales mix, per category) or external (the outside data, whose category is `(all)`). A store's
features on a side become its values in that side's space; there one cluster is the likeliest.
"""

from __future__ import annotations

from pipeline.schema.fields import (
    CATEGORY,
    CLUSTER,
    DISTANCE,
    EXTERNAL_CLUSTER,
    FEATURE,
    FILL_VALUE,
    INTERNAL_CLUSTER,
    MARGIN,
    NEED_STATE,
    OTHER_LEVEL,
    PROBABILITY,
    RAW_COLUMN,
    REASON,
    SALES_VALUE,
    SIDE,
    STORE,
    STORES,
)
from pipeline.schema.kinds import Column, Table

_SIDE = SIDE
_FACTORS = 6  # the most common factors of a mixture
_SPACE = CATEGORY.described("The category; (all) for the outside data, which knows none")
_FEATURE = FEATURE.described("A feature of internal_features or of external_features")
_INTERNAL_CLUSTER = INTERNAL_CLUSTER.described("The cluster on the sales mix", nullable=False)
_EXTERNAL_CLUSTER = EXTERNAL_CLUSTER.described(
    "The cluster on the outside data; 0: it does not know the store", nullable=False
)

TABLES = (
    Table(
        "model_spaces",
        "one row per side and category",
        ("side", "category"),
        (
            _SIDE,
            _SPACE,
            Column("scaling", "text", "Of the outside data: robust, standard or minmax; null inside", nullable=True),
            Column(
                "median_sales",
                "float",
                "Inside: mapped sales of the median store fitted, in cents. A store's variances are 1 + noise x median_sales / its own "
                "mapped sales times those in model_features (at most 1,000 times as thin as the median store); null outside",
                nullable=True,
                unit="cents",
            ),
            Column("noise", "float", "See median_sales; 0: all stores alike"),
            Column(
                "tails",
                "float",
                "1 / degrees of freedom of the Student's t that stores are drawn from; 0: a Gaussian",
                unit="0..1",
            ),
            Column(
                "axes",
                "integer",
                "Common factors: the covariance of all clusters is the variances and these loadings' squares",
            ),
            Column(
                "position_shift",
                "float",
                "Where clusters are tiers of the first axis: position = (score - this) / position_width; null elsewhere",
                nullable=True,
            ),
            Column("position_width", "float", "See position_shift", nullable=True),
            Column("clusters", "integer", "Number of clusters"),
            STORES.described("Stores that were fitted: all but the outliers"),
            Column(
                "max_distance",
                "float",
                "99 % of them are no farther from their own centroid; a new store farther from every one is too far",
                unit="feature space",
            ),
            Column(
                "replayed_share",
                "float",
                "Share of them that the model, made of published figures, gives their own cluster back",
                unit="0..1",
            ),
        ),
        "The space of each clustering: what a new store is measured in",
    ),
    Table(
        "model_features",
        "one row per side, category and feature",
        ("side", "category", "feature"),
        (
            _SIDE,
            _SPACE,
            _FEATURE,
            RAW_COLUMN.described(
                "The column of the outside data that it comes from; null: a share of the mix", nullable=True
            ),
            Column("level", "text", "The text that is 1; null where it is no level", nullable=True),
            OTHER_LEVEL,
            FILL_VALUE,
            Column(
                "kind",
                "text",
                "share (of the mix); number, log1p (of a number), level (1 or 0) or missing (1 where the column is, else 0)",
            ),
            Column("shift", "float", "Outside: value = (feature - shift) / width; null inside", nullable=True),
            Column("width", "float", "See shift; null where the value is 0 for every store", nullable=True),
            Column("weight", "float", "How much it counts; in distances and centroids values are times its root"),
            Column(
                "base",
                "float",
                "Inside: the root of the chain's share; together a vector of length 1, at which roots of shares are laid flat. Null outside",
                nullable=True,
            ),
            Column(
                "gap_sales",
                "float",
                "A store that sells at least so much in all and nothing of this does not carry it: its root is base then, the others make room, "
                "and it counts for nothing; null: never",
                nullable=True,
                unit="cents",
            ),
            Column(
                "is_lacked_together",
                "boolean",
                "Inside: stores that sell alike lack it together: a share of 0 counts as one, with a fifth of the weight",
            ),
            Column(
                "is_pivot",
                "boolean",
                "Inside: the share that has no coordinate of its own, by a reflection that takes base to it",
            ),
            Column("variance", "float", "Of the number within clusters; null where it is none", nullable=True),
            Column(
                "loading_1", "float", "How far it moves with the first common factor; null without one", nullable=True
            ),
            *(
                Column(f"loading_{factor}", "float", f"With factor {factor}", nullable=True)
                for factor in range(2, _FACTORS + 1)
            ),
            Column(
                "flag",
                "integer",
                "Features with the same number are the levels of one flag, which has a chance per cluster; null where it is a number",
                nullable=True,
            ),
            Column("threshold", "float", "Above it a level is set; null where it is a number", nullable=True),
        ),
        "How a store's features become its values in the space",
    ),
    Table(
        "model_need_states",
        "one row per category and need state that a fitted store sold",
        ("category", "need_state"),
        (CATEGORY, NEED_STATE, FEATURE.described("The feature it is part of: itself, or (rare)")),
        "Which need states make up each feature; sales in one that is not here are left out",
    ),
    Table(
        "model_clusters",
        "one row per side, category and cluster",
        ("side", "category", "cluster"),
        (
            _SIDE,
            _SPACE,
            CLUSTER,
            STORES.described("Stores in the cluster, outliers too"),
            Column(
                "proportion",
                "float",
                "How likely a store is in it before anything is known of the store; null where clusters are tiers of an axis",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "from_position",
                "float",
                "Where clusters are tiers: the position on the axis above which stores are in it; null for the lowest one, and elsewhere",
                nullable=True,
                unit="standard deviations",
            ),
            Column(
                "intercept",
                "float",
                "Of its score by the surroundings; null outside, and where surroundings are not used: see model_categories",
                nullable=True,
            ),
        ),
        "The clusters that new stores are placed into",
    ),
    Table(
        "model_centroids",
        "one row per side, category, cluster and feature",
        ("side", "category", "cluster", "feature"),
        (
            _SIDE,
            _SPACE,
            CLUSTER,
            _FEATURE,
            Column("value", "float", "Mean value of the cluster's fitted stores", unit="feature space"),
            Column(
                "mean",
                "float",
                "Of the mixture: the mean of the number, or the chance that the level is set; null where it is neither",
                nullable=True,
            ),
        ),
        "Where the clusters lie",
    ),
    Table(
        "model_coefficients",
        "one row per category, internal cluster and feature of the outside data, where surroundings are used",
        ("category", "cluster", "feature"),
        (
            CATEGORY,
            CLUSTER.of_side("internal"),
            FEATURE,
            Column("coefficient", "float", "The cluster's score is its intercept + sum of coefficient x value outside"),
        ),
        "The classifier that tells a category's clusters by the surroundings; likelihoods are the softmax of the scores",
    ),
    Table(
        "model_categories",
        "one row per category",
        ("category",),
        (
            CATEGORY,
            Column("median_sales_value", "money", "Net sales of the median store of the clusters", unit="currency"),
            Column(
                "min_sales_value",
                "money",
                "The sales from which a new store is placed by its mix: min_sales_share of the median",
                unit="currency",
            ),
            Column("known_stores", "integer", "Stores of the clusters that the outside data knows", unit="stores"),
            Column(
                "accuracy",
                "float",
                "Share of them whose cluster a classifier says by the surroundings, cross-validated; null: not tried",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "majority_share",
                "float",
                "Share of them in their largest cluster; null where there are none",
                nullable=True,
                unit="0..1",
            ),
            Column(
                "by_surroundings",
                "boolean",
                "The accuracy is above that share by more than chance: 1.645 standard errors",
            ),
            REASON.described("Why surroundings are used or not, in words"),
            Column(
                "pair_share",
                "float",
                "Share of the category's stores whose final cluster is the one that their pair of clusters is given",
                unit="0..1",
            ),
        ),
        "What decides how a new store is placed in each category",
    ),
    Table(
        "model_pairs",
        "one row per category, internal, external and final cluster that stores are in",
        ("category", "internal_cluster", "external_cluster", "cluster"),
        (
            CATEGORY,
            _INTERNAL_CLUSTER,
            _EXTERNAL_CLUSTER,
            CLUSTER.described("The final cluster"),
            STORES.described("Stores that are in all three"),
        ),
        "Which final clusters the stores of each pair are in: a new store goes where most of them are",
    ),
)

ASSIGNMENTS = Table(
    "assignments",
    "one row per new store and category",
    ("store_id", "category"),
    (
        STORE,
        CATEGORY,
        CLUSTER.described("The final cluster"),
        _INTERNAL_CLUSTER,
        EXTERNAL_CLUSTER.described("The cluster on the outside data; null: it is not known"),
        Column("method", "text", "mix, external or rule: what gave the internal cluster"),
        DISTANCE.described("mix: distance to the centroid of the internal cluster", nullable=True, unit=""),
        MARGIN.described("mix: (next - own) / next centroid distance; null where there is one cluster"),
        PROBABILITY.described(
            "How likely the internal cluster is; null by the rule, and where there is one cluster or clusters are tiers of an axis",
            nullable=True,
        ),
        Column(
            "too_far", "boolean", "What it was placed by is farther from every cluster than 99 % of the stores fitted"
        ),
        Column("external_distance", "float", "Distance to the centroid of the external cluster", nullable=True),
        Column("external_margin", "float", "Its margin", nullable=True, unit="-1..1"),
        Column(
            "external_too_far", "boolean", "Its surroundings are too far from every cluster of theirs", nullable=True
        ),
        SALES_VALUE,
        Column(
            "published_cluster",
            "integer",
            "The final cluster of a store that is in the clusters already",
            nullable=True,
        ),
        Column("why", "text", "How it came to its clusters, in words"),
    ),
    "New stores, placed into the clusters that there are",
)
