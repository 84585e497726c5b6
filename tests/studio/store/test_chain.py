"""The trail as a chain: what was changed, removed or put in by a hand on the database shows."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text

from maskworks.studio.store import (
    Judgement,
    Outcome,
    Output,
    claim,
    decide,
    finish,
    list_events,
    open_store,
    to_csv,
    to_json,
)
from maskworks.studio.store.events import verify_trail
from maskworks.studio.store.migrations import upgrade
from maskworks.studio.store.withdrawing import withdraw


@pytest.fixture
def told(store, campaign, worker, pictures):
    """A campaign with a trail of every kind of value; its name."""
    for number, item in enumerate(claim(store, worker, 4)):
        made = Output(path=f"{campaign.name}{number}.png", sha256="0", width=1, height=1, bytes=1)
        finish(store, item, Outcome(route="review", score=1 / 3**number, outputs=(made,)))
        judgement = Judgement(decision="accept", who="Zoë\udce9", why="fine \0 \N{SNOWMAN}")
        decide(store, item.id, judgement)
        if number == 1:
            withdraw(store, item.id, who="Ana")
    return campaign


def test_trail_is_whole_and_its_head_is_the_last_digest(store, told):
    (found,) = verify_trail(store, told)
    events = list_events(store, told)
    assert (found.wrong, found.events) == (None, len(events))
    assert found.head == events[-1].digest
    assert events[0].previous == ""
    assert [e.previous for e in events[1:]] == [e.digest for e in events[:-1]]


def test_digest_is_that_of_the_documented_content(store, told):
    event = list_events(store, told)[-1]
    details = {"cost": None, "decision": "accept"}
    at = event.at.isoformat(timespec="microseconds")
    content = [event.previous, at, float(event.item_id), "decided", "Zoë\\udce9",
               "fine \\x00 ☃", "review", "deliver", details]  # fmt: skip
    written = json.dumps(content, separators=(",", ":"), sort_keys=True)
    assert event.digest == hashlib.sha256(written.encode()).hexdigest()


TAMPERING = {
    "changed": "UPDATE events SET who = 'Eve' WHERE id = {third}",
    "details": "UPDATE events SET details = '{{}}' WHERE id = {fourth}",
    "last": "UPDATE events SET why = 'other' WHERE id = {last}",
    "removed": "DELETE FROM events WHERE id = {third}",
    "moved": "UPDATE events SET at = '2020-01-01 00:00:00.000000' WHERE id = {third}",
    "put-in": "INSERT INTO events (campaign_id, item_id, at, what, who, why, details) "
    "SELECT campaign_id, item_id, at, 'decided', 'Eve', '', details FROM events "
    "WHERE id = {third}",
}


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING)
def test_trail_that_was_tampered_with_is_told(store, told, statement):
    ids = [event.id for event in list_events(store, told)]
    names = {"third": ids[2], "fourth": ids[5], "last": ids[-1]}
    off, on = (
        ("DROP TRIGGER events_refuse_update; DROP TRIGGER events_refuse_delete", None)
        if store.is_sqlite
        else ("ALTER TABLE events DISABLE TRIGGER USER", "ALTER TABLE events ENABLE TRIGGER USER")
    )
    with store.writing() as connection:
        for each in off.split("; "):
            connection.execute(text(each))
        connection.execute(text(statement.format(**names)))
        if on:
            connection.execute(text(on))
    (found,) = verify_trail(store, told)
    assert found.wrong is not None
    assert "event " in found.wrong


def test_chain_holds_with_many_writers(store, told):
    items = sorted({event.item_id for event in list_events(store, told) if event.item_id})
    start = threading.Barrier(4)

    def decide_often(number):
        start.wait()
        for turn in range(6):
            verdict = "reject" if turn % 2 else "accept"
            decide(store, number, Judgement(decision=verdict, who="x", why=f"{number} {turn}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decide_often, items))
    (found,) = verify_trail(store, told)
    assert found.wrong is None
    assert found.events >= 4 + 9 + 20


def test_exports_carry_the_digests(store, told):
    events = list_events(store, told)
    assert json.loads(to_json(events))[-1]["digest"] == events[-1].digest
    lines = to_csv(events).splitlines()
    assert lines[0].endswith(",previous,digest")
    assert lines[-1].endswith(f"{events[-1].previous},{events[-1].digest}")


def test_trail_of_an_earlier_version_is_linked(tmp_path):
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection, "0002")
    engine.dispose()
    with sqlite3.connect(path) as connection:
        now = "2026-01-01 10:00:00.000000"
        connection.execute(f"INSERT INTO campaigns VALUES (1, 'old', 'USD', 'x', '{now}')")
        for number in range(3):
            connection.execute(
                "INSERT INTO events (campaign_id, at, what, who, why, details) "
                "VALUES (1, ?, 'settings-changed', 'ana', ?, '{\"cost\": 1.50}')",
                (now, f"change {number}"),
            )
    connection.close()
    with open_store(path) as store:
        (found,) = verify_trail(store)
        assert (found.events, found.wrong) == (3, None)
        with pytest.raises(Exception, match="append-only"), store.writing() as connection:
            connection.execute(text("UPDATE events SET who = 'Eve'"))
