"""A server as a process of its own under siege: it answers, holds its memory, loses no place."""

from __future__ import annotations

import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import hostile_pictures as hostile
import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

LONGEST_S = 0.5
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
REQUESTS = {
    "chunks": ("/v1/cutout", {"files": {"image": hostile.png_of_empty_chunks()}}),
    "profiles": ("/v1/cutout", {"files": {"image": hostile.png_of_profiles_that_inflate()}}),
    "markers": ("/v1.0/removebg", {"files": {"image_file": hostile.jpeg_of_markers()}}),
    "scans": ("/api/remove", {"files": {"file": hostile.jpeg_of_scans(450, side=3000)}}),
    "tags": ("/v1/matte", {"files": {"image": hostile.tiff_of_tags()}}),
    "exif": ("/v1/cutout", {"files": {"image": hostile.png_of_exif_tags()}}),
    "deep": ("/v1/cutout", {"content": b"[" * 20_000_000, "headers": JSON}),
    "keys": (
        "/v1/cutout",
        {"content": b"{" + b'"a":1,' * 3_000_000 + b'"b":1}', "headers": JSON},
    ),
    "text": ("/v1.0/removebg", {"content": b'{"a":"' + b"x" * 28_000_000 + b'"}', "headers": JSON}),
    "fields": ("/v1/cutout", {"content": b"a=1&" * 7_000_000, "headers": FORM}),
    "escapes": ("/v1/cutout", {"content": b"a=" + b"%41" * 9_000_000, "headers": FORM}),
    "login": ("/review/login", {"content": b"[" * 20_000_000, "headers": JSON}),
    "base64": (
        "/v1.0/removebg",
        {"content": b'{"image_file_b64":"' + b"A" * 28_000_000 + b'"}', "headers": JSON},
    ),
    "quotes": ("/v1/cutout", {"content": b'"' * 20_000_000, "headers": JSON}),
    "avif": ("/v1/cutout", {"files": {"image": hostile.avif_that_lies()}}),
    "parts": ("/v1/cutout", {"content": PART * 400_000, "headers": MULTIPART}),
    "names": ("/v1/segment", {"content": PART[:44] + b"a" * 20_000_000, "headers": MULTIPART}),
    "files": ("/v1/campaigns", {"files": [("pictures", ("a.png", b"no picture" * 400))] * 5000}),
    "tasks": (
        "/label-studio/predict",
        {"content": b'{"tasks":[' + b"{}," * 2_000_000 + b"{}]}", "headers": JSON},
    ),
    "strokes": ("/v1/campaigns", {"content": b'{"campaign":"x"}' + b" " * 60_000, "headers": JSON}),
}
WITHIN = {"avif", "exif", "scans"}
"""What no bound refuses: a picture comes of it where the machine is quick enough."""

CHEAP = {
    "chunks": ("/v1/cutout", {"files": {"image": hostile.png_of_empty_chunks(50_000)}}),
    "profiles": ("/v1/cutout", {"files": {"image": hostile.png_of_profiles_that_inflate(200)}}),
    "markers": ("/v1.0/removebg", {"files": {"image_file": hostile.jpeg_of_markers(50_000)}}),
    "scans": ("/api/remove", {"files": {"file": hostile.jpeg_of_scans(600, side=200)}}),
    "tags": ("/v1/matte", {"files": {"image": hostile.tiff_of_tags(1500, 10_000)}}),
    "cut-off": ("/v1/cutout", {"files": {"image": hostile.written("TIFF")[:2000]}}),
    "heic": ("/v1/cutout", {"files": {"image": hostile.written("HEIF")[:400]}}),
    "deep": ("/v1/cutout", {"content": b"[" * 500_000, "headers": JSON}),
    "text": ("/v1.0/removebg", {"content": b'{"size":"' + b"x" * 500_000 + b'"}', "headers": JSON}),
    "login": ("/review/login", {"content": b"[" * 500_000, "headers": JSON}),
    "name": ("/v1/campaigns", {"content": b'{"campaign":"../x"}', "headers": JSON}),
    "nowhere": ("/v1/campaigns/%2e%2e%2fservice.db", {"content": b""}),
}
"""Hostile requests of which hundreds are sent: small, and refused for the same reasons."""


class Besieged:
    """A server, its address and what it holds."""

    def __init__(self, process):
        self.process = process
        line = next(line for line in process.stderr if b"serves http" in line)
        self.url = re.search(rb"http://\S+", line)[0].decode()
        self.port = int(self.url.rpartition(":")[2])
        self._reading = threading.Thread(target=process.stderr.read, daemon=True)
        self._reading.start()

    def end(self):
        """Wait for the process's end; return its exit code."""
        code = self.process.wait(40)
        self._reading.join(10)
        for pipe in (self.process.stderr, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def resident_mb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def waited_s(self):
        """Seconds that each thread has waited for a processor: that is the machine's doing."""
        found = {}
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(OSError):
                found[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
        return found

    def stall_s(self):
        """Ask for /healthz; return the seconds it took, and those that were the server's doing.

        What its event loop waited for a processor is taken off, and what the one other thread
        that waited for longest did, which may have held the interpreter meanwhile.
        """
        before = self.waited_s()
        took = self.health_s()
        waited = {key: at - before.get(key, 0) for key, at in self.waited_s().items()}
        loop = waited.pop(str(self.process.pid), 0)
        return took, took - loop - max(waited.values(), default=0)

    def health_s(self):
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b" 200 " in connection.recv(4096)
        return time.perf_counter() - began


@pytest.fixture
def besieged(start, tmp_path):
    options = ("--port", 0, "--threads", 2, "--model", "bright", "--log-level", "error")
    server = Besieged(start("serve", "--data", tmp_path / "data", "--deadline", 20, *options))
    yield server
    server.process.terminate()
    server.end()


def each_alone(test):
    for kind in REQUESTS:
        test = example(kinds=[kind])(test)
    return test


@each_alone
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kinds=st.lists(st.sampled_from(sorted(REQUESTS)), min_size=1, max_size=4))
def test_no_request_stalls_the_loop_while_workers_are_busy(besieged, kinds):
    over = threading.Event()
    worst = []

    def ask():
        while not over.is_set():
            worst.append(besieged.stall_s())
            time.sleep(0.02)

    def send(kind):
        path, what = REQUESTS[kind]
        with httpx.Client(base_url=besieged.url, timeout=120) as client:
            return client.post(path, **what).status_code

    pulse = threading.Thread(target=ask)
    pulse.start()
    try:
        with ThreadPoolExecutor(len(kinds)) as pool:
            codes = list(pool.map(send, kinds))
    finally:
        over.set()
        pulse.join()
    for kind, code in zip(kinds, codes, strict=True):
        refused = 400 <= code < 600 and code != 500
        assert refused or (kind in WITHIN and code == 200), (kind, code)
    took, stall = (max(each) for each in zip(*worst, strict=True))
    sys.stdout.write(f"{kinds}: /healthz took {took:.2f} s, of these {stall:.2f} s ours\n")
    assert stall < LONGEST_S, (kinds, took, stall)


def test_two_thousand_good_and_hostile_requests(besieged, draw):
    good = draw().data
    rng = random.Random(24)
    before, failed = 0.0, []

    def call(number):
        with httpx.Client(base_url=besieged.url, timeout=120) as client:
            if number % 3:
                answer = client.post("/v1/cutout", files={"image": good})
                while answer.status_code == 429:
                    time.sleep(0.2)
                    answer = client.post("/v1/cutout", files={"image": good})
                return answer.status_code == 200
            path, what = CHEAP[rng.choice(sorted(CHEAP))]
            return client.post(path, **what).status_code in range(400, 500)

    with ThreadPoolExecutor(4) as pool:
        for first in range(0, 2000, 200):
            found = list(pool.map(call, range(first, first + 200)))
            failed += [first + n for n, fine in enumerate(found) if not fine]
            before = before or besieged.resident_mb()
    assert failed == []
    after = besieged.resident_mb()
    sys.stdout.write(f"{before:.0f} MB after 200 requests, {after:.0f} MB after 2,000\n")
    assert after < 1.1 * before
    with httpx.Client(base_url=besieged.url) as client:
        told = client.get("/readyz").json()
    assert (told["status"], told["taken"], told["overdue"]) == ("ready", 0, 0)


STUCK = """
import sys, time
from maskworks.apps.cli import main
from maskworks.apps.http import app, serving
from maskworks.apps.http.routes import own
app.STOP_S, serving.STOP_S, serving.LATEST_S = 1.0, 1.0, 3.0  # for 20 and 30
own.make = lambda *_: time.sleep(600)
sys.exit(main(sys.argv[1:]))
"""


def test_stop_ends_a_process_that_a_worker_keeps(home, tmp_path, draw):
    options = ["--port", "0", "--data", str(tmp_path / "data"), "--model", "bright"]
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, "serve", *options], stderr=subprocess.PIPE
    )
    server = Besieged(process)
    threading.Timer(2.0, process.terminate).start()
    with httpx.Client(base_url=server.url, timeout=60) as client, suppress(httpx.HTTPError):
        client.post("/v1/cutout", files={"image": draw().data})
    assert server.end() in (1, -signal.SIGTERM)
