"""kill -9 at any moment, then run again: nothing lost, nothing twice, no half file."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import replace

import pytest
from PIL import Image

from maskworks.studio.store import Filter, list_campaigns, list_events

PICTURES = 10


@pytest.fixture
def many(small):
    """Nine more pictures in two concepts, beside an exception and a corrupt file."""
    for number in range(PICTURES):
        small.draw(f"life/more{number}.png" if number % 2 else f"more{number}.png", colour(number))
    return small


def colour(number):
    return (number * 53 % 200, number * 97 % 200, 40)


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until:  # the nursery does not wait for it: it is gone at once
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.005)
    pytest.fail(f"process {pid} survived kill -9")


def is_over(log):
    return log.exists() and "exit " in log.read_text()


def assert_no_half_file(small):
    """Every file that has its own name is whole, whatever moment the process died at."""
    for name in small.files("deliver", "review"):
        if not name.endswith(".tmp"):
            with Image.open(small.out / name) as picture:
                picture.load()


def assert_nothing_lost_and_nothing_twice(small, log):
    assert log.read_text().splitlines()[-1] == "exit 1", "one picture is corrupt"
    found = small.counts()
    sources = sorted(item.source for item in small.items())
    there = small.path / "photos"
    wanted = sorted(p.relative_to(there).as_posix() for p in there.rglob("*") if p.is_file())
    assert sources == wanted
    assert (found.pending, found.claimed, found.done) == (0, 0, len(wanted))
    assert (found.manual, found.failed) == (1, 1)
    small.check_whole()
    rows = [(row["source"], row["variant"]) for row in small.delivered()]
    assert (
        len(rows)
        == len(set(rows))
        == 2 * len([s for s in wanted if s[:5] == "life/"])
        + sum(s[:5] != "life/" and s not in ("glass.png", "broken.jpg") for s in wanted)
    )


def run_to_the_end(small, runners, log, *, within_s=240):
    log.unlink(missing_ok=True)
    runners.start(small.file, log, *small.options)
    until = time.monotonic() + within_s
    while not is_over(log):
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)


def murder(small, runners, log, times):
    """Kill runs at so many random moments, each while it had something to do."""
    dice = random.Random(times)
    run_to_the_end(small, runners, log)
    struck = 0
    for turn in range(3 * times):
        for number in dice.sample(range(PICTURES), 3):
            name = f"life/more{number}.png" if number % 2 else f"more{number}.png"
            small.draw(name, colour(1000 + turn * PICTURES + number))
        log.unlink(missing_ok=True)
        pid = runners.start(small.file, log, *small.options)
        wait_for_routes(log, dice.randrange(4))
        time.sleep(dice.uniform(0, 0.2))
        if not is_over(log):
            kill(pid)
            struck += not is_over(log)
        assert_no_half_file(small)
        if struck == times:
            return
    pytest.fail(f"only {struck} of {3 * times} runs were still going when they were killed")


def wait_for_routes(log, number):
    """Wait until a run has said of so many pictures what became of them."""
    until = time.monotonic() + 240  # of a busy machine
    while time.monotonic() < until:
        said = log.read_text().splitlines() if log.exists() else []
        routed = [line for line in said if line.startswith(("deliver ", "manual ", "failed "))]
        if len(routed) >= number or is_over(log):
            return
        time.sleep(0.005)
    pytest.fail("the run hangs")


@pytest.mark.parametrize(
    ("where", "times"),
    [
        pytest.param("sqlite", 8, id="sqlite-eight-kills"),
        pytest.param("sqlite", 32, id="sqlite-thirty-two-kills", marks=pytest.mark.slow),
        pytest.param("postgresql", 10, id="postgresql-ten-kills", marks=pytest.mark.slow),
    ],
)
def test_kills_lose_nothing(many, runners, tmp_path, request, where, times):
    if where == "postgresql":
        many = replace(many, database=request.getfixturevalue("cluster").make())
    log = tmp_path / "log"
    murder(many, runners, log, times)
    run_to_the_end(many, runners, log)
    assert_nothing_lost_and_nothing_twice(many, log)
    with many.store() as store:
        events = list_events(store, list_campaigns(store)[0])
        current = {item.id for item in many.items(Filter())}
    routed = [e.item_id for e in events if e.what == "routed" and e.item_id in current]
    assert sorted(routed) == sorted(current), "each was recorded exactly once"
