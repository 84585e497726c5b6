from __future__ import annotations

import threading
from pathlib import Path

import cv2
import pytest

from maskworks.batch.work import ManifestRow, Work
from maskworks.batch.workers import PixelBudget, run_line, share_cores, usable_cores


def works(count):
    return [
        Work(source=Path(f"/{at}"), shown=str(at), output=Path(f"/out/{at}")) for at in range(count)
    ]


def row(work):
    return ManifestRow(source=str(work.source), output=None, status="ok", model="none")


@pytest.mark.parametrize("workers", [1, 3])
def test_every_work_gives_one_row(workers):
    rows = list(run_line(works(20), row, workers=workers, stop=threading.Event()))
    assert sorted(int(r.source[1:]) for r in rows) == list(range(20))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_share_the_cores_with_opencv(workers):
    before, seen = cv2.getNumThreads(), set()

    def do(work):
        seen.add(cv2.getNumThreads())
        return row(work)

    assert len(list(run_line(works(4), do, workers=workers, stop=threading.Event()))) == 4
    assert seen == {max(1, min(before, usable_cores() // workers))}
    assert cv2.getNumThreads() == before


def test_line_stops_after_what_is_in_hand():
    stop = threading.Event()

    def do(work):
        if work.shown == "3":
            stop.set()
        return row(work)

    done = [r.source for r in run_line(works(100), do, workers=1, stop=stop)]
    assert done == ["/0", "/1", "/2", "/3"]


def test_line_raises_what_a_worker_raises():
    def do(_work):
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        list(run_line(works(3), do, workers=2, stop=threading.Event()))


def test_line_finishes_what_is_in_hand_before_it_raises():
    other, failed, finished = threading.Event(), threading.Event(), []

    def do(work):
        if work.shown == "0":
            assert other.wait(10)
            failed.set()
            raise KeyError("ours")
        other.set()
        assert failed.wait(10)
        threading.Event().wait(0.05)
        finished.append(work.shown)
        return row(work)

    rows = []
    with pytest.raises(KeyError, match="ours"):
        rows.extend(run_line(works(9), do, workers=2, stop=threading.Event()))
    assert (finished, [one.source for one in rows]) == (["1"], ["/1"])


def test_line_that_is_left_leaves_no_worker_behind():
    before = threading.active_count()
    line = run_line(works(9), row, workers=3, stop=threading.Event())
    next(line)
    line.close()
    assert threading.active_count() == before


def test_room_holds_no_more_than_its_pixels():
    room = PixelBudget(most=10)
    lock, now, most = threading.Lock(), [0], [0]

    def hold(pixels):
        with room.take(pixels):
            with lock:
                now[0] += pixels
                most[0] = max(most[0], now[0])
            threading.Event().wait(0.002)
            with lock:
                now[0] -= pixels

    crew = [threading.Thread(target=hold, args=(p,)) for p in (4, 4, 4, 9, 1, 6, 3) * 3]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert 0 < most[0] <= 10


def test_room_lets_a_large_picture_in_alone():
    with PixelBudget(most=10).take(1000):
        pass


@pytest.mark.parametrize(
    ("threads", "items", "expected"),
    [(4, 1, (1, 4)), (4, 2, (2, 4)), (2, 500, (2, 2)), (64, 500, (8, 64)), (1, 0, (1, 1))],
)
def test_cores_are_shared(threads, items, expected):
    cores = share_cores(threads, items)
    assert (cores.workers, cores.threads) == expected
