"""Let pictures in turn use the same memory, without holes that grow."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 8 << 20
_FREE_BYTES = 256 << 20


def reuse_memory() -> None:
    """Tell glibc to keep one heap for all threads, and to map only what is larger than 8 MB.

    Memory from the system costs a page fault for every 4 KB: a sixth of a campaign's time, as
    each picture needs some 150 MB of arrays one after the other. On a heap they are used again;
    up to 256 MB at its end stay. With a heap for every thread, as glibc does by itself, pictures
    of mixed sizes leave holes in each of them. Other systems and C libraries: nothing is done.
    """
    if sys.platform != "linux":
        return
    settings = (
        (_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _LARGE_BYTES), (_M_TRIM_THRESHOLD, _FREE_BYTES),
    )  # fmt: skip
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return
    for name, value in settings:
        mallopt(name, value)
