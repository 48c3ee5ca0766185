"""How fast it is, and how large it grows: `python -m benchmarks`. How good the clusters are: `python -m benchmarks.quality`."""
