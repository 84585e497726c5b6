from __future__ import annotations

from decimal import Decimal

import pytest

from maskworks.batch.work import Fault
from maskworks.core.errors import UsageError
from maskworks.studio.store import (
    Filter,
    Judgement,
    Outcome,
    Output,
    add,
    claim,
    decide,
    deliverables,
    fail,
    finish,
    ingest,
    list_events,
    list_items,
    list_reviews,
)


def output(path="out/a.png", *, sha256="ab" * 32):
    return Output(path=path, sha256=sha256, width=10, height=20, bytes=300)


@pytest.fixture
def number(store, worker, pictures):
    """The number of a.jpg, which was routed to review with one output."""
    (item,) = claim(store, worker)
    finish(store, item, Outcome(route="review", cost=Decimal("3.40"), outputs=(output(),)))
    return item.id


def say(decision, who="ana", why="", cost=None):
    return Judgement(decision=decision, who=who, why=why, cost=cost)


def route_of(store, campaign, number):
    return list_items(store, campaign, Filter(name=str(number)))[0].route


@pytest.mark.parametrize(
    ("said", "routes"),
    [
        pytest.param(["accept"], ["deliver"], id="accept"),
        pytest.param(["reject"], ["manual"], id="reject"),
        pytest.param(["fix"], ["review"], id="fix"),
        pytest.param(["reject", "accept"], ["manual", "deliver"], id="the-last-one-counts"),
        pytest.param(["accept", "fix"], ["deliver", "review"], id="taken-back"),
    ],
)
def test_decision_changes_the_route_and_is_kept(store, campaign, number, said, routes):
    for decision, expected in zip(said, routes, strict=True):
        assert decide(store, number, say(decision, who="ana", why="seen")) == expected
        assert route_of(store, campaign, number) == expected
    assert [review.decision for review in list_reviews(store, campaign)] == said
    events = [e for e in list_events(store, campaign) if e.what == "decided"]
    assert [(e.before, e.after) for e in events] == list(
        zip(["review", *routes[:-1]], routes, strict=True)
    )
    assert {(e.who, e.why) for e in events} == {("ana", "seen")}
    assert list_items(store, campaign, Filter(decided=True))[0].decision == said[-1]


def test_same_decision_again_changes_nothing(store, campaign, number):
    for _ in range(3):
        assert decide(store, number, say("accept", who="ana", why="fine")) == "deliver"
    assert len(list_reviews(store, campaign)) == 1
    assert [e.what for e in list_events(store, campaign, item=str(number))].count("decided") == 1


def test_what_another_person_says_is_kept_too(store, campaign, number):
    decide(store, number, say("accept", who="ana", why="fine"))
    decide(store, number, say("reject", who="ben", why="the strap is cut off"))
    decide(store, number, say("reject", who="cleo", why="I agree"))
    assert [(r.decision, r.who, r.source) for r in list_reviews(store, campaign)] == [
        ("accept", "ana", "a.jpg"),
        ("reject", "ben", "a.jpg"),
        ("reject", "cleo", "a.jpg"),
    ]
    assert route_of(store, campaign, number) == "manual"


def test_fixed_item_is_delivered_when_it_comes_back(store, campaign, number):
    decide(store, number, say("fix", who="ana", why="a hole in the handle"))
    assert deliverables(store, campaign) == []
    back = output(sha256="cd" * 32)
    for _ in range(2):  # the same file once more changes nothing
        ingest(store, number, [back], who="retoucher", cost=Decimal("12.00"))
    assert [row.output for row in deliverables(store, campaign)] == [back]
    (item,) = list_items(store, campaign, Filter(name="a.jpg"))
    assert (item.route, item.cost, item.decision) == ("deliver", Decimal("12.00"), "accept")
    events = [e for e in list_events(store, campaign) if e.what == "ingested"]
    assert [(e.who, e.before, e.after) for e in events] == [("retoucher", "review", "deliver")]
    assert decide(store, number, say("fix", who="ana", why="a hole in the handle")) == "review"


def test_decision_may_change_the_cost(store, campaign, number):
    decide(store, number, say("reject", who="ana", cost=Decimal("22.00")))
    assert list_items(store, campaign, Filter(name="a.jpg"))[0].cost == Decimal("22.00")


def test_failed_item_that_is_rejected_is_a_retoucher_s(store, campaign, worker, pictures):
    (item,) = claim(store, worker)
    fail(store, item, Fault("network", "the network answered NaN"))
    assert decide(store, item.id, say("reject", who="ana")) == "manual"
    (found,) = list_items(store, campaign, Filter(name="a.jpg"))
    assert (found.route, found.error) == ("manual", None)
    assert list_events(store, campaign)[-1].before == "failed"


def test_acceptance_may_bring_the_output_with_it(store, campaign, worker, pictures):
    (item,) = claim(store, worker)
    finish(store, item, Outcome(route="review"))
    with pytest.raises(UsageError, match=r"a\.jpg: has no output that could be delivered"):
        decide(store, item.id, say("accept", who="ana"))
    assert list_reviews(store, campaign) == []
    assert decide(store, item.id, say("accept", who="ana"), made=[output()]) == "deliver"
    assert [row.output for row in deliverables(store, campaign)] == [output()]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda s, n: decide(s, 10**9, say("accept", "ana")), "no item", id="unknown"),
        pytest.param(
            lambda s, n: decide(s, n + 1, say("accept", "ana")), "not done yet", id="early"
        ),
        pytest.param(lambda s, n: decide(s, n, say("accept", " ")), "nobody is named", id="nobody"),
        pytest.param(lambda s, n: decide(s, n, say("ok", "ana")), "'ok'; it must be", id="word"),
        pytest.param(lambda s, n: decide(s, n, say("fix", "a", cost=1.5)), "Decimal", id="float"),
        pytest.param(lambda s, n: ingest(s, n, [], who="ana"), "at least one output", id="nothing"),
    ],
)
def test_decision_that_makes_no_sense_is_refused(store, number, call, message):
    with pytest.raises(UsageError, match=message):
        call(store, number)


def test_decision_on_a_changed_picture_is_refused(store, worker, number, picture):
    add(store, worker, [picture("a.jpg", content="edited")], complete=False)
    with pytest.raises(UsageError, match=rf"item {number} is superseded; decide on its new one"):
        decide(store, number, say("accept", who="ana"))
