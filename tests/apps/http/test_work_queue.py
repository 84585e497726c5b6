from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack

import pytest

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.work_queue import GoneError, Ticket, WorkQueue


async def _never():
    return False


async def _at_once():
    return True


def test_work_is_done_on_a_worker_and_its_steps_are_measured():
    async def main():
        work_queue, ticket = WorkQueue(1, 4), Ticket(5)

        def work(given):
            with given.step("cut"):
                return threading.current_thread().name

        name = await work_queue.run(work, ticket, is_gone=_never)
        await work_queue.close()
        return name, ticket.steps

    name, steps = asyncio.run(main())
    assert name.startswith("picture")
    assert set(steps) == {"cut"}


def test_full_house_is_refused_with_a_time_to_come_back():
    work_queue = WorkQueue(1, 2)
    with ExitStack() as stack:
        stack.enter_context(work_queue.place())
        stack.enter_context(work_queue.place())
        with pytest.raises(ApiError, match="every place") as refused:
            stack.enter_context(work_queue.place())
    assert refused.value.status == 429
    assert int(refused.value.headers["Retry-After"]) >= 1
    with work_queue.place():
        assert work_queue.taken == 1


def test_deadline_ends_the_wait_and_keeps_the_place_until_the_worker_has_noticed():
    async def main():
        work_queue, release = WorkQueue(1, 4), threading.Event()

        def slow(ticket):
            release.wait(10)
            ticket.go_on()

        with pytest.raises(ApiError, match="run out") as late:
            await work_queue.run(slow, Ticket(0.1), is_gone=_never)
        taken = work_queue.taken
        release.set()
        await work_queue.close()
        return late.value.status, taken, work_queue.taken

    assert asyncio.run(main()) == (504, 1, 0)


def test_work_of_a_caller_who_left_is_dropped_at_its_next_step():
    async def main():
        work_queue, seen = WorkQueue(1, 4), []

        def slow(ticket):
            for number in range(1000):
                with ticket.step("step"):
                    time.sleep(0.02)
                seen.append(number)

        with pytest.raises(GoneError):
            await work_queue.run(slow, Ticket(30), is_gone=_at_once)
        await work_queue.close()
        return len(seen)

    assert asyncio.run(main()) < 100


def test_what_waits_when_the_caller_leaves_is_never_begun():
    async def main():
        work_queue, release, begun = WorkQueue(1, 4), threading.Event(), []
        first = asyncio.create_task(
            work_queue.run(lambda _: release.wait(10), Ticket(30), is_gone=_never)
        )
        await asyncio.sleep(0.05)
        with pytest.raises(GoneError):
            await work_queue.run(begun.append, Ticket(30), is_gone=_at_once)
        release.set()
        await first
        await work_queue.close()
        return begun

    assert asyncio.run(main()) == []


def test_stopping_finishes_what_was_taken_and_takes_no_more():
    async def main():
        work_queue = WorkQueue(1, 4)

        def work(_ticket):
            time.sleep(0.2)
            return "done"

        running = asyncio.create_task(work_queue.run(work, Ticket(30), is_gone=_never))
        await asyncio.sleep(0.05)
        await work_queue.close()
        with pytest.raises(ApiError, match="about to stop"), work_queue.place():
            pass
        return await running

    assert asyncio.run(main()) == "done"
