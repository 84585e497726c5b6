"""A campaign on a Ray cluster: every item recorded once, whoever dies."""

from __future__ import annotations

import os
import signal
import threading
import warnings

import pytest

from maskworks.apps.cli import main
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.run.run import CampaignRun, RunListener, run_opened
from maskworks.studio.store import hold, list_campaigns, list_events, list_items, open_store, take

pytestmark = [  # Ray's own, of its own names and sockets
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ray = pytest.importorskip("ray")


def test_a_file_of_sqlite_is_refused_with_the_reason(small, capsys):
    code = main(["run", str(small.file), "--backend", "ray"])
    err = capsys.readouterr().err
    assert (code, "an SQLite file cannot be written from several machines" in err) == (2, True)
    assert "name a PostgreSQL database with `--database`" in err


def test_an_item_of_a_part_that_died_is_taken_again_and_the_dead_is_refused(small, cluster):
    """What two actors of one run see when Ray does an item again."""
    from maskworks.studio.store import ClaimLostError, NewItem, Outcome, add, finish, open_campaign

    with open_store(cluster.make()) as store:
        campaign = open_campaign(store, "c", currency="USD", settings="0" * 64)
        with hold(store, campaign) as worker:
            add(store, worker, [NewItem(source="a.jpg", content="1" * 64, settings="2" * 64)])
            (number,) = [one.id for one in list_items(store, campaign)]
            first, mine = take(store, worker, number)
            again, mine_too = take(store, worker, number)
            assert (mine, mine_too, again.claims) == (True, True, first.claims + 1)
            finish(store, again, Outcome(route="manual"))
            with pytest.raises(ClaimLostError):
                finish(store, first, Outcome(route="review"))
            seen, still = take(store, worker, number)
            assert (seen.route, still) == ("manual", False)


@pytest.mark.slow
def test_a_campaign_whose_worker_dies_is_recorded_once(small, cluster, ray_workers, monkeypatch):
    monkeypatch.setenv("RAY_worker_niceness", str(os.nice(0)))
    for number in range(8):
        small.draw(f"more{number}.png", (number * 25, 40, 90))
    url, done = cluster.make(), []

    def told(one):
        done.append(one.source)
        if len(done) == 4:
            os.kill(ray_workers()[0], signal.SIGKILL)

    with open_store(url) as store:
        run = CampaignRun(
            file=read_campaign(small.file),
            store=store,
            stop=threading.Event(),
            threads=2,
            backend="ray",
            database=url,
        )
        ended = run_opened(run, RunListener(done=told))
        campaign = list_campaigns(store)[0]
        routed = [e.item_id for e in list_events(store, campaign) if e.what == "routed"]
        items = {item.id for item in list_items(store, campaign)}
    assert (ended.left, len(done), len(set(done))) == (0, 13, 13)
    assert sorted(routed) == sorted(items), "each was recorded exactly once"
    small.check_whole()
    assert not ray.is_initialized()
