"""Graceful shutdown on SIGINT and SIGTERM: finish the work in progress, then stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit code of a run that was stopped."""

_SHOW_CURSOR = b"\x1b[?25h"


@contextmanager
def finishing(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and a request to end set `stop` once; the second time ends at once."""

    def handler(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            if sys.stderr.isatty():
                os.write(2, _SHOW_CURSOR)
            os._exit(INTERRUPTED)
        stop.set()
        os.write(2, b"\nfinishing the pictures in hand; once more ends at once\n")

    numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread():
        numbers = ()
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
