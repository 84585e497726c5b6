"""Servers as processes of their own: two on one PostgreSQL, and one that is killed with -9."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskworks.studio.output_folder import FOLDERS
from maskworks.studio.store import (
    Filter,
    deliverables,
    list_campaigns,
    list_events,
    list_items,
    open_store,
)
from maskworks.studio.store.events import verify_trail

pytest.importorskip("fastapi", reason="the extra serve is not installed")

IMPATIENT = """
import sys
from maskworks.apps.cli import main
from maskworks.apps.http import runner
from maskworks.studio.store import jobs
runner._BEAT_S, jobs.SILENT_S = 0.2, 2.0  # for 5 and 30: nobody wants to wait for them here
sys.exit(main(sys.argv[1:]))
"""
PICTURES = 6


class Server:
    def __init__(self, *options, program=("-m", "maskworks.apps.cli")):
        command = [sys.executable, *program, "serve", "--port", "0", "--threads", "1"]
        command += ["--model", "cutout", "--log-level", "error", *map(str, options)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        line = next(line for line in self.process.stderr if b"serves http" in line)
        self.url = line.split()[2].decode()

    def call(self, path, data=None):
        request = urllib.request.Request(f"{self.url}{path}", data)
        if data is not None:
            request.add_header("Content-Type", "multipart/form-data; boundary=x")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def campaign(self, seed):
        """Ask for a campaign; return its token."""
        return self.call("/v1/campaigns", pictures(seed))["job"]

    def counts(self, token):
        return self.call(f"/v1/campaigns/{token}")["counts"]

    def end(self, sign):
        if self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait(60)
        self.process.stderr.close()


@pytest.fixture
def serving():
    """A function that starts a server."""
    running = []

    def begin(*options, **how):
        running.append(Server(*options, **how))
        return running[-1]

    yield begin
    for one in running:
        one.end(signal.SIGKILL)


def pictures(seed):
    """The body of a new campaign."""
    rows, columns = np.mgrid[0:90, 0:120]
    body = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ncutout\r\n'
    for number in range(PICTURES):
        pixels = np.full((90, 120, 3), 240, np.uint8)
        pixels[np.hypot(rows - 45, columns - 60) < 30] = (40, 10 * number, 40 * seed)
        written = BytesIO()
        Image.fromarray(pixels).save(written, "PNG")
        name = f'name="pictures"; filename="p{number}.png"'
        head = f"--x\r\nContent-Disposition: form-data; {name}\r\n\r\n"
        body += head.encode() + written.getvalue() + b"\r\n"
    return body + b"--x--\r\n"


def wait(condition):
    until = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.1)


def are_done(server, tokens):
    told = [server.call(f"/v1/campaigns/{token}") for token in tokens]
    assert [one["error"] for one in told if one["state"] == "failed"] == []
    return {one["state"] for one in told} == {"done"}


def assert_every_picture_was_made_once(database, data, campaigns):
    with open_store(database, create=False) as store:
        found = list_campaigns(store)
        assert len(found) == campaigns
        for campaign in found:
            items = list_items(store, campaign, Filter())
            assert [item.state for item in items] == ["done"] * PICTURES
            routed = Counter(e.item_id for e in list_events(store, campaign) if e.what == "routed")
            assert routed == Counter(item.id for item in items)
            made = deliverables(store, campaign, route=None)
            out = data / "campaigns" / campaign.name / f"{campaign.name}-out"
            for one in made:
                written = (out / FOLDERS[one.route] / one.output.path).read_bytes()
                assert hashlib.sha256(written).hexdigest() == one.output.sha256
            assert {one.item_id for one in made} == set(routed)
            assert not list(out.rglob("*.tmp"))


def test_two_servers_on_one_database_run_no_job_twice(serving, cluster, tmp_path):
    database, data = cluster.make(), tmp_path / "data"
    options = ("--database", database, "--data", data)
    servers = [serving(*options), serving(*options)]
    tokens = [servers[n % 2].campaign(n) for n in range(3)]
    wait(lambda: are_done(servers[0], tokens))
    assert are_done(servers[1], tokens)
    for server in servers:
        server.end(signal.SIGTERM)
    assert_every_picture_was_made_once(database, data, 3)


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("sqlite", id="start-again"),
        pytest.param("postgresql", id="the-other", marks=pytest.mark.slow),
    ],
)
def test_killed_server_loses_nothing(serving, tmp_path, request, where):
    data = tmp_path / "data"
    database = data / "service.db"
    if where == "postgresql":
        database = request.getfixturevalue("cluster").make()
    options = ("--database", database, "--data", data)
    first = serving(*options)
    tokens = [first.campaign(n) for n in range(2)]
    wait(lambda: sum(first.counts(tokens[0]).get(r, 0) for r in FOLDERS) >= 1)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(20)
    other = serving(*options, program=("-c", IMPATIENT))
    wait(lambda: are_done(other, tokens))
    other.end(signal.SIGTERM)
    assert_every_picture_was_made_once(database, data, 2)


UNDYING = IMPATIENT.replace("2.0  #", "2.0; jobs.MOST_ATTEMPTS = 99  #")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_ten_kills_of_a_server_lose_nothing(serving, tmp_path, request, where):
    data, dice = tmp_path / "data", random.Random(24)
    database = data / "service.db"
    if where == "postgresql":
        database = request.getfixturevalue("cluster").make()
    options = ("--database", database, "--data", data)
    first = serving(*options, program=("-c", UNDYING))
    tokens = [first.campaign(n) for n in range(3)]
    server = first
    for _ in range(10):
        time.sleep(dice.uniform(0.2, 2.5))
        server.end(signal.SIGKILL)
        server = serving(*options, program=("-c", UNDYING))
    wait(lambda: are_done(server, tokens))
    server.end(signal.SIGTERM)
    assert_every_picture_was_made_once(database, data, 3)
    with open_store(database, create=False) as store:
        assert {one.wrong for one in verify_trail(store)} == {None}
