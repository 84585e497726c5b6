"""Keep SciPy's linear algebra to one thread while it works on small panels.

Banded Cholesky calls OpenBLAS thousands of times on panels of 32 columns. OpenBLAS splits each
over all cores and spins while it waits: on two cores of which one is busy that takes 8 times
the processor time of one thread, and 9 times as long.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

_NAMES = ("scipy_openblas_{}_num_threads", "openblas_{}_num_threads")
_LOCK = Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let SciPy's OpenBLAS use one thread inside the `with` block.

    The setting belongs to the process, so one block runs at a time. Where SciPy was built with
    another library, or its symbols cannot be found, nothing is changed.
    """
    switches = _switches()
    if switches is None:
        yield
        return
    read, write = switches
    with _LOCK:
        before = read()
        write(1)
        try:
            yield
        finally:
            write(before)


@cache
def _switches() -> tuple[Any, Any] | None:
    """Return OpenBLAS's functions that read and set its number of threads."""
    from scipy.linalg import _fblas

    library = ctypes.CDLL(_fblas.__file__)  # a look-up also searches what it is linked with
    for name in _NAMES:
        try:
            return getattr(library, name.format("get")), getattr(library, name.format("set"))
        except AttributeError:
            continue
    return None
