from __future__ import annotations

import socket
import threading
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.http.settings import Bounds
from maskworks.apps.http.work_queue import GoneError


@pytest.fixture
def abroad(starting):
    """A server that listens on every address, so that everybody needs a key."""
    return starting(host="0.0.0.0")


def test_beyond_loopback_everybody_needs_a_key(abroad, photo):
    files = {"image": photo.data}
    assert abroad.client.post("/v1/cutout", files=files).status_code == 401
    wrong = {"X-Api-Key": "mw_00000000_nothing"}
    assert abroad.client.post("/v1/cutout", files=files, headers=wrong).status_code == 403
    key = abroad.key("cut")
    for headers in ({"X-Api-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert abroad.client.post("/v1/cutout", files=files, headers=headers).status_code == 200
    assert abroad.client.get("/metrics").status_code == 401
    assert abroad.client.get("/metrics", headers={"X-Api-Key": key}).status_code == 403
    assert abroad.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Forwarded-For": "203.0.113.9"}, id="proxy"),
        pytest.param({"Forwarded": "for=203.0.113.9"}, id="proxy-too"),
        pytest.param({"Host": "rebound.example"}, id="rebound-name"),
        pytest.param({"Origin": "https://elsewhere.example"}, id="page-elsewhere"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
    ],
)
def test_loopback_alone_is_not_enough(server, photo, headers):
    answer = server.client.post("/v1/cutout", files={"image": photo.data}, headers=headers)
    assert answer.status_code == 401


def test_foreign_key_on_loopback_does_no_harm(server, photo):
    headers = {"X-Api-Key": "key-of-another-service"}
    answer = server.client.post("/v1.0/removebg", files={"image_file": photo.data}, headers=headers)
    assert answer.status_code == 200


def test_every_answer_protects(server):
    for path in ("/healthz", "/nowhere", "/review/login", "/static/review.js"):
        headers = server.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Content-Security-Policy" in headers
        assert len(headers["X-Request-Id"]) == 16
        assert "Access-Control-Allow-Origin" not in headers


def test_browsers_elsewhere_may_call_only_where_that_was_said(starting, server):
    ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    assert (
        "Access-Control-Allow-Origin"
        not in server.client.options("/v1/cutout", headers=ask).headers
    )
    open_to = starting(origins=("https://shop.example",))
    allowed = open_to.client.options("/v1/cutout", headers=ask).headers
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"


def test_full_house_gets_429_and_the_rest_is_served(starting, photo):
    server = starting(bounds=Bounds(places=2))
    statuses = []

    def call():
        answer = server.client.post("/v1/cutout", files={"image": photo.data})
        statuses.append((answer.status_code, answer.headers.get("Retry-After")))

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = [code for code, _ in statuses]
    assert set(codes) <= {200, 429}
    assert codes.count(200) >= 2
    assert all(after for code, after in statuses if code == 429)
    assert server.service.work_queue.taken == 0


@pytest.mark.parametrize("uploads", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_garbage_among_good_uploads_does_no_harm(server, photo, rng, uploads):
    good = []
    for number in range(uploads):
        kind = number % 6
        garbage = [
            rng.bytes(3000), photo.data[: 20 + number % 200], b"",
            b"\x89PNG\r\n\x1a\n" + rng.bytes(200), b"\xff\xd8\xff" + rng.bytes(500),
        ]  # fmt: skip
        data = photo.data if kind == 5 else garbage[kind]
        answer = server.client.post("/v1.0/removebg", files={"image_file": data})
        assert answer.status_code == (200 if kind == 5 else 400), (kind, answer.text)
        good += [answer.content] if kind == 5 else []
    assert len(good) == uploads // 6
    assert len(set(good)) == 1, "every good one is answered as if it were alone"
    assert server.client.get("/readyz").json()["taken"] == 0


def test_upload_that_never_ends_is_cut_off(starting):
    server = starting(bounds=Bounds(seconds=1))
    head = (
        "POST /v1/cutout HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
        plain.sendall(head.encode())
        assert b" 408 " in plain.recv(4096)


def test_work_for_a_caller_who_hangs_up_is_dropped(server, photo, monkeypatch):
    begun, dropped = threading.Event(), threading.Event()

    def slow(_data, _model, _way, _limits, ticket):
        begun.set()
        try:
            for _ in range(600):
                with ticket.step("cut"):
                    time.sleep(0.05)
        except GoneError:
            dropped.set()
            raise

    monkeypatch.setattr("maskworks.apps.http.routes.own.make", slow)
    body = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body += photo.data + b"\r\n--x--\r\n"
    head = (
        f"POST /v1/cutout HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
        plain.sendall(head.encode() + body)
        assert begun.wait(20)
    assert dropped.wait(20), "nobody waits for it any more"


def test_no_picture_stays_behind_after_the_answer(starting, rng, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    server = starting()
    pixels = rng.integers(0, 255, (1000, 1200, 3), np.uint8)
    pixels[300:700, 400:800] = 255
    written = BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    assert written.tell() > 2 << 20, "large enough to be kept on disk while it arrives"
    answer = server.client.post("/v1.0/removebg", files={"image_file": written.getvalue()})
    assert answer.status_code == 200
    assert list(scratch.rglob("*")) == []
    left = {path.name for path in server.settings.data.rglob("*") if path.is_file()}
    assert left <= {"service.db", "service.db-wal", "service.db-shm", "session.key"}


def test_log_has_no_names_and_no_queries(server, photo, caplog):
    with caplog.at_level("INFO", logger="maskworks.http"):
        files = {"image": ("secret-name.png", photo.data)}
        server.client.post("/v1/cutout?who=secret-query", files=files)
        until = time.monotonic() + 20  # the line is written after the answer is on its way
        while not (lines := [r.fields for r in caplog.records if hasattr(r, "fields")]):
            assert time.monotonic() < until, "no line was logged"
            time.sleep(0.01)
    assert {"request_id", "path", "status", "seconds"} <= set(lines[-1])
    assert "secret" not in str(lines)


def test_metrics_tell_of_requests_steps_routes_and_places(server, photo):
    server.client.post("/v1/cutout", files={"image": photo.data})
    text = server.client.get("/metrics").text
    assert 'maskworks_requests_total{path="/v1/cutout",status="200"}' in text
    assert 'maskworks_step_seconds_bucket{le="0.005",step="cut"}' in text
    assert "maskworks_routes_total{route=" in text
    assert "maskworks_queue_places 32.0" in text
    assert "process_resident_memory_bytes" in text
