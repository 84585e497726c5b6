"""A producer's day with the campaign's record in PostgreSQL instead of a file beside it."""

from __future__ import annotations

import json
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.studio.store import hold, list_campaigns, list_events, list_items, open_store


@pytest.fixture
def url(cluster):
    return cluster.make()


@pytest.fixture
def say(capsys):
    """Call a command; return its exit code and what it printed on both streams."""

    def call(*words):
        code = main([*map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_whole_day_leaves_no_database_beside_the_campaign(small, url, say):
    assert say("run", small.file, "--database", url)[0] == 1  # one picture is corrupt
    small.check_whole()
    assert len(small.delivered()) == 5
    code, said, _ = say("run", small.file, "--database", url)
    assert (code, "nothing to do (5 done before)" in said) == (1, True)
    rejected = say("review", "reject", small.file, "c.png", "--why", "edge", "--database", url)
    assert rejected[0] == 0, rejected
    assert "plain/ffffff/c.png" not in {row["path"] for row in small.delivered()}
    with Image.open(small.draw("../back/c.png", (30, 120, 40))) as drawn:
        red = np.asarray(drawn)[..., 0]
    Image.fromarray(np.dstack([np.full((*red.shape, 3), 90, np.uint8), 255 - red])).save(
        small.path / "back/c.png"
    )
    back = say("ingest", small.path / "back", "--campaign", small.file, "--database", url)
    assert back[0] == 0, back
    small.check_whole()
    assert say("report", small.file, "--database", url)[0] == 0
    figures = json.loads((small.out / "report.json").read_text())
    assert figures["routes"] == {"deliver": 3, "review": 0, "manual": 1, "failed": 1}
    assert figures["cost"]["total"] == 2 * 3.40 + 22.00 + 22.50
    trail = say("audit", small.file, "--database", url)[1]
    assert "c.png: decided deliver -> manual (edge)" in trail
    assert not (small.path / "campaign.db").exists()


def test_address_may_come_from_the_environment(small, url, say, monkeypatch):
    monkeypatch.setenv("MASKWORKS_DATABASE", url)
    say("run", small.file)
    assert say("review", "list", small.file)[0] == 0
    assert not (small.path / "campaign.db").exists()
    with open_store(url, create=False) as store:
        (campaign,) = list_campaigns(store)
        assert len(list_items(store, campaign)) == 5
        assert [e.what for e in list_events(store, campaign)].count("routed") == 5


def test_second_run_is_refused_with_the_holder_s_name(small, url, say):
    say("run", small.file, "--database", url)
    with open_store(url) as store, hold(store, list_campaigns(store)[0]) as other:
        code, _, err = say("run", small.file, "--database", url)
    assert (code, f"is worked on by {other.name} since " in err) == (1, True)


def test_killed_runs_go_on_where_they_were(small, url, runners, tmp_path):
    """As on SQLite in test_killing.py, where the moments are many more."""

    log = tmp_path / "log"
    for number in range(8):
        small.draw(f"more{number}.png", (number * 25, 40, 90))
    pid = runners.start(small.file, log, "--database", url)
    until = time.monotonic() + 240  # of a busy machine
    while "deliver " not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    log.unlink()
    runners.start(small.file, log, "--database", url)
    while "exit " not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)
    small.check_whole()
    with open_store(url, create=False) as store:
        items = list_items(store, list_campaigns(store)[0])
    assert {item.state for item in items} == {"done"}
    assert len(items) == 13
