from __future__ import annotations

import contextlib
import math
import os
import pickle
import signal
import time
from datetime import timedelta

import pytest
from sqlalchemy import update

from maskworks.batch.work import Fault
from maskworks.studio.store import (
    ClaimLostError,
    Counts,
    HeldError,
    add,
    claim,
    counts,
    fail,
    hold,
    list_events,
    open_campaign,
    release,
)
from maskworks.studio.store.opening import moment
from maskworks.studio.store.processes import STALE_AFTER
from maskworks.studio.store.schema import workers
from maskworks.studio.store.workers import enter


def register(store, campaign):
    """Enter another worker of a campaign, as a second process would be one."""
    with store.writing() as connection:
        return enter(connection, campaign, moment(connection))


def wait_for(true, timeout_s=30):
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def other(nursery, database, campaign, tmp_path):
    """The number of another process, which holds the campaign with two items in hand."""
    log = tmp_path / "other.log"
    pid = nursery.start("sit", database, campaign.name, log)
    wait_for(log.exists)
    yield pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def pretend(store, worker, **values):
    """Change what is known of a worker."""
    with store.writing() as connection:
        connection.execute(update(workers).where(workers.c.id == worker.id).values(values))


def test_second_run_is_refused_with_the_holder_s_name(store, campaign, other):
    named = rf"by \S+@\S+ \(process {other}\) since 20.* UTC; wait"
    with pytest.raises(HeldError, match=named), hold(store, campaign):
        pytest.fail("both hold it")


def test_second_run_may_wait(store, campaign, other):
    told = []

    def waiting(holder):
        told.append(holder.process.pid)
        os.kill(other, signal.SIGINT)

    with hold(store, campaign, wait_s=math.inf, waiting=waiting) as worker:
        assert told == [other]
        assert counts(store, campaign) == Counts(pending=2)  # it has put them back
        assert [e.what for e in list_events(store, campaign)][-2:] == ["released", "released"]
        assert release(store, worker) == []


def test_second_run_waits_no_longer_than_it_was_told_to(store, campaign, other):
    with pytest.raises(HeldError), hold(store, campaign, wait_s=0.05):
        pytest.fail("both hold it")


def test_killed_run_is_taken_over_and_loses_nothing(store, campaign, other):
    os.kill(other, signal.SIGKILL)
    with hold(store, campaign, wait_s=30) as worker:
        assert counts(store, campaign) == Counts(pending=2)
        over, *released = list_events(store, campaign)[-3:]
        assert (over.what, over.who, over.after) == ("taken-over", worker.name, worker.name)
        assert f"(process {other})" in over.before
        assert [(e.what, e.source) for e in released] == [
            ("released", "a.jpg"),
            ("released", "b.jpg"),
        ]


def test_suspended_run_is_not_robbed_however_long_it_is_silent(store, campaign, other):
    os.kill(other, signal.SIGSTOP)
    with store.writing() as connection:
        connection.execute(update(workers).values(beat_at=campaign.added_at - timedelta(days=9)))
    with pytest.raises(HeldError), hold(store, campaign):
        pytest.fail("both hold it")


@pytest.mark.parametrize(
    ("silent", "is_taken"),
    [
        pytest.param(timedelta(seconds=1), False, id="spoke-just-now"),
        pytest.param(STALE_AFTER + timedelta(seconds=9), True, id="silent-for-too-long"),
    ],
)
@pytest.mark.parametrize(
    "elsewhere", [{"host": "studio-9"}, {"machine": "another boot"}, {"machine": ""}]
)
def test_run_that_cannot_be_looked_at_is_judged_by_its_signs_of_life(
    store, campaign, picture, silent, is_taken, elsewhere
):
    with contextlib.suppress(ClaimLostError), hold(store, campaign) as first:
        add(store, first, [picture()])
        (item,) = claim(store, first)
        pretend(store, first, beat_at=first.beat_at - silent, **elsewhere)
        if not is_taken:
            with pytest.raises(HeldError), hold(store, campaign):
                pytest.fail("both hold it")
            return
        with hold(store, campaign):
            assert counts(store, campaign) == Counts(pending=1)
            with pytest.raises(ClaimLostError):
                fail(store, item, Fault("io", "too late"))
            with pytest.raises(ClaimLostError):
                claim(store, first)


def test_process_number_that_was_given_away_is_not_mistaken(store, campaign, picture):
    worker = register(store, campaign)
    add(store, worker, [picture()])
    claim(store, worker)
    pretend(store, worker, started="12")
    assert release(store, register(store, campaign)) == ["a.jpg"]


def test_claims_of_the_living_are_left_alone(store, campaign, picture):
    worker = register(store, campaign)
    add(store, worker, [picture()])
    claim(store, worker)
    assert release(store, register(store, campaign)) == []
    assert counts(store, campaign) == Counts(claimed=1)


def test_run_that_ends_with_an_error_puts_back_what_it_has(store, campaign, picture):
    def run():
        with hold(store, campaign) as worker:
            add(store, worker, [picture()])
            assert len(claim(store, worker)) == 1
            raise KeyError("a mistake of ours")

    with pytest.raises(KeyError, match="a mistake of ours"):
        run()
    assert counts(store, campaign) == Counts(pending=1)
    with hold(store, campaign) as again:
        assert len(claim(store, again)) == 1


def test_signs_of_life_are_given(store, campaign, monkeypatch):
    monkeypatch.setattr("maskworks.studio.store.holding.BEAT_S", 0.01)

    def beat_at():
        with store.reading() as connection:
            rows = connection.execute(workers.select().where(workers.c.id == worker.id))
            return rows.one().beat_at

    with hold(store, campaign) as worker:
        wait_for(lambda: beat_at() > worker.beat_at)


def test_many_runs_take_turns(nursery, database, campaign, tmp_path):
    log = tmp_path / "turns.log"
    for _ in range(5):
        nursery.start("queue", database, campaign.name, log)
    wait_for(lambda: log.exists() and log.read_text().count("out") == 5)
    assert log.read_text().split() == ["in", "out"] * 5


def test_campaigns_do_not_wait_for_one_another(store, campaign, other):
    summer = open_campaign(store, f"{campaign.name} summer", currency="EUR", settings="x")
    with hold(store, summer) as worker:
        assert claim(store, worker) == []


@pytest.mark.parametrize(
    "error", [HeldError("spring", "ana@studio (process 4)", "now"), ClaimLostError("a.jpg")]
)
def test_error_travels_to_another_process(error):
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
