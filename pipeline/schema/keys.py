"""The columns that keys are made of."""

from __future__ import annotations

from pipeline.schema.kinds import Column

STORE = Column("store_id", "text", "The store, as a trimmed NFC string")
CATEGORY = Column("category", "text", "The category, as written in the data")
NEED_STATE = Column(
    "need_state", "text", "The shopper need that the SKUs serve; UNMAPPED for SKUs without a need state in the map"
)
CLUSTER = Column("cluster", "integer", "The cluster, from 1, in order of size")
