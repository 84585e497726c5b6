"""Work on the next frames while the last one is used: an iterator in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T], depth: int = 2) -> Generator[T]:
    """Yield the items of an iterable that runs up to `depth` items ahead in another thread.

    What it raises is raised here. When this generator is closed early, the thread ends at its
    next item.
    """
    line: _Line[T] = queue.Queue(depth)
    stop = threading.Event()

    def work() -> None:
        try:
            for item in items:
                _put(line, (item,), stop)
                if stop.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised where the items are used
            _put(line, error, stop)
        else:
            _put(line, None, stop)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (item := line.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        stop.set()
        thread.join()


_Line = queue.Queue[tuple[T] | BaseException | None]


def _put(line: _Line[T], item: tuple[T] | BaseException | None, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            line.put(item, timeout=0.1)
            return
        except queue.Full:
            continue
