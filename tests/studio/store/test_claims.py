from __future__ import annotations

import itertools
import threading
from decimal import Decimal

import numpy as np
import pytest

from maskworks.batch.work import Fault
from maskworks.core.errors import OutputError, UsageError
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.store import (
    ClaimLostError,
    Counts,
    Filter,
    Judgement,
    Outcome,
    Output,
    add,
    claim,
    counts,
    decide,
    deliverables,
    fail,
    finish,
    leave,
    leftovers,
    list_events,
    list_items,
    reopen,
    reroute,
)
from maskworks.studio.store.opening import moment
from maskworks.studio.store.workers import enter


def register(store, campaign):
    """Enter another worker of a campaign, as a second process would be one."""
    with store.writing() as connection:
        return enter(connection, campaign, moment(connection))


DELIVER = Outcome(route="deliver", score=0.97)


def output(path="out/a.png", *, sha256="ab" * 32, variant=None):
    return Output(path=path, sha256=sha256, width=10, height=20, bytes=300, variant=variant)


def test_items_are_claimed_in_the_order_they_were_added(store, campaign, worker, pictures):
    first, second = claim(store, worker, 2), claim(store, worker, 10)
    assert [item.source for item in first + second] == pictures
    assert {(item.state, item.worker_id, item.claims) for item in first} == {
        ("claimed", worker.id, 1)
    }
    assert claim(store, worker) == []
    assert counts(store, campaign) == Counts(claimed=4)


def test_two_workers_never_get_the_same_item(store, campaign, worker, picture):
    add(store, worker, [picture(f"{number}.jpg") for number in range(40)])
    taken: list[list[str]] = []

    def work():
        mine = register(store, campaign)
        got = []
        while items := claim(store, mine, 3):
            got += [item.source for item in items]
            for item in items:
                finish(store, item, DELIVER)
        taken.append(got)
        leave(store, mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(itertools.chain(*taken)) == sorted(f"{number}.jpg" for number in range(40))
    assert counts(store, campaign) == Counts(deliver=40)


def test_finished_item_holds_everything_that_became_of_it(store, campaign, worker, pictures):
    (item,) = claim(store, worker)
    outcome = Outcome(
        route="review",
        score=0.625,
        reasons=(
            Reason(name="soft-edge", value=0.31, limit=0.2, text="31 % soft edge"),
            Reason(name="gate:fill", value=0.7, limit=None, text="fills 70 %"),
        ),
        cost=Decimal("3.40"),
        baseline=Decimal("22.00"),
        seconds=1.25,
        outputs=(output("out/1.png", variant="a"), output("out/2.png", variant="b")),
    )
    finish(store, item, outcome)
    (found,) = list_items(store, campaign, Filter(states=["done"]))
    for field in ("route", "score", "reasons", "cost", "baseline", "seconds", "spot_check"):
        assert getattr(found, field) == getattr(outcome, field)
    assert (found.state, found.worker_id, found.error, found.decision) == ("done", None, None, None)
    rows = deliverables(store, campaign, route="review")
    assert tuple(row.output for row in rows) == outcome.outputs
    assert deliverables(store, campaign) == []
    event = list_events(store, campaign, item=str(item.id))[-1]
    assert (event.what, event.who, event.before, event.after) == (
        "routed",
        worker.name,
        None,
        "review",
    )
    assert event.why == "31 % soft edge; fills 70 %"
    assert event.details == {
        "score": 0.625,
        "reasons": ["soft-edge", "gate:fill"],
        "cost": "3.40",
        "outputs": 2,
    }


@pytest.mark.parametrize(
    "amount",
    ["0", "3.40", "22.00", "0.1", "0.3333333333333333333333333333", "12345678901234567890.12"],
)
def test_money_is_kept_to_the_last_digit(store, campaign, worker, pictures, amount):
    (item,) = claim(store, worker)
    finish(store, item, Outcome(route="deliver", cost=Decimal(amount)))
    (found,) = list_items(store, campaign, Filter(states=["done"]))
    assert str(found.cost) == amount


def test_ten_dimes_are_a_dollar(store, campaign, worker, picture):
    add(store, worker, [picture(f"{number}.jpg") for number in range(10)])
    for item in claim(store, worker, 10):
        finish(store, item, Outcome(route="deliver", cost=Decimal("0.10")))
    assert sum(row.cost for row in list_items(store, campaign)) == Decimal("1.00")


def test_numbers_of_numpy_are_kept_as_numbers(store, campaign, worker, pictures):
    (item,) = claim(store, worker)
    reason = Reason(name="blurred", value=np.float32(0.5), limit=np.float64(0.25), text="soft")
    made = Output(
        path="a.png", sha256="0", width=np.int64(3), height=3, bytes=9, score=np.float32(0.5)
    )
    outcome = Outcome(
        route="deliver", score=np.float32(0.75), reasons=(reason,), outputs=(made,),
        seconds=np.float64(2),
    )  # fmt: skip
    finish(store, item, outcome)
    (found,) = list_items(store, campaign, Filter(states=["done"]))
    assert (found.score, found.seconds, found.reasons[0].value) == (0.75, 2.0, 0.5)
    assert deliverables(store, campaign)[0].output.score == 0.5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"cost": 3.4}, r"cost is 3\.4 \(float\); give a Decimal", id="float"),
        pytest.param({"baseline": Decimal(-1)}, r"baseline is -1", id="negative"),
        pytest.param({"cost": Decimal("NaN")}, r"cost is NaN", id="nan"),
        pytest.param({"score": float("nan")}, r"score is nan", id="score-nan"),
        pytest.param({"seconds": float("inf")}, r"seconds is inf", id="endless"),
        pytest.param(
            {"reasons": (Reason(name="blurred", value=float("inf"), limit=None, text=""),)},
            r"blurred is inf",
            id="reason",
        ),
        pytest.param({"route": "failed"}, r"'failed' with no error", id="no-error"),
        pytest.param({"error": Fault("io", "x")}, r"'deliver' with the error 'io'", id="error"),
    ],
)
def test_outcome_that_could_not_be_kept_is_refused(fields, message):
    with pytest.raises(UsageError, match=message):
        Outcome(**({"route": "deliver"} | fields))


def test_failed_item_has_its_error(store, campaign, worker, pictures):
    (item,) = claim(store, worker)
    fail(store, item, Fault("unreadable", "caf\udce9.jpg: is no picture"), cost=Decimal(22))
    (found,) = list_items(store, campaign, Filter(routes=["failed"]))
    assert found.error == Fault("unreadable", r"caf\udce9.jpg: is no picture")
    assert found.cost == 22
    assert list_events(store, campaign)[-1].why == r"caf\udce9.jpg: is no picture"


def test_item_is_finished_once(store, campaign, worker, pictures):
    (item,) = claim(store, worker)
    finish(store, item, DELIVER)
    with pytest.raises(ClaimLostError, match=r"a\.jpg: is not in this run's hands any more"):
        finish(store, item, Outcome(route="review"))
    assert list_items(store, campaign, Filter(name="a.jpg"))[0].route == "deliver"
    assert [e.what for e in list_events(store, campaign, item="a.jpg")] == ["added", "routed"]


def test_item_that_was_put_back_cannot_be_finished_by_who_had_it(store, campaign, pictures):
    first = register(store, campaign)
    (item,) = claim(store, first)
    leave(store, first)
    second = register(store, campaign)
    (again,) = claim(store, second)
    assert (again.id, again.claims) == (item.id, 2)
    with pytest.raises(ClaimLostError):
        finish(store, item, DELIVER)
    finish(store, again, DELIVER)


def test_worker_that_was_declared_dead_gets_nothing(store, campaign, pictures):
    dead = register(store, campaign)
    leave(store, dead)
    with pytest.raises(ClaimLostError):
        claim(store, dead)


def test_two_pictures_cannot_be_one_file(store, campaign, worker, pictures):
    first, second = claim(store, worker, 2)
    finish(store, first, Outcome(route="deliver", outputs=(output("out/x.png"),)))
    with pytest.raises(OutputError, match=r"out/x\.png: .* made from a\.jpg already"):
        finish(store, second, Outcome(route="deliver", outputs=(output("out/x.png"),)))
    with pytest.raises(OutputError, match=r"among the outputs twice"):
        finish(store, second, Outcome(route="deliver", outputs=(output("y"), output("y"))))
    assert counts(store, campaign) == Counts(pending=2, claimed=1, deliver=1)


def test_reopened_items_wait_again(store, campaign, worker, pictures):
    bad, good = claim(store, worker, 2)
    fail(store, bad, Fault("output", "the disk is full"))
    finish(store, good, Outcome(route="deliver", outputs=(output("out/b.png"),)))
    numbers = [bad.id, good.id, good.id + 1, 10**9]
    assert reopen(store, campaign, numbers, who="ana", why="the disk has room again") == 2
    assert counts(store, campaign) == Counts(pending=4)
    assert leftovers(store, campaign) == ["out/b.png"]
    event = list_events(store, campaign, item="a.jpg")[-1]
    assert (event.what, event.who, event.before, event.after) == ("reopened", "ana", "failed", None)
    for item in claim(store, worker, 2):
        finish(store, item, Outcome(route="deliver", outputs=(output(f"out/{item.source}"),)))
    assert leftovers(store, campaign) == ["out/b.png"]


@pytest.mark.parametrize(
    ("only", "sources"),
    [
        pytest.param(Filter(), ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], id="all"),
        pytest.param(Filter(states=["pending"]), ["d.jpg"], id="state"),
        pytest.param(Filter(routes=["review", "failed"]), ["b.jpg", "c.jpg"], id="route"),
        pytest.param(Filter(spot_check=True), ["a.jpg"], id="spot-check"),
        pytest.param(Filter(name="b.jpg"), ["b.jpg"], id="path"),
        pytest.param(Filter(name="b.jpg", states=["pending"]), [], id="both"),
        pytest.param(Filter(standings=["gone"]), [], id="gone"),
        pytest.param(Filter(decided=False, states=["done"]), ["a.jpg", "b.jpg", "c.jpg"], id="new"),
    ],
)
def test_list_is_filtered(store, campaign, worker, pictures, only, sources):
    a, b, c = claim(store, worker, 3)
    finish(store, a, Outcome(route="deliver", spot_check=True))
    finish(store, b, Outcome(route="review"))
    fail(store, c, Fault("unreadable", "is no picture"))
    assert [item.source for item in list_items(store, campaign, only)] == sources


def test_what_fails_half_way_leaves_nothing(store, campaign, worker, pictures, monkeypatch):
    (item,) = claim(store, worker)

    def broken(*_, **__):
        raise OutputError("campaign.db", "the disk is full", "make room")

    monkeypatch.setattr("maskworks.studio.store.claims.log", broken)
    with pytest.raises(OutputError, match="the disk is full"):
        finish(store, item, Outcome(route="deliver", outputs=(output(),)))
    assert counts(store, campaign) == Counts(pending=3, claimed=1)
    assert leftovers(store, campaign) == []


@pytest.fixture
def low(store, campaign, worker, pictures):
    """a.jpg, in review for its score, with an output."""
    (item,) = claim(store, worker)
    reason = Reason(name="low-score", value=0.8, limit=0.85, text="0.8 is below 0.85")
    finish(
        store,
        item,
        Outcome(route="review", score=0.8, reasons=(reason,), seconds=2.0, outputs=(output(),)),
    )
    return list_items(store, campaign, Filter(name=str(item.id)))[0]


def test_other_threshold_changes_the_route_and_nothing_else(store, campaign, worker, low):
    same = Outcome(route="review", score=0.8, reasons=low.reasons)
    assert reroute(store, worker, [(low, same)]) == 0
    other = Outcome(route="deliver", score=0.8, cost=Decimal("3.40"))
    assert reroute(store, worker, [(low, other)]) == 1
    (found,) = list_items(store, campaign, Filter(routes=["deliver"]))
    assert (found.reasons, found.cost) == ((), Decimal("3.40"))
    assert (found.seconds, found.finished_at) == (low.seconds, low.finished_at)
    assert len(deliverables(store, campaign)) == 1
    event = list_events(store, campaign)[-1]
    assert (event.what, event.before, event.after) == ("rerouted", "review", "deliver")
    assert reroute(store, worker, [(found, other)]) == 0
    assert reroute(store, worker, [(low, same)]) == 0, "it is not any more as it was read"


def test_other_threshold_does_not_overrule_a_person(store, campaign, worker, low):
    decide(store, low.id, Judgement(decision="reject", who="ana"))
    (decided,) = list_items(store, campaign, Filter(routes=["manual"]))
    other = Outcome(route="deliver", score=0.8)
    assert reroute(store, worker, [(low, other), (decided, other)]) == 0


def test_nothing_is_rerouted_into_a_delivery_without_a_file(store, campaign, worker, pictures):
    (item,) = claim(store, worker)
    finish(store, item, Outcome(route="manual"))
    (item,) = list_items(store, campaign, Filter(routes=["manual"]))
    with pytest.raises(UsageError, match=r"a\.jpg: cannot become 'deliver' without being done"):
        reroute(store, worker, [(item, Outcome(route="deliver", score=0.9))])
