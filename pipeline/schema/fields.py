"""The fields that several tables have: each is described once; a table names it, and says more where its own is narrower."""

from __future__ import annotations

from pipeline.schema.kinds import Column

STORE = Column("store_id", "text", "The store, as a trimmed NFC string")
CATEGORY = Column("category", "text", "The category, as written in the data")
NEED_STATE = Column(
    "need_state", "text", "The shopper need that the SKUs serve; UNMAPPED for SKUs without a need state in the map"
)
CLUSTER = Column("cluster", "integer", "The cluster, from 1, in order of size")
NEXT_CLUSTER = Column(
    "next_cluster",
    "integer",
    "The cluster with the next-nearest centroid; null where there is one cluster",
    nullable=True,
)
SIDE = Column("side", "text", "internal (the sales mix) or external (the outside data)")
FEATURE = Column("feature", "text", "A feature of external_features")
STORES = Column("stores", "integer", "Stores in the cluster", unit="stores")
REASON = Column("reason", "text", "Why")
SALES_VALUE = Column("sales_value", "money", "The store's net sales in the category", unit="currency")
K = Column("k", "integer", "Number of clusters")
DISTANCE = Column("distance", "float", "Distance to the centroid of the store's own cluster", unit="feature space")
MARGIN = Column(
    "margin",
    "float",
    "(next - own) / next centroid distance: 0 on the border; null where there is one cluster",
    nullable=True,
    unit="-1..1",
)
SILHOUETTE = Column(
    "silhouette",
    "float",
    "The store's silhouette; null where there is one cluster; with more than 20,000 stores an estimate, as the verdict says",
    nullable=True,
    unit="-1..1",
)
CONFIDENCE = Column(
    "confidence",
    "float",
    "How likely the store is in its cluster, by refits on resamples; calibrated on planted stores; null where there is one cluster",
    nullable=True,
    unit="0..1",
)
ETA_SQUARED = Column(
    "eta_squared",
    "float",
    "Share of the feature's variance over the stores that lies between the clusters, the same for all clusters; descriptive, not a test; null if the feature does not vary",
    nullable=True,
    unit="0..1",
)
SHARE = Column(
    "share",
    "float",
    "max(net, 0) / the store's sum of max(net, 0) over the category; null if the store has no positive sales",
    nullable=True,
    unit="0..1",
)
SHARE_INDEX = Column(
    "share_index",
    "float",
    "100 x mean_share / the category's pooled chain share; null where that is zero",
    nullable=True,
    unit="100 = chain",
)
_TYPICAL = "in its own unit; of a feature that is clustered as a logarithm, that of the mean logarithm"
MEAN_SHARE = Column("mean_share", "float", "Mean share of these stores in the category", unit="0..1")
MEAN = Column("mean", "float", f"Mean of the feature over the cluster's stores, {_TYPICAL}")
CHAIN_MEAN = Column("chain_mean", "float", f"Mean of the feature over all stores, {_TYPICAL}")
PROBABILITY = Column("probability", "float", "How likely the store is in the cluster, by the mixture", unit="0..1")
HIGHEST_NUMBER = Column(
    "highest_number",
    "integer",
    "The highest number that a cluster has, or had in the reference: a new one takes the next",
)
STABILITY = Column("stability", "float", "Mean adjusted Rand index between bootstrap refits", unit="-1..1")
SMALLEST_CLUSTER = Column("smallest_cluster", "integer", "Stores in the smallest cluster", unit="stores")
INTERNAL_CLUSTER = Column(
    "internal_cluster", "integer", "The store's cluster on its sales mix; null if it has none", nullable=True
)
EXTERNAL_CLUSTER = Column(
    "external_cluster", "integer", "The store's cluster on the outside data; null if it has none", nullable=True
)
FROM_CLUSTER = Column("from_cluster", "integer", "Its cluster in the reference")
TO_CLUSTER = Column("to_cluster", "integer", "Its cluster now")
REASSIGNED_STORES = Column(
    "reassigned_stores", "integer", "Of these, stores moved in from cells that were too small", unit="stores"
)
R_SQUARED_INTERNAL = Column(
    "r_squared_internal", "float", "Share of the mix's variance that the category's own clusters explain", unit="0..1"
)
RAW_COLUMN = Column("raw_column", "text", "The column of the outside data that it comes from")
OTHER_LEVEL = Column("other_level", "text", "Of two levels, the text that is 0; null elsewhere", nullable=True)
FILL_VALUE = Column("fill_value", "float", "What stands in for a missing value, before any log1p", nullable=True)
NAME = Column(
    "name", "text", "What sets the cluster apart, in a few words; unique among the clusters of its clustering"
)
