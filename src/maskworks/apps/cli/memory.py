"""Give the memory of large arrays back to the system at once."""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 4 << 20


def give_back_large_arrays() -> None:
    """Tell glibc to map what is larger than 4 MB by itself, so that freeing it returns it.

    Left alone, glibc raises that bound to 32 MB as it goes, and pictures of mixed sizes leave
    holes in the heap of every thread: 70 MB more after 20 photos here. Elsewhere a no-op.
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        except (AttributeError, OSError):  # another C library
            return
