"""Where the items of a run are worked on: by the threads of this process, or by a Ray cluster.

A backend is opened once for a run and then maps items to rows. What is done with an item is an
`Opener`: called once in every process that works, it opens what is slow to open, above all the
model, and returns the function that turns an item into its row. Items and rows are paths and
parameters, never pixels; what becomes of the pixels is written by whoever made it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from maskworks.batch.workers import PIXELS_IN_HAND, PixelBudget, run_line, share_cores

Item = TypeVar("Item")
Row = TypeVar("Row")

BackendName = Literal["local", "ray"]


@dataclass(frozen=True, eq=False)
class Share:
    """What an opened function may use: `threads` in a network call, and pixels in hand.

    `again` says that an item may have been done before, by a worker that died before it could
    say so: an output that is there then is that one's.
    """

    threads: int
    budget: PixelBudget
    again: bool = False


Opener = Callable[[Share], Callable[[Item], Row]]
"""Opens what an item needs, once in each process, and returns what is done with one."""

MapItems = Callable[[Iterable[Item], threading.Event], Iterator[Row]]
"""Yields the row of each item as it is done, in any order.

Once the event is set no other item is begun.
"""


class Backend(Protocol):
    """Who does the work of a run."""

    def open(self, opener: Opener[Item, Row], count: int) -> MapItems[Item, Row]:
        """Get ready for about `count` items.

        Raises
        ------
        MaskworksError
            If the workers, or the model, are not to be had.
        """
        ...


@dataclass(frozen=True)
class LocalBackend:
    """The threads of this process.

    Parameters
    ----------
    threads : int
        Cores to use; 0 takes all.
    pixels : int
        How many pixels may be in hand at once.
    """

    threads: int = 0
    pixels: int = PIXELS_IN_HAND

    def open(self, opener: Opener[Item, Row], count: int) -> MapItems[Item, Row]:
        """Open the model here, once; the threads share it."""
        cores = share_cores(self.threads, count)
        do = opener(Share(cores.threads, PixelBudget(self.pixels)))

        def run(items: Iterable[Item], stop: threading.Event) -> Iterator[Row]:
            return run_line(items, do, workers=cores.workers, stop=stop)

        return run
