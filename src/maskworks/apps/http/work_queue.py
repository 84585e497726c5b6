"""The queue: a bounded number of places, a few workers, a deadline, and callers who may leave."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from maskworks.apps.http.errors import ApiError, too_busy

Result = TypeVar("Result")

_LOOK_AROUND_S = 0.25
_FIRST_GUESS_S = 1.0
_SMOOTH = 0.2


class GoneError(Exception):
    """The caller has left or waited too long; what was begun for them is dropped."""


class Ticket:
    """One request's claim to be worked on; its work looks at it between the steps.

    Parameters
    ----------
    seconds : float
        Until its deadline.
    """

    def __init__(self, seconds: float) -> None:
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


class WorkQueue:
    """Workers and the places before them; all its methods belong to one event loop.

    Parameters
    ----------
    workers : pictures that are worked on at once
    places : requests in the house at once, reading, waiting and working
    """

    def __init__(self, workers: int, places: int) -> None:
        self.workers, self.places = workers, places
        self.taken = 0
        self.closing = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="picture")
        self._mean_s = _FIRST_GUESS_S
        self._running: set[asyncio.Future[Any]] = set()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places.

        Raises
        ------
        ApiError
            With status 429, if none is free, or 503 if the service is about to stop.
        """
        if self.closing:
            raise ApiError(503, "stopping", "the service is about to stop; try again", headers={
                "Retry-After": "5"
            })  # fmt: skip
        if self.taken >= self.places:
            raise too_busy(self._mean_s * self.taken / self.workers)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(
        self,
        task: Callable[[Ticket], Result],
        ticket: Ticket,
        *,
        is_gone: Callable[[], Awaitable[bool]],
    ) -> Result:
        """Do a task on a worker and return what it returns.

        A place is kept until the worker is really free, also if the caller leaves before.

        Raises
        ------
        ApiError
            With status 504 if the deadline passes.
        GoneError
            If the caller leaves.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, self._timed, task, ticket)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        gone = False
        try:
            while not gone and (left := ticket.deadline - time.monotonic()) > 0:
                done, _ = await asyncio.wait([future], timeout=min(_LOOK_AROUND_S, left))
                if done:
                    return future.result()
                gone = await is_gone()
        except GoneError:  # the work looked at the clock before we did
            gone = time.monotonic() < ticket.deadline
        finally:
            ticket.leave()
            if not future.done():
                self.taken += 1  # its place, until the worker has noticed
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
        ticket.go_on()
        began = time.monotonic()
        result = task(ticket)
        self._mean_s += _SMOOTH * (time.monotonic() - began - self._mean_s)
        return result

    def _noticed(self, future: asyncio.Future[Any]) -> None:
        self.taken -= 1
        if not future.cancelled():
            future.exception()  # asyncio wants somebody to have looked

    async def close(self) -> None:
        """Finish what is in hand and let the workers go."""
        self.closing = True
        if self._running:
            await asyncio.wait(self._running)
        self._pool.shutdown()
