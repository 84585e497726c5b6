"""One caller who means harm, and one bad day: each attack with the bound that ends it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import hostile_pictures as hostile
import pytest

from maskworks.apps.http.access import auth_failed
from maskworks.apps.http.errors import ApiError, without_folders
from maskworks.apps.http.outbound import Reach, _look_up
from maskworks.apps.http.review.new_campaigns import photo_path, without_tail
from maskworks.apps.http.serving import let_in
from maskworks.apps.http.sessions import signing_key
from maskworks.apps.http.settings import Bounds, ServerSettings
from maskworks.apps.http.work_queue import Places, Threads, Ticket, Turns, WorkQueue
from maskworks.core import apart
from maskworks.core.deadline import go_on
from maskworks.core.errors import OutputError
from maskworks.studio.store import Filter, list_events, list_items, list_reviews
from maskworks.studio.store.events import verify_trail
from maskworks.studio.store.jobs import list_jobs
from maskworks.studio.store.usage import spent_this_month

HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n{more}\r\n"


def plain(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def answered(connection):
    """Return what comes until the other side closes or a whole head is there."""
    got = b""
    while b"\r\n\r\n" not in got and (piece := connection.recv(4096)):
        got += piece
    return got


class Pulse:
    """Asks for /healthz all the time; `worst` is the longest answer in seconds."""

    def __init__(self, server):
        self._server, self._over, self.worst, self.count = server, threading.Event(), 0.0, 0
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self):
        while not self._over.is_set():
            began = time.perf_counter()
            with plain(self._server) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert b" 200 " in answered(connection)
            self.worst = max(self.worst, time.perf_counter() - began)
            self.count += 1
            time.sleep(0.01)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(30)


# ---------------------------------------------------------------- headers and decoders


@pytest.mark.parametrize("name", ["png-of-empty-chunks", "jpeg-of-markers", "jpeg-of-scans"])
def test_costly_header_is_refused_off_the_loop(server, name):
    make, message = hostile.REFUSED[name]
    answer = server.client.post("/v1/cutout", files={"image": make()})
    assert answer.status_code == 422
    assert re.search(message, answer.json()["error"]["message"])
    ours = server.client.post("/v1.0/removebg", files={"image_file": make()})
    assert ours.status_code == 400
    assert server.service.work_queue.taken == 0


def test_header_is_read_within_the_deadline_and_on_a_thread_of_its_own(starting, monkeypatch):
    where = []

    def slow(_data, _limits):
        where.append(threading.current_thread().name)
        while True:
            go_on()
            time.sleep(0.01)

    monkeypatch.setattr("maskworks.apps.http.service.header_size", slow)
    server = starting(bounds=Bounds(seconds=1))
    answer = server.client.post("/v1/cutout", files={"image": hostile.written("PNG")})
    assert answer.status_code == 504
    assert where[0].startswith("header")
    assert server.client.get("/healthz").status_code == 200


def test_scans_within_the_bound_end_at_the_deadline_and_no_place_leaks(starting, photo):
    server = starting(bounds=Bounds(seconds=1))
    data = hostile.jpeg_of_scans(450, side=5000)
    answers = [server.client.post("/v1/cutout", files={"image": data}) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {504}
    until = time.monotonic() + 60
    while server.service.work_queue.taken:
        assert time.monotonic() < until, "a place has leaked"
        time.sleep(0.05)
    assert server.client.get("/readyz").json()["overdue"] == 0


def test_ready_tells_when_every_worker_is_past_its_deadline(starting):
    server = starting(bounds=Bounds(seconds=0.2))
    release = threading.Event()

    async def stick():
        async def never():
            return False

        await server.service.work_queue.run(lambda _: release.wait(30), Ticket(0.2), is_gone=never)

    loop = server.server.servers[0].get_loop()
    jobs = [
        asyncio.run_coroutine_threadsafe(stick(), loop)
        for _ in range(server.service.work_queue.workers)
    ]
    for job in jobs:
        with pytest.raises(ApiError, match="run out"):
            job.result(20)
    answer = server.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "stuck")
    release.set()
    until = time.monotonic() + 20
    while server.client.get("/readyz").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_stop_is_bounded_whatever_a_worker_does():
    async def main():
        work_queue, release = WorkQueue(1, 4), threading.Event()

        async def never():
            return False

        running = asyncio.create_task(
            work_queue.run(lambda _: release.wait(60), Ticket(60), is_gone=never)
        )
        await asyncio.sleep(0.05)
        done = await work_queue.close(within_s=0.1)
        release.set()
        await running
        return done

    assert asyncio.run(main()) is False


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize("path", ["/review/login", "/review/logout"])
def test_login_takes_no_large_body_from_anybody(server, path):
    with plain(server) as connection:
        kind = "Content-Type: application/json\r\n"
        connection.sendall(HEAD.format(path=path, size=29_000_000, more=kind).encode())
        told = answered(connection)
    assert b" 413 " in told if path.endswith("in") else b" 401 " in told


def test_login_counts_what_has_no_length(server):
    more = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    head = HEAD.format(path="/review/login", size=0, more=more).replace("Content-Length: 0\r\n", "")
    with plain(server) as connection:
        connection.sendall(head.encode())
        with suppress(OSError):
            for _ in range(100):
                connection.sendall(b"4000\r\n" + b"[" * 0x4000 + b"\r\n")
        assert b" 413 " in answered(connection)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        pytest.param(b"[" * 100_000, "application/json", "nested more than", id="deep"),
        pytest.param(
            b'{"a":[' + b"1," * 500_000 + b"1]}", "application/json", "commas", id="many"
        ),
        pytest.param(
            b"&".join(b"a%d=1" % n for n in range(5000)),
            "application/x-www-form-urlencoded", "more than 100 fields", id="fields",
        ),
        pytest.param(
            b"a=" + b"%41" * 2_000_000,
            "application/x-www-form-urlencoded", "bytes of text", id="escapes",
        ),
    ],
)  # fmt: skip
def test_body_is_bounded_by_what_it_is_made_of(server, body, kind, message):
    headers = {"Content-Type": kind}
    answer = server.client.post("/v1/cutout", content=body, headers=headers)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_brackets_inside_a_text_are_no_nesting(server):
    body = json.dumps({"image_url": '["' * 100 + "\\" * 50})
    answer = server.client.post(
        "/v1/cutout", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.json()["error"]["code"] == "urls_not_allowed"


@pytest.mark.parametrize("path", ["/v1/cutout", "/v1/campaigns"])
def test_body_that_trickles_is_cut_off(starting, path):
    server = starting(bounds=Bounds(pause_seconds=0.5, bytes_per_second=1000))
    more = "Content-Type: multipart/form-data; boundary=x\r\n"
    with plain(server) as connection:
        connection.sendall(HEAD.format(path=path, size=1_000_000, more=more).encode())
        connection.sendall(b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"')
        connection.sendall(b"\r\n\r\n")
        with suppress(OSError):
            for _ in range(40):
                connection.sendall(b"a")
                time.sleep(0.1)
        assert b" 408 " in answered(connection)
    assert server.service.work_queue.taken == server.service.uploads.taken == 0


def test_one_key_never_has_every_place():
    places = Places(4)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(places.take("one"))
        with pytest.raises(ApiError, match="every place"), places.take("one"):
            pass
        stack.enter_context(places.take("two"))
        with pytest.raises(ApiError, match="every place"), places.take("three"):
            pass
    assert places.taken == 0
    with places.take("one"):
        assert places.taken == 1


def test_slow_upload_of_a_campaign_takes_no_place_of_a_picture(starting, photo):
    server = starting(bounds=Bounds(places=1))
    more = "Content-Type: multipart/form-data; boundary=x\r\n"
    with plain(server) as connection:
        connection.sendall(HEAD.format(path="/v1/campaigns", size=1000, more=more).encode())
        until = time.monotonic() + 20
        while not server.service.uploads.taken:
            assert time.monotonic() < until
            time.sleep(0.01)
        answer = server.client.post("/v1/cutout", files={"image": photo.data})
        assert answer.status_code == 200


# ---------------------------------------------------------------- who is let in


@pytest.mark.parametrize(
    "name",
    ["Via", "X-Forwarded-Host", "X-Forwarded-Proto", "CF-Connecting-IP", "True-Client-IP",
     "X-Real-IP", "X-Client-IP", "Forwarded"],
)  # fmt: skip
def test_what_a_proxy_adds_ends_the_trust_in_this_machine(server, photo, name):
    answer = server.client.post("/v1/cutout", files={"image": photo.data}, headers={name: "1"})
    assert answer.status_code == 401


def test_http_1_0_counts_as_a_proxy(server):
    with plain(server) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 401 " in answered(connection)


def test_keys_may_be_required_of_everybody(starting, photo):
    server = starting(require_keys=True)
    files = {"image": photo.data}
    assert server.client.post("/v1/cutout", files=files).status_code == 401
    headers = {"X-Api-Key": server.key("cut")}
    assert server.client.post("/v1/cutout", files=files, headers=headers).status_code == 200
    assert server.client.post("/review/login", data={"who": "Ana"}).status_code == 403
    assert let_in(server.settings) == "every caller needs a key"
    assert "no key and may do everything" in let_in(ServerSettings())


@pytest.mark.parametrize("headers", [{"Host": "[::1"}, {"Origin": "http://[::1"}])
def test_malformed_host_or_origin_is_no_mistake_of_ours(server, headers):
    answer = server.client.get("/v1/models", headers=headers)
    assert answer.status_code == 401


def test_mistake_of_ours_is_told_with_its_number_and_protected(server, photo, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("maskworks.apps.http.routes.own.make", broken)
    answer = server.client.post("/v1/cutout", files={"image": photo.data})
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] == answer.json()["error"]["request_id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "secret" not in answer.text


# ---------------------------------------------------------------- pools and addresses


def test_slow_hosts_stop_nothing_else(starting, photo):
    server = starting()
    release = threading.Event()
    loop = server.server.servers[0].get_loop()
    waiting = [
        asyncio.run_coroutine_threadsafe(server.service.fetches.run(release.wait, 60), loop)
        for _ in range(32)
    ]
    time.sleep(0.1)
    headers = {"X-Api-Key": server.key("cut")}
    answer = server.client.post("/v1/cutout", files={"image": photo.data}, headers=headers)
    assert answer.status_code == 200
    more = asyncio.run_coroutine_threadsafe(server.service.fetches.run(release.wait, 60), loop)
    with pytest.raises(ApiError, match="every place"):
        more.result(20)
    release.set()
    assert all(one.result(20) for one in waiting)


def test_threads_free_their_room_whatever_happens():
    async def main():
        threads = Threads("t", 1, 2)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await threads.run(lambda: 1 / 0)
        return await threads.run(lambda: "done")

    assert asyncio.run(main()) == "done"


def test_name_is_resolved_within_the_time(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(30))
    with pytest.raises(TimeoutError, match="not resolved in time"):
        _look_up("slow.example", 80, 0.1)
    release.set()


@pytest.mark.parametrize(
    "address",
    ["fec0::1", "3fff::1", "192.88.99.1", "64:ff9b:1::a00:1", "5f00::1", "::ffff:0:a00:1",
     "::7f00:1", "2002:7f00:1::", "100::1", "198.18.0.1", "0.0.0.0", "240.0.0.1"],
)  # fmt: skip
def test_special_address_is_never_reached(address):
    assert not Reach().allows(ipaddress.ip_address(address))


# ---------------------------------------------------------------- campaigns and what is kept


def test_campaign_and_improve_are_charged_and_bounded(starting, draw, photo):
    server = starting()
    secret = server.key("jobs", "cut", monthly_credits=3.0)
    headers = {"X-Api-Key": secret}
    files = [("pictures", (f"p{n}.png", draw(60, 80).data)) for n in range(3)]
    too_many = [*files, ("pictures", ("p9.png", draw(60, 80).data))]
    refused = server.client.post("/v1/campaigns", files=too_many, headers=headers)
    assert refused.status_code == 402
    assert list(server.service.campaigns.folder.glob("*")) == []
    assert server.client.post("/v1/campaigns", files=files, headers=headers).status_code == 202
    improve = server.client.post("/v1.0/improve", files={"image_file": photo.data}, headers=headers)
    assert improve.status_code == 402


@pytest.mark.parametrize(
    ("path", "name"), [("/v1/campaigns", "pictures"), ("/v1.0/improve", "image_file")]
)
def test_pictures_of_campaigns_and_improve_count_in_the_rate(starting, photo, path, name):
    server = starting()
    headers = {"X-Api-Key": server.key("jobs", "cut", megapixels_per_minute=0.02)}
    files = {name: ("a.png", photo.data)}  # 0.0192 megapixels
    answers = [server.client.post(path, files=files, headers=headers) for _ in range(4)]
    assert answers[0].status_code in (200, 202)
    assert 429 in {answer.status_code for answer in answers}, "a minute turns once, not three times"


def test_data_folder_is_bounded(starting, photo, draw):
    server = starting(bounds=Bounds(data_bytes=100_000))
    big = hostile.written("PNG", (400, 400))
    files = [("pictures", ("p.png", big))] * 3
    answer = server.client.post("/v1/campaigns", files=files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "data_full")
    assert list(server.service.campaigns.folder.glob("*/photos/*")) == []


def test_disk_keeps_some_room_for_everybody_else(starting, draw, monkeypatch):
    server = starting()
    left = 200 << 20  # of the 256 MB that stay free
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=left))
    answer = server.client.post("/v1/campaigns", files={"pictures": ("p.png", draw(60, 80).data)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "data_full")


def test_picture_of_a_campaign_that_never_ends_costs_itself_alone(starting, draw, monkeypatch):
    """Its decoder is stopped, as one that never comes back would be."""
    ask = apart.Helper.ask

    def stopped(helper, head, *parts, most_bytes):
        os.kill(helper._process.pid, signal.SIGSTOP)
        return ask(helper, head, *parts, most_bytes=most_bytes)

    monkeypatch.setattr(apart.Helper, "ask", stopped)
    monkeypatch.setattr("maskworks.studio.report.thumbnails._SECONDS", 0.5)
    server = starting(bounds=Bounds(picture_seconds=8))
    slow = ("slow.tif", hostile.written("TIFF"))
    files = [("pictures", each) for each in (slow, ("a.png", draw(60, 80).data))]
    token = server.client.post("/v1/campaigns", files=files).json()["job"]
    until = time.monotonic() + 120
    while (told := server.client.get(f"/v1/campaigns/{token}").json())["state"] != "done":
        assert time.monotonic() < until, told
        time.sleep(0.1)
    assert told["counts"]["failed"] == 1
    items = server.client.get(f"/v1/campaigns/{token}/items").json()["items"]
    assert [(i["source"], "takes longer than 8 s" in str(i["error"])) for i in items] == [
        ("a.png", False),
        ("slow.tif", True),
    ]


def test_form_has_so_many_files_and_no_more(starting, draw):
    server = starting(bounds=Bounds(campaign_pictures=2))
    files = [("pictures", (f"p{n}.png", draw(60, 80).data)) for n in range(3)]
    answer = server.client.post("/v1/campaigns", files=files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_many_files")


def test_what_hides_behind_a_picture_is_not_kept(starting):
    server = starting()
    picture = hostile.written("JPEG")
    hidden = picture + os.urandom(20_000)
    for path, name in (("/v1/campaigns", "pictures"), ("/v1.0/improve", "image_file")):
        answer = server.client.post(path, files={name: ("a.jpg", hidden)})
        assert answer.status_code == 422, answer.text
        assert "behind the end" in answer.text
    assert list(server.service.campaigns.folder.rglob("*.jpg")) == []
    assert without_tail(picture + picture * 9) == picture  # a telephone's gain map
    film = b"\0\0\0\x18ftypmp42" + bytes(9000)
    assert without_tail(picture + film) == picture
    assert without_tail(picture + b"few") == picture + b"few"


def test_long_name_fits_into_what_a_file_system_takes(tmp_path):
    path = photo_path(tmp_path, "\N{SNOWMAN}" * 200 + ".jpg", set())
    assert len(path.name.encode()) <= 255
    path.parent.mkdir()
    path.touch()


def test_quota_holds_for_many_requests_at_once(starting, photo):
    server = starting()
    headers = {"X-Api-Key": server.key("cut", monthly_credits=2.0)}

    def call(_):
        answer = server.client.post("/v1/cutout", files={"image": photo.data}, headers=headers)
        return answer.status_code

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(call, range(6)))
    assert codes == [200, 200, 402, 402, 402, 402]


def test_what_comes_of_nothing_is_not_charged(starting, monkeypatch, photo):
    server = starting()
    headers = {"X-Api-Key": server.key("cut", monthly_credits=2.0)}

    def refused(*_):
        raise auth_failed("no")

    with monkeypatch.context() as patch:
        patch.setattr("maskworks.apps.http.routes.own.make", refused)
        for _ in range(5):
            server.client.post("/v1/cutout", files={"image": photo.data}, headers=headers)
    from maskworks.studio.store.keys import list_keys

    (key,) = list_keys(server.service.store)
    assert spent_this_month(server.service.store, key).credits == 0
    answer = server.client.post("/v1/cutout", files={"image": photo.data}, headers=headers)
    assert answer.status_code == 200


def test_folder_of_the_data_is_closed_to_others(starting):
    server = starting()
    assert server.settings.data.stat().st_mode & 0o007 == 0


# ---------------------------------------------------------------- reviewers


def test_key_stands_behind_the_name_and_takes_over_only_its_own(reviewed, sit_down):
    server = reviewed.server
    ana, ben = (server.key("review", name=name) for name in ("ana", "ben"))
    with (
        sit_down(server, "spring", who="Ana", key=ana) as one,
        sit_down(server, "spring", who="Ana", key=ben) as other,
        sit_down(server, "spring", who="Ana [00000000]") as keyless,
    ):
        number = one.items()[0]["id"]
        lease = one.take(number)
        assert other.post(number, "lease").status_code == 409
        assert keyless.post(number, "lease").status_code == 409
        assert one.post(number, "lease").status_code == 200
        lease = one.take(number)
        assert one.post(number, "decide", verdict="accept", lease=lease).status_code == 200
        second = keyless.items()[0]["id"]
        keyless.post(second, "decide", verdict="accept", lease=keyless.take(second))
    prefix = ana.split("_")[1]
    who = [review.who for review in list_reviews(reviewed.store, reviewed.campaign)]
    assert who == [f"Ana [{prefix}]", "Ana (00000000)"]
    assert list_events(reviewed.store, reviewed.campaign)[-2].who == f"Ana [{prefix}]"
    (chain,) = verify_trail(reviewed.store, reviewed.campaign)
    assert chain.wrong is None


def test_two_decisions_at_one_instant_are_one(reviewed, sit_down):
    with sit_down(reviewed.server, "spring") as ana:
        for number in [row["id"] for row in ana.items()][:3]:
            lease, start = ana.take(number), threading.Barrier(2)

            def decide(verdict, number=number, lease=lease, start=start):
                start.wait()
                return ana.post(number, "decide", verdict=verdict, why="x", lease=lease)

            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(decide, ("accept", "reject")))
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            kept = next(
                i for i in list_items(reviewed.store, reviewed.campaign, Filter()) if i.id == number
            )
            winner = next(a for a in answers if a.status_code == 200).json()["decision"]
            assert kept.decision == winner


def test_key_of_sessions_that_a_full_disk_cut_off_signs_nothing(tmp_path, monkeypatch):
    """Anybody can sign with an empty one."""
    (tmp_path / "session.key").write_bytes(b"")
    with pytest.raises(OutputError, match=r"session.key: has 0 bytes of 32.*delete it"):
        signing_key(tmp_path)
    (tmp_path / "session.key").unlink()
    assert signing_key(tmp_path) == signing_key(tmp_path)
    assert (tmp_path / "session.key").stat().st_mode & 0o077 == 0


def test_session_is_over_after_logging_out(reviewed, sit_down):
    with sit_down(reviewed.server, "spring") as ana:
        cookie = ana.client.cookies["maskworks_session"]
        ana.client.post("/review/logout", data={"csrf": ana.csrf})
        headers = {"Cookie": f"maskworks_session={cookie}"}
        again = reviewed.server.client.get(f"{ana.base}/items", headers=headers)
    assert again.status_code == 401


def test_one_after_the_other_for_each_thing():
    turns, inside, most = Turns(), [0], [0]

    def work(_):
        with turns("a"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.002)
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert most == [1]
    assert turns._turns == {}


# ---------------------------------------------------------------- retention, connections


def test_what_uploads_left_behind_goes_and_what_stays_is_told(starting, draw, monkeypatch, caplog):
    server = starting(retention_days=0.0, retention_names=True)
    home = server.service.campaigns.folder
    for name in (".incoming-0011", "without-a-job"):
        (home / name / "photos").mkdir(parents=True)
        os.utime(home / name, (1, 1))
    answer = server.client.post("/v1/campaigns", files={"pictures": ("secret.png", draw().data)})
    token = answer.json()["job"]
    until = time.monotonic() + 60
    while server.client.get(f"/v1/campaigns/{token}").json()["state"] != "done":
        assert time.monotonic() < until
        time.sleep(0.05)
    whole = shutil.rmtree
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda path, **_: None)
        server.service.runner._sweep()
    assert "could not be deleted" in caplog.text
    assert [job.token for job in list_jobs(server.service.store)] == [token]
    assert shutil.rmtree is whole
    campaign = server.service.campaigns.find(answer.json()["name"]).campaign
    server.service.runner._sweep()
    assert list(home.iterdir()) == []
    assert list_jobs(server.service.store) == []
    (item,) = list_items(server.service.store, campaign, Filter())
    assert item.source == f"deleted-{item.id}"
    (chain,) = verify_trail(server.service.store, campaign)
    assert (chain.wrong, chain.events) == (None, 2)


def is_closed(connection):
    """Say whether the other side has ended a connection without a word."""
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


def test_connection_that_never_says_what_it_wants_is_closed(starting):
    server = starting(bounds=Bounds(header_seconds=0.3))
    with plain(server) as silent, plain(server) as slow:
        slow.sendall(b"GET /healthz HT")
        assert is_closed(silent)
        assert is_closed(slow)


def test_second_request_of_a_connection_has_its_time_too(starting):
    server = starting(bounds=Bounds(header_seconds=0.3))
    with plain(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 200 " in answered(connection)
        connection.sendall(b"GET /healthz HT")
        while (piece := connection.recv(4096)) and b"ok" in piece:
            pass  # the rest of the first answer
        assert piece == b""


def test_connection_that_says_nothing_more_is_closed(starting):
    server = starting(bounds=Bounds(header_seconds=600))
    server.server.config.timeout_keep_alive = 0.3  # for 15
    with plain(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 200 " in answered(connection)
        with suppress(ConnectionResetError):
            while connection.recv(4096):
                pass  # the rest of the answer


def test_connections_are_bounded(starting):
    server = starting(bounds=Bounds(connections=3))
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(plain(server))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b" 200 " in answered(connection)
        assert is_closed(stack.enter_context(plain(server)))
    until = time.monotonic() + 20
    while True:
        with plain(server) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            try:
                if b" 200 " in answered(connection):
                    return
            except ConnectionResetError:
                pass
        assert time.monotonic() < until, "the places of closed connections have leaked"


def test_caller_who_never_reads_the_answer_is_let_go(starting, monkeypatch):
    monkeypatch.setattr("maskworks.apps.http.connections.ANSWER_S", 0.3)
    server = starting()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        until, closed = time.monotonic() + 60, False
        with suppress(OSError):
            connection.settimeout(0.2)
            for _ in range(400):  # far more answers than lie in buffers on the way
                connection.sendall(ask)
        while not closed and time.monotonic() < until:
            time.sleep(0.05)
            closed = not server.server.server_state.connections
        assert closed, "it holds its connection for ever"


@pytest.mark.parametrize(
    ("chunk", "ends"),
    [pytest.param(1, "closed", id="crumbs"), pytest.param(1000, "answered", id="pieces")],
)
def test_body_in_crumbs_ends_its_connection(server, chunk, ends):
    head = HEAD.format(path="/v1/cutout", size="", more="Transfer-Encoding: chunked\r\n")
    head = head.replace("Content-Length: \r\n", "Content-Type: application/json\r\n")
    piece = f"{chunk:x}\r\n".encode() + b" " * chunk + b"\r\n"
    with plain(server) as connection:
        connection.sendall(head.encode())
        with suppress(OSError):
            connection.sendall(piece * (400_000 // len(piece)) + b"0\r\n\r\n")
        got = b""
        with suppress(ConnectionResetError):
            got = answered(connection)
    assert (b" 400 " in got) == (ends == "answered"), got


def test_events_have_places_of_their_own(starting, draw):
    server = starting(bounds=Bounds(streams=1))
    token = server.client.post("/v1/campaigns", files={"pictures": draw().data}).json()["job"]
    url = f"/v1/campaigns/{token}/events"
    with server.service.streams.take(None):
        assert server.client.get(url).status_code == 429
    assert "event: ended" in server.client.get(url).text
    until = time.monotonic() + 20  # the last event is read before its place is given back
    while server.service.streams.taken:
        assert time.monotonic() < until, "the place of a stream that ended has leaked"
        time.sleep(0.01)


@pytest.mark.parametrize("number", ["99999999999999999999", "-1", "9" * 5000])
def test_number_that_no_picture_has_is_no_mistake_of_ours(reviewed, sit_down, number):
    with sit_down(reviewed.server, "spring") as desk:
        for what in ("photo", "matte"):
            answer = desk.client.get(f"{desk.base}/items/{number}/{what}")
            assert answer.status_code in (404, 422), answer.text
        assert desk.post(number, "lease").status_code in (404, 422)
    after = reviewed.server.client.get("/v1/campaigns/none/items", params={"after": "9" * 50})
    assert after.status_code == 404


def test_pages_for_anybody_wait_for_no_database(server, monkeypatch):
    """Whoever has no key takes none of the threads that look keys up."""

    def forbidden(*_, **__):
        raise AssertionError("on a thread of the database")

    monkeypatch.setattr("asyncio.to_thread", forbidden)
    for path in ("/", "/docs", "/docs", "/healthz", "/readyz", "/openapi.json"):
        answer = server.client.get(path)
        assert answer.status_code == 200, path


def test_messages_name_no_folder():
    said = without_folders("cannot write /srv/maskworks data/a b/x.png: full; see /etc/motd")
    assert said == "cannot write x.png: full; see motd"
