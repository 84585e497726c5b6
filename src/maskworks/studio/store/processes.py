"""Which process this is, and whether another one is still alive."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

STALE_AFTER = timedelta(seconds=90)
"""How long a process that cannot be looked at may be silent before it counts as dead."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process, named so that it cannot be mistaken for another one.

    `machine` tells whether the process number means anything here: on Linux the boot and
    the namespace of process numbers, so neither a restart nor a container misleads; empty
    where the system does not tell. `started` is the time of its start in the system's own
    units: a number that was given to a later process has another.
    """

    host: str
    machine: str
    pid: int
    started: str
    user: str

    @property
    def name(self) -> str:
        """Who it is, for people."""
        return f"{self.user}@{self.host} (process {self.pid})"


@dataclass(frozen=True, eq=False)
class LivenessClock:
    """When this process last saw a count of signs of life change, by its own steady clock.

    A wall clock that was set back makes a dead process look as if it had just been heard of,
    until the clock has caught up; how long a number stood still does not depend on it.

    Examples
    --------
    >>> heard = LivenessClock()
    >>> heard.silence("job 1", 7)
    datetime.timedelta(0)
    """

    _seen: dict[Hashable, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def silence(self, whose: Hashable, beats: int) -> timedelta:
        """Return for how long a heartbeat count has not changed."""
        now = time.monotonic()
        with self._lock:
            count, since = self._seen.get(whose, (None, now))
            if count != beats:
                self._seen[whose] = beats, now
                return timedelta()
            return timedelta(seconds=now - since)


def this_process() -> Process:
    """Return the process that asks."""
    return Process(
        host=socket.gethostname(),
        machine=_machine(),
        pid=os.getpid(),
        started=_started(os.getpid()) or "",
        user=user_name(),
    )


def is_alive(process: Process, here: Process) -> bool | None:
    """Say whether `process` is alive, as seen from `here`; None if that cannot be seen."""
    if not process.machine or (process.host, process.machine) != (here.host, here.machine):
        return None
    try:
        os.kill(process.pid, 0)  # asks, and sends nothing
    except ProcessLookupError:
        return False
    except OSError:
        return None
    started = _started(process.pid)
    if started is None or not process.started:
        return None
    return started == process.started


def is_dead(process: Process, here: Process, *, silent: timedelta) -> bool:
    """Say whether `process`, which was last heard of `silent` ago, counts as dead.

    What can be looked at is believed, however long it was silent (it may be suspended).

    Examples
    --------
    >>> here = this_process()
    >>> is_dead(here, here, silent=timedelta(days=1))
    False
    """
    alive = is_alive(process, here)
    return silent > STALE_AFTER if alive is None else not alive


def silence(last: datetime, now: datetime) -> timedelta:
    """Return how long ago `last` was; never negative, for clocks that were set back."""
    return max(now - last, timedelta())


def _machine() -> str:
    if sys.platform == "win32":  # os.kill(pid, 0) would end the process there
        return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{sys.platform} {uuid.getnode():x}"


def _started(pid: int) -> str | None:
    """Return when a process started; None if that cannot be read, "-" if it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return "-" if fields[0] in "ZX" else fields[19]


def user_name() -> str:
    """Return the name of whoever runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's number without a name
        return "unknown"
