"""`maskworks.client` against the real service on 127.0.0.1, both ways of waiting."""

from __future__ import annotations

import asyncio
import socket
from typing import get_type_hints

import pytest
from PIL import Image

from maskworks.apps.http.settings import Bounds
from maskworks.client import AsyncClient, Client, Retrying, ServiceError, answers, calls
from maskworks.core.errors import MaskworksError, UnreadableError, UsageError


@pytest.fixture
def client(server):
    with Client(server.url) as made:
        yield made


def both(server, call, **options):
    """What a call answers to the client that waits, and to the one of asyncio."""
    with Client(server.url, **options) as made:
        return made.send(call), asyncio.run(_sent(server, call, **options))


def fits(record, kind):
    """Whether a record has exactly the members of a type, those within it too."""
    if not hasattr(kind, "__required_keys__"):
        return True
    hints = get_type_hints(kind)
    assert set(record) == set(hints), kind.__name__
    return all(fits(record[name], hints[name]) for name in hints if record[name])


def test_removebgs_call_answers_a_picture(server, photo, opened):
    for found in both(server, calls.removebg(photo.data, size="regular", format="png")):
        assert found.media_type == "image/png"
        assert opened(found.content).mode == "RGBA"


def test_path_name_and_bytes_are_the_same_upload(client, photo, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(photo.data)
    ways = (path, str(path), photo.data, ("photo.png", photo.data))
    found = {client.send(calls.cutout(each)).content for each in ways}
    assert len(found) == 1


def test_cutout_comes_with_what_is_thought_of_it(client, photo, tmp_path):
    found = client.send(calls.cutout(photo.data, format="webp"))
    assert (found.media_type, found.route) in {("image/webp", r) for r in ("deliver", "review")}
    assert found.confidence is None or 0 <= found.confidence <= 1
    with Image.open(found.save(tmp_path / "cut.webp")) as picture:
        assert picture.size == (160, 120)


def test_records_have_the_members_of_their_types(server, photo):
    for told in both(server, calls.cutout_json(photo.data)):
        assert fits(told, answers.OpinionAnswer)
    for told in both(server, calls.segment_json(photo.data)):
        assert fits(told, answers.SegmentsAnswer)
        assert told["segments"][0]["rle"]["size"] == [120, 160]
    with Client(server.url) as client:
        assert fits(client.send(calls.list_models()), answers.ModelsAnswer)
        assert fits(client.send(calls.account()), answers.AccountAnswer)
        assert fits(client.send(calls.healthz()), answers.HealthAnswer)
        assert client.send(calls.metrics()).startswith("# HELP")


def test_campaign_is_run_followed_and_fetched(client, photo, opened):
    job = client.send(
        calls.run_campaign([("a.png", photo.data), ("b.png", photo.data)], name="spring")
    )
    assert fits(job, answers.JobAnswer)
    events = list(client.follow(calls.follow_job(job["job"])))
    assert events[-1].name == "ended"
    assert client.send(calls.get_job(job["job"]))["state"] == "done"
    page = client.send(calls.list_items(job["job"], limit=1))
    assert fits(page, answers.ItemsAnswer)
    assert page["items"][0]["source"].endswith("a.png")
    rest = client.send(calls.list_items(job["job"], after=page["next"]))
    assert [each["source"][-5:] for each in rest["items"]] == ["b.png"]
    outputs = [path for each in (*page["items"], *rest["items"]) for path in each["outputs"]]
    before = f"/v1/campaigns/{job['job']}/outputs/"
    made = client.send(calls.get_output(job["job"], outputs[0].removeprefix(before)))
    assert opened(made.content).size


def test_campaign_is_followed_from_asyncio(server, photo):
    async def names():
        async with AsyncClient(server.url) as client:
            job = await client.send(calls.run_campaign([("a.png", photo.data)]))
            return [each.name async for each in client.follow(calls.follow_job(job["job"]))]

    assert asyncio.run(names())[-1] == "ended"


def test_evidence_of_a_picture_is_asked_for_and_read(client, photo):
    job = client.send(calls.assess_clips([("still.png", photo.data)], ocr=False, purpose="news"))
    assert fits(job, answers.SuitabilityJobAnswer)
    events = list(client.follow(calls.follow_clip_job(job["job"])))
    assert events[-1].name == "ended"
    found = client.send(calls.get_evidence(job["job"]))
    assert [each["source"] for each in found["results"]] == ["still.png"]
    assert job["job"] in {each["job"] for each in client.send(calls.list_clip_jobs())["jobs"]}


WAITS = []


class Recorded(Retrying):
    """Writes down how long it would wait, and does not."""

    def wait_s(self, status, headers, tried, waited_s):
        wait = super().wait_s(status, headers, tried, waited_s)
        if wait is None:
            return None
        assert wait == float(headers["Retry-After"])
        WAITS.append(wait)
        return 0.0


def test_call_beyond_the_rate_is_sent_again_as_often_as_is_asked(starting, draw):
    server = starting(require_keys=True, bounds=Bounds(megapixels_per_minute=1.0))
    call = calls.cutout(draw(900, 1000, (30, 40, 90, 120)).data, edges="off")
    WAITS.clear()
    with Client(server.url, key=server.key("cut"), retrying=Recorded(times=2)) as client:
        client.send(call)
        with pytest.raises(ServiceError, match=r"^429 rate_limit_exceeded: more than 1 mega"):
            client.send(call)
    assert len(WAITS) == 2
    assert all(1 <= each <= 62 for each in WAITS)


@pytest.mark.parametrize(
    ("headers", "tried", "waited", "wait"),
    [
        pytest.param({"retry-after": "7"}, 1, 0.0, 7.0, id="seconds"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1, 0.0, 0.0, id="past-date"),
        pytest.param({"retry-after": "soon"}, 3, 0.0, 4.0, id="neither-doubles"),
        pytest.param({}, 1, 0.0, 1.0, id="nothing-said"),
        pytest.param({"retry-after": "7"}, 5, 0.0, 7.0, id="last"),
        pytest.param({"retry-after": "7"}, 6, 0.0, None, id="one-too-many"),
        pytest.param({"retry-after": "7"}, 2, 114.0, None, id="too-long-in-all"),
    ],
)
def test_wait_is_what_the_service_says(headers, tried, waited, wait):
    assert Retrying().wait_s(429, headers, tried, waited) == wait


def test_nothing_but_429_is_sent_again():
    found = {Retrying().wait_s(status, {}, 1, 0.0) for status in (200, 400, 500, 502, 503, 504)}
    assert found == {None}


class Leaving(Retrying):
    """Frees the one place of the service instead of waiting for it to be freed."""

    def wait_s(self, status, headers, tried, waited_s):
        wait = super().wait_s(status, headers, tried, waited_s)
        if wait is None:
            return None
        assert wait == float(headers["Retry-After"])
        FULL.pop().__exit__(None, None, None)
        return 0.0


FULL = []


def test_full_service_is_asked_again_and_answers(starting, photo, tmp_path):
    server = starting(bounds=Bounds(places=1))
    path = tmp_path / "photo.png"
    path.write_bytes(photo.data)  # a file is sent anew, from its beginning
    for send in (_sent, None):
        FULL.append(server.service.work_queue._held.take(None))
        FULL[0].__enter__()
        if send is None:
            with Client(server.url, retrying=Leaving()) as client:
                found = client.send(calls.cutout(path))
        else:
            found = asyncio.run(_sent(server, calls.cutout(path), retrying=Leaving()))
        assert found.media_type == "image/png"
        assert FULL == []


@pytest.mark.parametrize("asynchronous", [False, True])
def test_refusal_is_an_error_with_its_word_and_number(server, photo, asynchronous):
    call = calls.cutout(photo.data, model="no-such-model")
    with pytest.raises(ServiceError, match=r"no-such-model.*\(request \w+\)") as caught:
        asyncio.run(_sent(server, call)) if asynchronous else both(server, call)
    assert (caught.value.status, caught.value.reason) == (404, "unknown-model")
    assert isinstance(caught.value, MaskworksError)


async def _sent(server, call, **options):
    async with AsyncClient(server.url, **options) as made:
        return await made.send(call)


def test_refusal_of_removebgs_interface_is_read_as_well(client):
    with pytest.raises(ServiceError) as caught:
        client.send(calls.removebg())
    assert (caught.value.status, caught.value.reason) == (400, "missing_source")


def test_refused_stream_is_an_error(client):
    with pytest.raises(ServiceError, match=r"^404"):
        list(client.follow(calls.follow_job("none")))


def test_service_that_is_not_there_is_said():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (
        Client(address) as client,
        pytest.raises(ServiceError, match=f"{address} does not answer .*maskworks serve") as caught,
    ):
        client.send(calls.healthz())
    assert caught.value.status == 0


def test_file_that_is_not_there_is_said(client, tmp_path):
    with pytest.raises(UnreadableError, match=r"none\.png: No such file"):
        client.send(calls.cutout(tmp_path / "none.png"))


def test_client_without_httpx_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(UsageError, match=r"needs httpx.*\[client\]"):
        Client()
