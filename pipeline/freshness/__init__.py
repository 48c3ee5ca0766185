"""Which targets are stale, and why.

A target is fresh while its trace holds. `fingerprints` turns files, code and libraries into hashes, `traces` keeps what
a build read and wrote, `reasons` compares the two, `locks` lets one process at a time build a target.

Nothing here imports pandas, numpy, pyarrow, duckdb or scikit-learn: with nothing to do, a run stats files and reads
JSON.
"""
