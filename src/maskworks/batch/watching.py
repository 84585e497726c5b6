"""New pictures of a folder as they settle, by looking again and again.

Looking is all that works on every kind of drive: a network share tells nobody of a change. A file
has settled once its size and time of change have stayed as they are for a while, by this
machine's clock; the file's own time may be that of another machine and is only compared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

POLL_S = 1.0
SETTLE_S = 3.0

_Stamp = tuple[int, int]


def settled_files(
    find: Callable[[], Iterable[Path]],
    stop: threading.Event,
    *,
    poll_s: float = POLL_S,
    settle_s: float = SETTLE_S,
) -> Iterator[frozenset[Path]]:
    """Yield the files that have settled since the last ones, each file once; wait in between.

    Parameters
    ----------
    find : names the files that are there now
    stop : ends the waiting
    poll_s : how long to wait before looking again, seconds
    settle_s : how long a file must stay as it is, seconds
    """
    since: dict[Path, tuple[_Stamp, float]] = {}
    told: set[Path] = set()
    while not stop.is_set():
        now, there = time.monotonic(), set(find())
        told &= there  # what was taken away and comes back is new
        since = {path: known for path, known in since.items() if path in there}
        fresh = []
        for path in there - told:
            stamp = _stamp_of(path)
            known = since.get(path)
            if stamp is None or known is None or known[0] != stamp:
                if stamp is not None:
                    since[path] = (stamp, now)
            elif now - known[1] >= settle_s:
                fresh.append(path)
        if fresh:
            told.update(fresh)
            yield frozenset(fresh)
        else:
            stop.wait(poll_s)


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:  # it went away meanwhile
        return None
    return status.st_size, status.st_mtime_ns
