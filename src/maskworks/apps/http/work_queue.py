"""The queue: a bounded number of places, a few workers, a deadline, and callers who may leave.

What a request waits for beside a worker has threads of its own, apart by kind: six slow hosts
or a long page must not keep a key from being looked up.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from maskworks.apps.http.errors import ApiError, too_busy
from maskworks.core.deadline import deadline
from maskworks.core.errors import TooSlowError

Result = TypeVar("Result")

_LOOK_AROUND_S = 0.25
_FIRST_GUESS_S = 1.0
_SMOOTH = 0.2
_HEADER_READERS = 2
_SHARE = 0.75


class GoneError(Exception):
    """The caller has left or waited too long; what was begun for them is dropped."""


class Ticket:
    """One request's place in the queue; its deadline is checked between steps.

    Parameters
    ----------
    seconds : float
        Until its deadline.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.steps: dict[str, float] = {}
        self._left = threading.Event()
        self._since = time.perf_counter()

    def leave(self) -> None:
        """Say that nobody waits for the answer any more."""
        self._left.set()

    def go_on(self) -> None:
        """Return if somebody still waits.

        Raises
        ------
        GoneError
        """
        if self._left.is_set() or time.monotonic() > self.deadline:
            raise GoneError

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure one step, unless nobody waits for it any more."""
        self.go_on()
        began = time.perf_counter()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + time.perf_counter() - began


class Places:
    """Something of which there is only so much, and of that only a share for each caller.

    Parameters
    ----------
    room : int, >= 1
    share : how much of it one caller may have; by default three quarters
    """

    def __init__(self, room: int, share: int | None = None) -> None:
        self.room = room
        self.share = share or max(1, round(room * _SHARE))
        self.taken = 0
        self._of: Counter[str] = Counter()

    @contextmanager
    def take(self, who: str | None, *, wait_s: float = 1.0) -> Iterator[None]:
        """Hold one of them; `who` is None for a caller of this machine, who has no share.

        Raises
        ------
        ApiError
            429 if none is free, or this caller has its share.
        """
        if self.taken >= self.room or (who is not None and self._of[who] >= self.share):
            raise too_busy(wait_s)
        self.taken += 1
        if who is not None:
            self._of[who] += 1
        try:
            yield
        finally:
            self.taken -= 1
            if who is not None:
                self._of[who] -= 1
                self._of += Counter()  # forget whoever has none


class Turns:
    """One after the other for each of many things, such as what is done to one picture."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[object] = Counter()
        self._turns: dict[object, threading.Lock] = {}

    @contextmanager
    def __call__(self, what: object) -> Iterator[None]:
        """Wait for the turn and hold it."""
        with self._lock:
            turn = self._turns.setdefault(what, threading.Lock())
            self._waiting[what] += 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                self._waiting[what] -= 1
                if not self._waiting[what]:
                    del self._waiting[what], self._turns[what]


class Threads:
    """Threads for one kind of waiting, and a bound on how much may wait for them.

    Parameters
    ----------
    name : of the threads
    threads : int, >= 1
    room : tasks in hand and waiting; another one gets 429
    """

    def __init__(self, name: str, threads: int, room: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room, self._taken = room, 0

    async def run(self, task: Callable[..., Result], *given: object) -> Result:
        """Do a task and return what it returns.

        Raises
        ------
        ApiError
            429 if too much waits already.
        """
        if self._taken >= self._room:
            raise too_busy(1.0)
        self._taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, partial(task, *given))
        future.add_done_callback(self._done)
        return await future

    def _done(self, _: object) -> None:
        self._taken -= 1

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class WorkQueue:
    """Workers and the places before them; all its methods belong to one event loop.

    Parameters
    ----------
    workers : pictures that are worked on at once
    places : requests in the house at once, reading, waiting and working
    """

    def __init__(self, workers: int, places: int) -> None:
        self.workers, self.places = workers, places
        self.closing = False
        self._held = Places(places)
        self._late = 0  # places of workers whose caller has gone
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="picture")
        self._headers = ThreadPoolExecutor(_HEADER_READERS, thread_name_prefix="header")
        self._mean_s = _FIRST_GUESS_S
        self._running: dict[asyncio.Future[Any], Ticket] = {}
        self._working: set[Ticket] = set()

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self._held.taken + self._late

    @property
    def overdue(self) -> int:
        """How many workers are still at work on something whose time is over."""
        now = time.monotonic()
        return sum(ticket.deadline < now for ticket in tuple(self._working))

    @property
    def stuck(self) -> bool:
        """Whether no worker is left for anything new."""
        return self.overdue >= self.workers

    @contextmanager
    def place(self, who: str | None = None) -> Iterator[None]:
        """Hold one of the places; one caller never has all of them.

        Raises
        ------
        ApiError
            With status 429, if none is free, or 503 if the service is about to stop.
        """
        if self.closing:
            raise ApiError(503, "stopping", "the service is about to stop; try again", headers={
                "Retry-After": "5"
            })  # fmt: skip
        wait_s = self._mean_s * max(1, self.taken) / self.workers
        if self.taken >= self.places:
            raise too_busy(wait_s)
        with self._held.take(who, wait_s=wait_s):
            yield

    async def run(
        self,
        task: Callable[[Ticket], Result],
        ticket: Ticket,
        *,
        is_gone: Callable[[], Awaitable[bool]],
        header: bool = False,
    ) -> Result:
        """Do a task on a worker and return what it returns.

        A place is kept until the worker is really free, also if the caller leaves before. What
        only reads a `header` has workers of its own, so that a refusal needs no waiting.

        Raises
        ------
        ApiError
            With status 504 if the deadline passes.
        GoneError
            If the caller leaves.
        """
        loop = asyncio.get_running_loop()
        if header:
            future = loop.run_in_executor(self._headers, _in_time, task, ticket)
        else:
            future = loop.run_in_executor(self._pool, self._timed, task, ticket)
        self._running[future] = ticket
        future.add_done_callback(self._running.pop)
        gone = False
        try:
            while not gone and (left := ticket.deadline - time.monotonic()) > 0:
                done, _ = await asyncio.wait([future], timeout=min(_LOOK_AROUND_S, left))
                if done:
                    return future.result()
                gone = await is_gone()
        except (GoneError, TooSlowError):  # the work looked at the clock before we did
            gone = time.monotonic() < ticket.deadline
        finally:
            if not (header and future.done()):  # there is more to do with it then
                ticket.leave()
            if not future.done():
                self._late += 1  # its place, until the worker has noticed
                future.add_done_callback(self._noticed)
        if gone:
            raise GoneError
        raise ApiError(
            504,
            "deadline",
            "the time for this request has run out; try a smaller picture, or again when there "
            "is less to do",
        )

    def _timed(self, task: Callable[[Ticket], Result], ticket: Ticket) -> Result:
        began = time.monotonic()
        self._working.add(ticket)
        try:
            result = _in_time(task, ticket)
        finally:
            self._working.discard(ticket)
        self._mean_s += _SMOOTH * (time.monotonic() - began - self._mean_s)
        return result

    def _noticed(self, future: asyncio.Future[Any]) -> None:
        self._late -= 1
        if not future.cancelled():
            future.exception()  # asyncio wants somebody to have looked

    async def close(self, within_s: float = 60.0) -> bool:
        """Drain the queue and stop the workers; return whether that was done in time."""
        self.closing = True
        left: set[asyncio.Future[Any]] = set()
        if self._running:
            _, left = await asyncio.wait(set(self._running), timeout=within_s)
        for pool in (self._pool, self._headers):
            pool.shutdown(wait=not left, cancel_futures=True)
        return not left


def _in_time(task: Callable[[Ticket], Result], ticket: Ticket) -> Result:
    ticket.go_on()
    with deadline(ticket.seconds, ends=ticket.deadline):
        return task(ticket)
