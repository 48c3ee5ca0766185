"""Which targets are stale, and why.

A target is fresh while its trace holds. `fingerprints` hashes files, code and libraries, `memory` remembers hashes by stat,
`traces` stores what a build read and wrote, `reasons` compares the two, and `seals` checks the tasks of all categories at once.

Nothing here imports pandas, numpy, pyarrow, duckdb or scikit-learn: a run with nothing to do only stats files and reads
JSON.
"""
