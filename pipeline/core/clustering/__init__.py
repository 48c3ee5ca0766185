"""The clustering that both sides share: from a feature matrix to clusters, the figures behind k, and a verdict."""
