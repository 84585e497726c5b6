"""kill -9 at any moment: nothing is lost, nothing is done twice, nothing recorded is forgotten."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from maskworks.studio.store import (
    Counts,
    Filter,
    deliverables,
    list_events,
    list_items,
    open_store,
)
from maskworks.studio.store import counts as count

KILLS = 30


@pytest.fixture
def runs():
    """The module whose processes are killed, to do the last run here."""
    spec = importlib.util.spec_from_file_location("nursery", Path(__file__).with_name("nursery.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_killed_runs_lose_nothing_and_do_nothing_twice(nursery, runs, database, campaign, tmp_path):
    log = tmp_path / "recorded.log"
    chance = random.Random(20240501)
    for number in range(KILLS):
        before = lines(log)
        pid = nursery.start("work", database, campaign.name, log)
        if number % 3:  # in the midst of the pictures; else while it opens, holds and adds
            until = time.monotonic() + 60
            while lines(log) - before < number % 10:
                assert time.monotonic() < until, "it records nothing"
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.02))
        else:
            time.sleep(chance.uniform(0, 0.2))
        os.kill(pid, signal.SIGKILL)  # raises if it had ended by itself
    for version in ("last", "last"):
        added = runs.run(database, campaign.name, log, version)
    assert added.kept == runs.PICTURES, "the run after the last has nothing to do"

    said = [int(line) for line in log.read_text().split()]
    assert max(Counter(said).values()) == 1, "no item was finished twice"
    with open_store(database) as store:
        counted = count(store, campaign)
        history = Counts(superseded=counted.superseded, deliver=runs.PICTURES)
        assert counted == history, "every picture is there, delivered, once"
        items = {item.id: item for item in list_items(store, campaign, Filter(standings=()))}
        assert all(items[number].state == "done" for number in said), "what was said holds"
        done = {number for number, item in items.items() if item.state == "done"}
        routed = Counter(e.item_id for e in list_events(store, campaign) if e.what == "routed")
        assert routed == dict.fromkeys(done, 1), "each has one event"
        assert len(done) - len(said) <= KILLS, "only the one in hand was not said"
        with store.reading() as connection:
            rows = connection.execute(text("SELECT item_id FROM outputs")).scalars()
            made = Counter(number for number in rows if number in items)
        assert made == dict.fromkeys(done, 1), "and one output, recorded with it"
        paths = [row.output.path for row in deliverables(store, campaign)]
        assert sorted(paths) == sorted(f"out/{number}.jpg" for number in range(runs.PICTURES))
        if store.is_sqlite:
            with store.reading() as connection:
                assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
