"""Compare two results: cluster numbers that are kept, stores that moved, features that drifted."""
