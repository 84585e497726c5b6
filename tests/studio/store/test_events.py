from __future__ import annotations

import pytest
from sqlalchemy import text

from maskworks.core.errors import OutputError
from maskworks.studio.store import (
    Judgement,
    Outcome,
    Output,
    claim,
    decide,
    finish,
    list_events,
    list_reviews,
    open_campaign,
)


@pytest.fixture
def number(store, worker, pictures):
    (item,) = claim(store, worker)
    made = Output(path="a.png", sha256="00", width=1, height=1, bytes=1)
    finish(store, item, Outcome(route="review", outputs=(made,)))
    decide(store, item.id, Judgement(decision="accept", who="ana", why="fine"))
    return item.id


REWRITE = {
    "sqlite": "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    "postgresql": "TRUNCATE {table} CASCADE",
}


@pytest.mark.parametrize("table", ["events", "decisions"])
@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE {table} SET who = 'nobody'", id="change"),
        pytest.param("UPDATE {table} SET id = id + 1000", id="renumber"),
        pytest.param("DELETE FROM {table}", id="remove"),
        pytest.param(None, id="by-the-back-door"),
    ],
)
def test_history_cannot_be_rewritten(store, campaign, number, statement, table):
    statement = statement or REWRITE[store.engine.dialect.name]
    before = (list_events(store, campaign), list_reviews(store, campaign))
    with pytest.raises(OutputError, match="are append-only"), store.writing() as connection:
        connection.execute(text(statement.format(table=table)))
    assert (list_events(store, campaign), list_reviews(store, campaign)) == before


def test_trail_tells_the_whole_way_of_an_item(store, campaign, number):
    rows = list_events(store, campaign, item="a.jpg")
    assert [(e.what, e.before, e.after) for e in rows] == [
        ("added", None, None),
        ("routed", None, "review"),
        ("decided", "review", "deliver"),
    ]
    assert [e.id for e in rows] == sorted(e.id for e in rows)
    assert all(e.at.utcoffset().total_seconds() == 0 for e in rows)
    assert rows == list_events(store, campaign, item=str(number))
    assert list_events(store, campaign, item="other.jpg") == []


def test_changed_settings_are_an_event(store, campaign):
    again = open_campaign(store, campaign.name, currency="USD", settings="second")
    assert (again.id, again.settings) == (campaign.id, "second")
    open_campaign(store, campaign.name, currency="USD", settings="second")
    (event,) = list_events(store, campaign)
    assert (event.what, event.before, event.after) == ("settings-changed", "first", "second")
