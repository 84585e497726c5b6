"""Deadline of one picture, checked by decoders and steps as they go.

It belongs to the thread that works on the picture. Nothing is interrupted from outside: whoever
has a loop calls `go_on` in it, and a decoder that reads a file piece by piece meets it at the
next piece.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from maskworks.core.errors import TooSlowError

_UNTIL: ContextVar[tuple[float, float] | None] = ContextVar("maskworks_until", default=None)


@contextmanager
def deadline(seconds: float | None, *, ends: float | None = None) -> Iterator[None]:
    """Let `go_on` raise in this thread after so many seconds; None and 0 are without limit.

    Parameters
    ----------
    seconds : float, > 0, optional
        What messages tell.
    ends : float, optional
        On the clock of `time.monotonic`; by default so many seconds from now.

    Examples
    --------
    >>> with deadline(1e-9):
    ...     go_on("a.jpg")
    Traceback (most recent call last):
    maskworks.core.errors.TooSlowError: a.jpg: takes longer than 1e-09 s; ...
    """
    if not seconds:
        yield
        return
    token = _UNTIL.set((time.monotonic() + seconds if ends is None else ends, seconds))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def go_on(name: str = "picture") -> None:
    """Return if there is time left.

    Raises
    ------
    TooSlowError
        If the time of this picture has run out.
    """
    until = _UNTIL.get()
    if until is not None and time.monotonic() > until[0]:
        raise TooSlowError(name, until[1])


class Timed:
    """A stream whose reader is stopped at the deadline: `read` raises what `go_on` does."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream, self._name = stream, name

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        go_on(self._name)
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)
