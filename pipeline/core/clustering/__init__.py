"""The clustering that both sides use: from a feature matrix to clusters, the figures behind k, and a verdict."""
