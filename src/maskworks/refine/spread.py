"""Independent parts of one picture on several threads.

NumPy's and OpenCV's loops let go of the interpreter lock, so threads suffice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Part = TypeVar("Part")
One = TypeVar("One")
Other = TypeVar("Other")

MOST = 4
"""More threads than this wait for memory, not for the processor."""


@contextmanager
def thread_pool(threads: int | None = None) -> Iterator[Executor | None]:
    """Have that many threads at hand; None takes one a usable core, at most `MOST`.

    Yields
    ------
    Executor, or None where one thread, the caller's own, is all there is.
    """
    if threads is None:
        cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
        threads = min(len(cores), MOST)
    if threads == 1:
        yield None
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="refine") as pool:
        yield pool


def spread(work: Callable[[Part], None], parts: Iterable[Part], threads: int | None = None) -> None:
    """Call `work` once with each part, in any order; what it raises is raised here.

    Examples
    --------
    >>> found = {}
    >>> spread(lambda n: found.update({n: n * n}), range(4))
    >>> sorted(found.items())
    [(0, 0), (1, 1), (2, 4), (3, 9)]
    """
    with thread_pool(threads) as pool:
        for _ in map(work, parts) if pool is None else pool.map(work, parts):
            pass


def both(first: Callable[[], One], second: Callable[[], Other]) -> tuple[One, Other]:
    """Return what two independent pieces of work answer, done at once where there are two cores.

    Examples
    --------
    >>> both(lambda: 1, lambda: "a")
    (1, 'a')
    """
    with thread_pool() as pool:
        if pool is None:
            return first(), second()
        other = pool.submit(second)
        return first(), other.result()


@contextmanager
def meanwhile(work: Callable[[], One]) -> Iterator[Callable[[], One]]:
    """Do something beside what is in the `with` block.

    Yields
    ------
    Callable
        Waits for the answer and returns it; on one core the work is only done then.

    Examples
    --------
    >>> with meanwhile(lambda: 3) as answer:
    ...     4 * answer()
    12
    """
    with thread_pool() as pool:
        yield work if pool is None else pool.submit(work).result
