"""Deadline of one picture, checked by decoders and steps as they go.

It belongs to the thread that works on the picture. Nothing in this process is interrupted from
outside: whoever has a loop calls `go_on` in it, and a decoder that may take long runs in a process
of its own, which is ended (`maskworks.core.apart`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from maskworks.core.errors import TooSlowError

_UNTIL: ContextVar[tuple[float, float] | None] = ContextVar("maskworks_until", default=None)


@contextmanager
def deadline(seconds: float | None, *, ends: float | None = None) -> Iterator[None]:
    """Let `go_on` raise in this thread after so many seconds; None and 0 are without limit.

    Of one inside another the sooner counts.

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
    own = (time.monotonic() + seconds if ends is None else ends, seconds)
    outer = _UNTIL.get()
    token = _UNTIL.set(own if outer is None else min(own, outer))
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


def time_left() -> float | None:
    """Return the seconds that this picture may still take, None if that is without limit."""
    until = _UNTIL.get()
    return None if until is None else until[0] - time.monotonic()
