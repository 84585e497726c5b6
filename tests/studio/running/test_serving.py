"""Two server processes on one PostgreSQL: no job is run twice, none is lost when one is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskworks.studio.store import Filter, list_campaigns, list_events, list_items, open_store

pytest.importorskip("fastapi", reason="pip install 'maskworks[serve]' for the tests of the service")


class Served:
    """A `maskworks serve` of its own process."""

    def __init__(self, folder, url):
        command = [sys.executable, "-m", "maskworks.apps.cli", "serve", "--port", "0"]
        command += ["--data", str(folder), "--database", url, "--model", "cutout-fast"]
        self.process = subprocess.Popen(
            [*command, "--threads", "1"], stderr=subprocess.PIPE, text=True
        )
        line = ""
        while "serves http" not in line:
            line = self.process.stderr.readline()
            assert line, "the server has ended"
        self.url = line.split()[2]
        self.process.stderr.close()

    def ask(self, path, data=None, kind=""):
        request = urllib.request.Request(f"{self.url}{path}", data)
        if kind:
            request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def campaign(self, pictures):
        """Ask for a campaign of so many pictures; return its token."""
        parts = []
        for number in range(pictures):
            written = BytesIO()
            pixels = np.full((60, 80, 3), 240, np.uint8)
            pixels[15:45, 20 + number : 60] = (200, 30, number)
            Image.fromarray(pixels).save(written, "PNG")
            head = (
                f'--x\r\nContent-Disposition: form-data; name="pictures"; filename="{number}.png"'
            )
            parts.append(head.encode() + b"\r\n\r\n" + written.getvalue() + b"\r\n")
        body = b"".join(parts) + b"--x--\r\n"
        return self.ask("/v1/campaigns", body, "multipart/form-data; boundary=x")["job"]


@pytest.fixture
def serve(cluster, tmp_path):
    """A function that starts a server on the one database and folder."""
    url, running = cluster.make(), []

    def start():
        running.append(Served(tmp_path / "data", url))
        return running[-1]

    start.url = url
    yield start
    for one in running:
        one.process.terminate()
    for one in running:
        one.process.wait(30)


def wait_for(server, tokens, seconds=100):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told = [server.ask(f"/v1/campaigns/{token}") for token in tokens]
        if all(one["state"] in ("done", "failed") for one in told):
            return told
        time.sleep(0.2)
    raise AssertionError(told)


def check_once(url, campaigns, pictures):
    with open_store(url) as store:
        found = list_campaigns(store)
        assert len(found) == campaigns
        for campaign in found:
            done = list_items(store, campaign, Filter(states=["done"]))
            assert len(done) == pictures
            routed = [e.item_id for e in list_events(store, campaign) if e.what == "routed"]
            assert sorted(routed) == sorted(item.id for item in done)


@pytest.mark.slow
def test_jobs_are_shared_and_none_is_run_twice(serve):
    one, two = serve(), serve()
    tokens = [server.campaign(2) for server in (one, two, one, two)]
    assert {told["state"] for told in wait_for(two, tokens)} == {"done"}
    check_once(serve.url, campaigns=4, pictures=2)


@pytest.mark.slow
def test_nothing_is_lost_when_a_server_is_killed_in_the_middle(serve):
    one = serve()
    token = one.campaign(30)
    until = time.monotonic() + 60
    while one.ask(f"/v1/campaigns/{token}")["counts"].get("pending", 30) > 25:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait(10)
    told = wait_for(serve(), [token])[0]
    assert told["state"] == "done"
    assert sum(told["counts"][route] for route in ("deliver", "review", "manual", "failed")) == 30
    check_once(serve.url, campaigns=1, pictures=30)
