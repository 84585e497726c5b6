from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from maskworks.apps.http.calls import CALLS, Shared

SMALL = np.zeros((1, 3, 320, 672), np.float32)  # cutout's largest
LARGE = np.zeros((1, 3, 640, 640), np.float32)


class Counting:
    """A network that notes how many of its calls run at once, until it is released."""

    def __init__(self) -> None:
        self.free, self.lock = threading.Event(), threading.Lock()
        self.now = self.most = self.calls = 0

    def __call__(self, batch):
        with self.lock:
            self.now += 1
            self.calls += 1
            self.most = max(self.most, self.now)
        self.free.wait(20)
        with self.lock:
            self.now -= 1
        return (batch,)


def begin(shared, batch):
    thread = threading.Thread(target=shared, args=(batch,))
    thread.start()
    return thread


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.002)


def test_one_caller_has_all_cores_and_opens_nothing_more():
    wide = Counting()
    wide.free.set()
    shared = Shared(wide, lambda: pytest.fail("nobody needed it"))
    for _ in range(3):
        shared(SMALL)
    assert (wide.calls, wide.most) == (3, 1)


def test_many_callers_go_two_at_a_time_over_half_the_cores_each():
    wide, narrow, opened = Counting(), Counting(), []
    shared = Shared(wide, lambda: opened.append(1) or narrow)
    threads = [begin(shared, SMALL)]
    until(lambda: wide.now == 1)
    threads += [begin(shared, SMALL) for _ in range(6)]
    until(lambda: narrow.now == 1)
    wide.free.set()
    until(lambda: narrow.now == CALLS)
    narrow.free.set()
    for thread in threads:
        thread.join(20)
    assert (narrow.most, opened) == (CALLS, [1])
    assert wide.calls + narrow.calls == 7  # whoever is last and alone has all cores again


def test_whoever_is_alone_in_a_crowded_house_takes_half_the_cores():
    wide, narrow, crowd = Counting(), Counting(), [True]
    wide.free.set()
    narrow.free.set()
    shared = Shared(wide, lambda: narrow, crowded=lambda: crowd[0])
    shared(SMALL)
    shared(LARGE)
    crowd[0] = False
    shared(SMALL)
    assert (narrow.calls, wide.calls) == (1, 2)


def test_large_input_goes_alone():
    wide, narrow = Counting(), Counting()
    shared = Shared(wide, lambda: narrow)
    threads = [begin(shared, LARGE)]
    until(lambda: wide.now == 1)
    threads += [begin(shared, SMALL), begin(shared, LARGE)]
    time.sleep(0.05)
    assert (wide.now, narrow.now) == (1, 0)
    wide.free.set()
    narrow.free.set()
    for thread in threads:
        thread.join(20)
    assert wide.most == 1
    assert wide.calls + narrow.calls == 3


def test_call_that_fails_makes_room_for_the_next():
    def broken(batch):
        raise ValueError(batch.shape)

    shared = Shared(broken, lambda: broken)
    for _ in range(CALLS + 1):
        with pytest.raises(ValueError, match="320"):
            shared(SMALL)
