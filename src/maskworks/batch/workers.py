"""Several pictures at once: each worker takes one from reading to writing.

Decoding, the network and encoding all let go of the interpreter lock, so while one worker's
picture is in the network another's is decoded or encoded. What bounds the memory is not the
number of inputs but the pixels in hand.
"""

from __future__ import annotations

import os
import queue
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from maskworks.batch.work import Work
from maskworks.core.formats import open_format, sniff

Task = TypeVar("Task")
Result = TypeVar("Result")

if TYPE_CHECKING:
    from maskworks.models.loading import Model
    from maskworks.models.runtimes.network import Batch, Outputs

PIXELS_IN_HAND = 26_000_000
"""How many pixels all workers together may hold; one picture may always go alone."""

MOST_WORKERS = 8
"""More workers than this gain nothing before the pixels in hand bound them."""

NETWORK_CALLS = 1
"""How many network calls may run at once; each costs a U2-Net some 200 MB. The call has all
cores, and the other workers decode and encode in the gaps it leaves."""


@dataclass(frozen=True)
class WorkerCount:
    """How the cores are shared: `workers` pictures at once, `threads` in each network call."""

    workers: int
    threads: int


def share_cores(threads: int, items: int) -> WorkerCount:
    """Have one worker a core, at most one a picture, and share the cores between the calls.

    Parameters
    ----------
    threads : int
        Cores to use; 0 takes every core this process may use.
    items : int
        How many pictures there are.

    Examples
    --------
    >>> share_cores(4, items=1), share_cores(2, items=500)
    (WorkerCount(workers=1, threads=4), WorkerCount(workers=2, threads=2))
    """
    cores = threads or usable_cores()
    workers = max(1, min(cores, items, MOST_WORKERS))
    return WorkerCount(workers, max(1, cores // min(workers, NETWORK_CALLS)))


def taking_turns(model: Model, calls: int = NETWORK_CALLS) -> Model:
    """Return the model with a network that answers so many callers at once, the rest wait."""
    turn = threading.Semaphore(calls)

    def network(batch: Batch) -> Outputs:
        with turn:
            return model.network(batch)

    return replace(model, network=network)


def usable_cores() -> int:
    """Return the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class PixelBudget:
    """Budget of pixels that may be decoded at once.

    Parameters
    ----------
    most : int
        A picture with more is let in when it is alone.
    """

    def __init__(self, most: int = PIXELS_IN_HAND) -> None:
        self._most = most
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for a picture and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + pixels <= self._most)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()


def run_line(
    works: Iterable[Task],
    do: Callable[[Task], Result],
    *,
    workers: int,
    stop: threading.Event,
) -> Iterator[Result]:
    """Yield the row of each work as soon as it is done, in any order.

    However it ends, no worker is left behind: what one of them raises is raised once the
    others have finished, and their rows are yielded first. Meanwhile OpenCV, whose threads are
    the process's, has the cores that are not a worker's own.

    Parameters
    ----------
    works : taken in order
    do : what is done with each; it answers with a row, errors included
    workers : int, >= 1
    stop : Event
        Once set, pictures in hand are finished and no other is begun.
    """
    import cv2

    results: _Results[Result] = queue.SimpleQueue()
    waiting = _in_turn(works)
    over = threading.Event()  # `stop` is the caller's, who may go on with another line

    def work() -> None:
        try:
            while not (stop.is_set() or over.is_set()) and (item := waiting()) is not None:
                results.put((do(item[0]),))
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            over.set()
            results.put(error)
        finally:
            results.put(None)

    count: list[threading.Thread] = []
    inner = cv2.getNumThreads()
    first: BaseException | None = None
    try:
        cv2.setNumThreads(max(1, min(inner, usable_cores() // workers)))
        for _ in range(workers):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            count.append(thread)
        busy = len(count)
        while busy:
            result = results.get()
            if result is None:
                busy -= 1
            elif isinstance(result, BaseException):
                first = first or result
            else:
                yield result[0]
    finally:
        over.set()
        for thread in count:  # one that was still in a library's code would abort the process
            thread.join()
        cv2.setNumThreads(inner)
    if first is not None:
        raise first


_Results = queue.SimpleQueue[tuple[Result] | BaseException | None]


def _in_turn(works: Iterable[Task]) -> Callable[[], tuple[Task] | None]:
    """Return what gives the next of them to whichever thread asks, None at the end."""
    waiting, lock = iter(works), threading.Lock()

    def give() -> tuple[Task] | None:
        with lock:
            return next(((item,) for item in waiting), None)

    return give


def header_pixels(work: Work) -> int:
    """Return how many pixels a file says it has, 1 if it does not say."""
    try:
        if work.content is not None or not stat.S_ISREG(work.source.stat().st_mode):
            return 1
        with work.source.open("rb") as stream:
            kind = sniff(stream.read(64))
            if kind is None:
                return 1
            stream.seek(0)
            opened = open_format(kind, stream)
            return max(1, opened.width * opened.height)
    except Exception:  # noqa: BLE001 - what is wrong with the file is said when it is read
        return 1
