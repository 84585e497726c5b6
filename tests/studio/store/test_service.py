"""Keys, usage, jobs, messages, leases: on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from maskworks.core.errors import UsageError
from maskworks.studio.store import Judgement, Outcome, Output, claim, decide, finish
from maskworks.studio.store import jobs as job_store
from maskworks.studio.store.jobs import (
    add_job,
    beat,
    claim_job,
    end_job,
    find_job,
    give_back,
    list_jobs,
    settle_message,
    take_message,
)
from maskworks.studio.store.keys import Allowance, add_key, find_key, list_keys, revoke_key
from maskworks.studio.store.reviewing import (
    DecidedError,
    Held,
    LeasedError,
    MatteVersion,
    add_matte,
    check_lease,
    draft_of,
    keep_draft,
    lease,
    leased_items,
    let_go,
    matte_versions,
    next_version,
    now_of,
)
from maskworks.studio.store.service_schema import jobs, leases, messages
from maskworks.studio.store.usage import admit, refund, spent_this_month
from maskworks.studio.store.withdrawing import withdraw


@pytest.fixture
def empty_jobs(store):
    """The store without jobs: the PostgreSQL one is shared by all tests."""
    with store.writing() as connection:
        connection.execute(messages.delete())
        connection.execute(jobs.delete())
    return store


def key_of(store, name, **limits):
    return add_key(store, name, Allowance(**limits))[0]


def test_secret_finds_its_key_until_it_is_revoked(store):
    key, secret = add_key(store, "shop a", Allowance(scopes=("jobs", "cut")))
    assert find_key(store, secret) == key
    assert find_key(store, secret + "x") is None
    assert find_key(store, "mw_none") is None
    assert find_key(store, "mw_é_ü") is None
    revoke_key(store, key.prefix)
    assert find_key(store, secret) is None
    assert [one.revoked_at is not None for one in list_keys(store) if one.id == key.id] == [True]
    with pytest.raises(UsageError, match="no key in use called"):
        revoke_key(store, key.prefix)


def test_rate_counts_megapixels_of_a_minute(store):
    key = key_of(store, "rate", megapixels_per_minute=10.0)
    admitted = [admit(store, key, 6.0, rate=500.0) for _ in range(3)]
    refused = [one.refused for one in admitted]
    assert refused in ([None, "rate", "rate"], [None, None, "rate"], [None, "rate", None])
    assert admitted[0].limit == 10.0
    large = key_of(store, "large", megapixels_per_minute=1.0)
    assert admit(store, large, 50.0, rate=None).refused is None  # alone in its minute


def test_rate_of_the_service_holds_where_the_key_names_none(store):
    key = key_of(store, "plain")
    assert admit(store, key, 1.0, rate=None).remaining is None
    assert admit(store, key, 1.0, rate=500.0).limit == 500.0


def test_quota_counts_credits_of_a_month(store):
    key = key_of(store, "quota", monthly_credits=1.5)
    assert admit(store, key, 1.0, rate=None).refused is None
    assert admit(store, key, 2.0, rate=None, credits=1.0).refused is None
    assert admit(store, key, 1.0, rate=None, credits=0.5).refused is None
    spent = spent_this_month(store, key)
    assert (spent.requests, spent.credits, spent.megapixels) == (2, 1.5, 3.0)
    assert admit(store, key, 1.0, rate=None).refused == "quota"


def test_usage_of_many_threads_adds_up(store):
    key = key_of(store, "many")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: admit(store, key, 0.25, rate=None, credits=1.0), range(40)))
    assert spent_this_month(store, key).credits == 40


def test_job_is_run_by_one_of_many(empty_jobs):
    store = empty_jobs
    for number in range(6):
        add_job(store, Path(f"/c/{number}.toml"), name=f"c{number}", asked_by="local")
    taken, lock = [], threading.Lock()

    def run(name):
        while (job := claim_job(store, name)) is not None:
            with lock:
                taken.append(job.name)
            end_job(store, job, result={"deliver": 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, "abcd"))
    assert sorted(taken) == [f"c{number}" for number in range(6)]
    assert {job.state for job in list_jobs(store)} == {"done"}


def test_campaign_that_waits_already_is_not_asked_for_twice(empty_jobs):
    first = add_job(empty_jobs, Path("/c/a.toml"), name="a", asked_by="local")
    assert add_job(empty_jobs, Path("/c/a.toml"), name="a", asked_by="local").token == first.token


def test_second_job_of_a_campaign_waits_for_the_first(empty_jobs):
    store = empty_jobs
    add_job(store, Path("/c/a.toml"), name="a", asked_by="local")
    first = claim_job(store, "one")
    add_job(store, Path("/c/a.toml"), name="a", asked_by="local")
    assert claim_job(store, "two") is None
    end_job(store, first, result={})
    assert claim_job(store, "two") is not None


def test_job_of_a_silent_runner_is_taken_over_and_its_word_counts_no_more(empty_jobs):
    store = empty_jobs
    token = add_job(store, Path("/c/a.toml"), name="a", asked_by="local").token
    dead = claim_job(store, "dead")
    assert beat(store, dead)
    assert claim_job(store, "heir") is None
    _age(store, job_store.SILENT_S + 1)
    heir = claim_job(store, "heir")
    assert (heir.token, heir.attempts) == (token, 2)
    assert not beat(store, dead)
    assert end_job(store, dead, error="too late") is None
    assert end_job(store, heir, result={"deliver": 3}).state == "done"
    assert find_job(store, token).result == {"deliver": 3}


def test_job_that_kills_its_runners_is_given_up(empty_jobs):
    store = empty_jobs
    token = add_job(store, Path("/c/a.toml"), name="a", asked_by="local").token
    for _ in range(job_store.MOST_ATTEMPTS):
        assert claim_job(store, "next") is not None
        _age(store, job_store.SILENT_S + 1)
    assert claim_job(store, "last") is None
    assert "processes ended" in find_job(store, token).error


def test_job_that_was_stopped_waits_again(empty_jobs):
    add_job(empty_jobs, Path("/c/a.toml"), name="a", asked_by="local")
    give_back(empty_jobs, claim_job(empty_jobs, "one"))
    again = claim_job(empty_jobs, "two")
    assert again.attempts == 1


def test_message_is_tried_again_and_given_up(empty_jobs, monkeypatch):
    store = empty_jobs
    monkeypatch.setattr(job_store, "BACKOFF_S", (0.0, 0.0))
    add_job(store, Path("/c/a.toml"), name="a", asked_by="local", webhook="https://a/b")
    end_job(store, claim_job(store, "one"), result={})
    for attempt in range(3):
        message = take_message(store, hold_s=60)
        assert message.attempts == attempt
        assert take_message(store, hold_s=60) is None  # it is in somebody's hands
        settle_message(store, message, "answered with 500")
    assert take_message(store, hold_s=60) is None


def test_lease_is_one_persons_until_it_runs_out(store, worker, pictures):
    item = claim(store, worker)[0]
    held = lease(store, item.id, who="Ana")
    check_lease(store, item.id, held.token)
    assert leased_items(store)[item.id] == "Ana"
    with pytest.raises(LeasedError, match="Ana has this picture open"):
        lease(store, item.id, who="Ben")
    assert lease(store, item.id, who="Ana", token=held.token).token == held.token
    again = lease(store, item.id, who="Ana")  # on a new page
    with pytest.raises(LeasedError):
        check_lease(store, item.id, held.token)
    with store.writing() as connection:
        past = again.until - timedelta(hours=1)
        connection.execute(update(leases).where(leases.c.item_id == item.id).values(until=past))
    taken = lease(store, item.id, who="Ben")
    let_go(store, item.id, again.token)
    assert leased_items(store)[item.id] == "Ben"
    let_go(store, item.id, taken.token)
    assert item.id not in leased_items(store)


def test_draft_goes_with_the_matte_that_is_made_of_it(store, worker, pictures):
    item = claim(store, worker)[0]
    keep_draft(store, item.id, who="Ana", strokes=[{"kind": "add"}])
    assert draft_of(store, item.id) == [{"kind": "add"}]
    for number in (1, 2):
        assert next_version(store, item.id) == number
        version = MatteVersion(
            version=number, path=f"mattes/{number}.png", sha256="0" * 64, strokes=[], who="Ana",
            at=now_of(store),
        )  # fmt: skip
        add_matte(store, item.id, version)
    assert draft_of(store, item.id) == []
    assert [one.path for one in matte_versions(store, item.id)] == ["mattes/1.png", "mattes/2.png"]


def test_decision_taken_back_leaves_the_item_as_it_was(store, worker, pictures):
    item = claim(store, worker)[0]
    made = Output(path="d/d/a.png", sha256="0" * 64, width=1, height=1, bytes=1)
    finish(store, item, Outcome(route="review", score=0.5, outputs=(made,)))
    with pytest.raises(UsageError, match="nothing was decided"):
        withdraw(store, item.id, who="Ana")
    decide(store, item.id, Judgement(decision="accept", who="Ana", why=""))
    assert withdraw(store, item.id, who="Ana") == "review"
    assert decide(store, item.id, Judgement(decision="accept", who="Ana", why="")) == "deliver"


def _age(store, seconds):
    """Let every sign of life be so much older."""
    with store.writing() as connection:
        for row in connection.execute(jobs.select().where(jobs.c.beat_at.is_not(None))).all():
            older = row.beat_at - timedelta(seconds=seconds)
            connection.execute(update(jobs).where(jobs.c.id == row.id).values(beat_at=older))


def test_clock_that_was_set_back_leaves_no_job_waiting(empty_jobs, monkeypatch):
    monkeypatch.setattr(job_store, "SILENT_S", 0.3)
    store = empty_jobs
    add_job(store, Path("/c/a.toml"), name="a", asked_by="local")
    dead = claim_job(store, "dead")
    _age(store, -3600)  # by the clock of now, it gave its last sign of life in an hour
    assert claim_job(store, "heir") is None
    for _ in range(4):  # as long as it counts, it lives
        time.sleep(0.1)
        assert beat(store, dead)
        _age(store, -3600)
        assert claim_job(store, "heir") is None
    time.sleep(0.4)
    assert claim_job(store, "heir").attempts == 2


def test_two_decisions_at_one_instant_are_one(store, worker, pictures):
    item = claim(store, worker)[0]
    made = Output(path="d/d/two.png", sha256="0" * 64, width=1, height=1, bytes=1)
    finish(store, item, Outcome(route="review", score=0.5, outputs=(made,)))
    held, start = lease(store, item.id, who="Ana"), threading.Barrier(2)

    def say(verdict):
        start.wait()
        judgement = Judgement(decision=verdict, who="Ana", why="x")
        try:
            return decide(store, item.id, judgement, held=Held(lease=held.token, seen=""))
        except DecidedError:
            return None

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(say, ("accept", "reject")))
    assert said.count(None) == 1


def test_lease_that_has_run_out_decides_nothing(store, worker, pictures):
    item = claim(store, worker)[0]
    made = Output(path="d/d/out.png", sha256="0" * 64, width=1, height=1, bytes=1)
    finish(store, item, Outcome(route="review", score=0.5, outputs=(made,)))
    held = lease(store, item.id, who="Ana", holder="key")
    with store.writing() as connection:
        past = held.until - timedelta(hours=1)
        connection.execute(update(leases).where(leases.c.item_id == item.id).values(until=past))
    judgement = Judgement(decision="accept", who="Ana", why="")
    with pytest.raises(LeasedError, match="no longer"):
        decide(store, item.id, judgement, held=Held(lease=held.token, seen=""))
    with pytest.raises(LeasedError, match="no longer"):
        check_lease(store, item.id, held.token)


def test_quota_is_charged_with_the_look_at_it_and_given_back(store):
    key = key_of(store, "charged", monthly_credits=2.0)
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: admit(store, key, 1.0, rate=None, credits=1.0), range(6)))
    assert [one.refused for one in said].count(None) == 2
    refund(store, key, 1.0, 1.0)
    assert spent_this_month(store, key).credits == 1.0
    assert admit(store, key, 1.0, rate=None, credits=1.0).refused is None
