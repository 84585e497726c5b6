from __future__ import annotations

import http.server
import ipaddress
import socket
import threading
import time

import pytest

from maskworks.apps.http.outbound import Reach
from maskworks.apps.http.settings import Fetching
from maskworks.core.errors import DownloadError

LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)


@pytest.fixture
def house():
    """A server of this house: /ok, /far sends on, /loop too, /large, /slow."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path
            if path in ("/loop", "/inside", "/file"):
                to = {"/loop": "/loop", "/inside": "http://10.0.0.1/", "/file": "file:///etc"}[path]
                self.send_response(302)
                self.send_header("Location", to)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(404 if path == "/none" else 200)
            self.end_headers()
            try:
                for _ in range(200 if path == "/slow" else 1):
                    self.wfile.write(b"x" * (5000 if path == "/large" else 2))
                    self.wfile.flush()
                    time.sleep(0.05 if path == "/slow" else 0)
            except OSError:
                pass  # hung up on

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_allowed_network_is_reached(house):
    assert Reach(networks=LOOPBACK).fetch(f"{house}/ok", most_bytes=10) == b"xx"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("/loop", "sent on more than 2 times", id="redirects"),
        pytest.param("/inside", "leads into a private network", id="redirect-inside"),
        pytest.param("/file", "does not begin with http", id="redirect-scheme"),
        pytest.param("/large", "more than 100 bytes", id="size"),
        pytest.param("/slow", r"longer than 1 s|breaks off", id="time"),
        pytest.param("/none", "answers with 404", id="status"),
    ],
)
def test_bounds_hold(house, path, message):
    began = time.monotonic()
    with pytest.raises(DownloadError, match=message):
        Reach(networks=LOOPBACK, redirects=2, seconds=1).fetch(f"{house}{path}", most_bytes=100)
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://10.1.2.3/",
        "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/", "http://[fe80::1]/", "http://[fd00::1]/",
        "http://2130706433/", "http://0x7f.1/", "http://100.64.0.1/", "http://224.0.0.1/",
        "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    ],
)  # fmt: skip
def test_house_itself_is_never_reached(url):
    with pytest.raises(DownloadError, match=r"private network|cannot be reached"):
        Reach(seconds=2).fetch(url, most_bytes=100)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://a/", "http://user:word@example.org/", "http:///x",
        "http://a b/", "http://example.org:99999/",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(DownloadError):
        Reach(seconds=2).fetch(url, most_bytes=100)


def test_name_is_resolved_once_so_that_it_cannot_change_its_mind(monkeypatch, house):
    answers = [("93.184.216.34", 80), ("127.0.0.1", 80)]
    asked = []

    def resolve(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers[len(asked) - 1])]

    reached = []

    def connect(address, timeout):
        reached.append(address)
        raise OSError("no way out of here")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(DownloadError, match="no way out"):
        Reach().fetch("http://rebind.example/a.png", most_bytes=10)
    assert (asked, reached) == (["rebind.example"], [("93.184.216.34", 80)])


def test_one_private_address_among_several_is_enough_to_refuse(monkeypatch):
    found = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(DownloadError, match="private network"):
        Reach().fetch("http://both.example/", most_bytes=10)


def test_picture_is_fetched_by_its_address_where_that_is_allowed(starting, photo, opened):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(photo.data)))
            self.end_headers()
            self.wfile.write(photo.data)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        server = starting(fetching=Fetching(allowed=True, networks=LOOPBACK))
        url = f"http://127.0.0.1:{listening.server_port}/a.png"
        ours = server.client.post("/v1/cutout", files={"image_url": (None, url)})
        theirs = server.client.post("/v1.0/removebg", json={"image_url": url})
        rembg = server.client.get("/api/remove", params={"url": url})
        behind = server.client.post("/v1.0/removebg", json={"image_url": url, "bg_image_url": url})
        listening.shutdown()
        thread.join()
    assert [opened(a.content).mode for a in (ours, theirs, rembg)] == ["RGBA"] * 3
    assert behind.headers["Content-Type"] == "image/jpeg", "nothing is clear: auto is JPEG"


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        pytest.param(socket.EAI_NONAME, False, id="no-such-name"),
        pytest.param(socket.EAI_AGAIN, True, id="resolver-is-away"),
    ],
)
def test_check_refuses_a_name_that_nobody_knows_and_waits_for_a_resolver(
    monkeypatch, found, passes
):
    def ask(*_, **__):
        raise socket.gaierror(found, "told by the resolver")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    if passes:
        Reach().check("https://example.org/hook")
    else:
        with pytest.raises(DownloadError, match="has a name that nobody knows"):
            Reach().check("https://example.org/hook")
