"""How callers share a network: one has every core, two have half of them each.

One call with all cores answers soonest. Two calls with half the cores each do more in the same
time, since no thread waits for another one inside them: 3.4 pictures a second instead of 2.9
with U2-NetP on two cores. So the service has both and takes what the moment asks for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from maskworks.models.runtimes.network import SMALL_PX

if TYPE_CHECKING:
    from maskworks.models.runtimes.network import Batch, Network, Outputs

CALLS = 2
"""Calls at once; each holds the memory of its own layers."""


class Shared:
    """A network for several threads at once.

    Parameters
    ----------
    wide : Network
        With all cores.
    narrow : function without arguments
        Opens the same network with half of them; called when two need it for the first time.
    crowded : function without arguments, optional
        Says whether others are about to need it, or have just had it: while one reads or writes
        its picture, a call with all cores would wait for that one's core at every layer.

    Examples
    --------
    >>> import numpy as np
    >>> shared = Shared(lambda batch: (batch + 1,), lambda: lambda batch: (batch + 1,))
    >>> shared(np.zeros((1, 3, 1, 1), np.float32))[0].ravel().tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        wide: Network,
        narrow: Callable[[], Network],
        *,
        crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        self._wide, self._open_narrow, self._crowded = wide, narrow, crowded
        self._narrow: Network | None = None
        self._opening = threading.Lock()
        self._door = threading.Lock()  # held while waiting for room: nobody is overtaken for ever
        self._changed = threading.Condition()
        self._callers = self._taken = 0

    def __call__(self, batch: Batch) -> Outputs:
        """Return every output of the network for a batch (N, 3, h, w)."""
        # Larger inputs go alone, with all cores: two of them would hold gigabytes.
        small = batch.shape[0] * batch.shape[-2] * batch.shape[-1] <= SMALL_PX
        with self._slots(1 if small else CALLS) as alone:
            return (self._wide if alone or not small else self._half())(batch)

    def _half(self) -> Network:
        with self._opening:
            if self._narrow is None:
                self._narrow = self._open_narrow()
            return self._narrow

    @contextmanager
    def _slots(self, calls: int) -> Iterator[bool]:
        """Wait for the room of so many calls and hold it; say whether nobody else is here."""
        with self._changed:
            self._callers += 1
        try:
            with self._door, self._changed:
                self._changed.wait_for(lambda: self._taken + calls <= CALLS)
                self._taken += calls
                alone = self._callers == 1 and not self._crowded()
            try:
                yield alone
            finally:
                with self._changed:
                    self._taken -= calls
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._callers -= 1
