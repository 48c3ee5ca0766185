"""Process-wide setup before heavy imports, in the leading process and so in the workers that Luigi forks from it."""

from __future__ import annotations

import ctypes
import os

# Clustering a category takes half a second on small matrices: several threads would only wait for each other.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# From malloc.h of the GNU C library. Memory returned to the system must be fetched again page by page, which costs a forked worker
# four times as many page faults.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEEP_FREE = 256 << 20
_MORE_AT_ONCE = 16 << 20
_LARGE = 32 << 20  # the largest allowed value


def set_up() -> None:
    """Let libraries imported from now on use one thread, unless the user sets another number, and keep freed memory.

    With another C library or allocator, only the threads are set.
    """
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for option, value in ((_TRIM_THRESHOLD, _KEEP_FREE), (_TOP_PAD, _MORE_AT_ONCE), (_MMAP_THRESHOLD, _LARGE)):
            mallopt(option, value)
