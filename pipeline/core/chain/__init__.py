"""All stores, clustered on their sales mix in all categories together, and compared with the clusters of each category."""
