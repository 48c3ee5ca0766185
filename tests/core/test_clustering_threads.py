"""The number of threads changes no bit of a result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CLUSTER = """
import hashlib
import numpy as np, pandas as pd
from pipeline.core.clustering.stores import cluster_stores
from pipeline.settings import ClusteringSettings

random = np.random.default_rng(0)
values = random.normal(size=(700, 24)) + 1.5 * random.normal(size=(4, 24))[random.integers(0, 4, 700)]
features = pd.DataFrame(values, index=[f"s{i}" for i in range(700)], columns=[f"f{i:02d}" for i in range(24)])
found = cluster_stores(features, ClusteringSettings(k_max=3, resamples=10, null_resamples=19))
digest = hashlib.sha256(str(found.verdict.to_dict()).encode())
for frame in (found.clusters, found.k_selection):
    for column in frame.drop(columns="store_id", errors="ignore"):
        values = frame[column]
        is_text = not pd.api.types.is_numeric_dtype(values)
        digest.update(str(values.tolist()).encode() if is_text else values.to_numpy("float64", na_value=np.nan).tobytes())
print(digest.hexdigest())
"""


def clustered_with(threads: int) -> str:
    """A hash over every bit of the result, found in a fresh process that may use so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-c", CLUSTER],
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(names, str(threads))},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_one_thread_and_two_find_the_same_to_the_last_bit():
    found = clustered_with(1)
    assert len(found) == 64
    assert clustered_with(2) == found
