"""Two results side by side: numbers that are carried over, stores that moved, features that drifted."""
