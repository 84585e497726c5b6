"""Opened models: a few are kept, and the one unused for longest makes room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Opened = TypeVar("Opened")


class ModelCache(Generic[Opened]):
    """Opens models by name and keeps the `room` last used; safe to share between threads.

    Parameters
    ----------
    room : int, >= 1
    load : from a name to an open model
    """

    def __init__(self, room: int, load: Callable[[str], Opened]) -> None:
        self._room, self._load = room, load
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Opened:
        """Return a model, opened if it is not.

        Raises
        ------
        ModelError
            If it cannot be opened.
        """
        with self._lock:  # opening takes a moment; two callers must not do it twice
            if name not in self._open:
                self._open[name] = self._load(name)
                while len(self._open) > self._room:
                    self._open.popitem(last=False)
            self._open.move_to_end(name)
            return self._open[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are open, the one used last at the end."""
        with self._lock:
            return tuple(self._open)
