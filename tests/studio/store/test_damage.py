"""Databases that were cut off, overwritten or tampered with: told with a way out, left as is."""

from __future__ import annotations

import sqlite3

import pytest
from hostile_databases import HARMS

from maskworks.core.errors import OutputError
from maskworks.studio.store import (
    Judgement,
    Outcome,
    Output,
    add,
    claim,
    decide,
    finish,
    hold,
    list_events,
    list_items,
    open_campaign,
    open_store,
)
from maskworks.studio.store.opening import open_to_read


def _new(path, picture):
    open_store(path).close()


def _waiting(path, picture, *, number=40):
    with open_store(path) as store:
        campaign = open_campaign(store, "spring", currency="USD", settings="x")
        with hold(store, campaign) as worker:
            add(store, worker, [picture(f"{n}.jpg") for n in range(number)])


def _done(path, picture):
    _waiting(path, picture)
    with open_store(path) as store:
        campaign = open_campaign(store, "spring", currency="USD", settings="x")
        with hold(store, campaign) as worker:
            for item in claim(store, worker, 40):
                made = Output(path=f"{item.id}.png", sha256="0", width=1, height=1, bytes=1)
                finish(store, item, Outcome(route="review", score=0.5, outputs=(made,)))


def _decided(path, picture):
    _done(path, picture)
    with open_store(path) as store:
        campaign = open_campaign(store, "spring", currency="USD", settings="x")
        for item in list_items(store, campaign):
            decide(store, item.id, Judgement(decision="accept", who="ana", why="fine"))


STATES = {"new": _new, "waiting": _waiting, "done": _done, "decided": _decided}


@pytest.mark.parametrize("make", STATES.values(), ids=STATES)
@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_damaged_database_is_told_with_a_way_out_and_nothing_is_deleted(
    tmp_path, picture, make, harm
):
    path = tmp_path / "spring.db"
    make(path, picture)
    harm(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"bring back a copy"):
        open_store(path)
    assert path.read_bytes() == before


def test_value_that_no_maskworks_wrote_is_told(tmp_path, picture):
    path = tmp_path / "spring.db"
    _done(path, picture)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE items SET reasons = '{not json', cost = 'cheap'")
    connection.close()
    with open_store(path) as store:
        campaign = open_campaign(store, "spring", currency="USD", settings="x")
        with pytest.raises(OutputError, match="did not write"):
            list_items(store, campaign)


def test_empty_file_is_no_trail(tmp_path):
    path = tmp_path / "spring.db"
    path.touch()
    with pytest.raises(OutputError, match=r"is empty \(0 bytes\)"):
        open_store(path, create=False)


def test_trail_is_read_where_nothing_may_be_written(tmp_path, picture, monkeypatch):
    path = tmp_path / "spring.db"
    _decided(path, picture)
    whole = open_store

    def read_only(database, *, create=True):
        if str(database) == str(path):
            raise OutputError(path, "may not be written", "choose a place")
        return whole(database, create=create)

    monkeypatch.setattr("maskworks.studio.store.opening.open_store", read_only)
    files = set(tmp_path.iterdir())
    with open_to_read(path) as store:
        assert len(list_events(store)) == 120
    assert set(tmp_path.iterdir()) == files
