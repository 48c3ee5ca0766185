"""What the leading process is told before it imports what computes, for itself and for the workers that Luigi forks from it."""

from __future__ import annotations

import ctypes
import os

# A category's clustering takes half a second, and its matrices are small: threads of its libraries only wait for each other.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# malloc.h of the GNU C library. Memory that is given back to the system is got again page by page, which costs a forked worker four
# times as many page faults as it needs.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEPT = 256 << 20
_MORE_AT_ONCE = 16 << 20
_LARGE = 32 << 20  # the most that it allows


def set_up() -> None:
    """Have libraries that are imported from here on use one thread, where the user says nothing else, and freed memory be kept.

    Where the C library is not GNU's, or another allocator stands in for it, memory is as that sees fit.
    """
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for option, value in ((_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _MORE_AT_ONCE), (_MMAP_THRESHOLD, _LARGE)):
            mallopt(option, value)
