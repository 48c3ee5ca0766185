"""ChainClustering: all stores, clustered on their sales mix in all categories together."""

from __future__ import annotations

from pipeline.core.chain.clustering import cluster_chain

__all__ = ["cluster_chain"]
