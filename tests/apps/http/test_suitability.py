"""Evidence over HTTP: a job like others, its files, its owner, its bounds, its deadline."""

from __future__ import annotations

import io
import ipaddress
import json
import time

import av
import jsonschema_rs
import numpy as np
import pytest

from maskworks.apps.http.settings import Bounds, Fetching
from maskworks.scene.record import SuitabilityRecord

SAID = "1\n00:00:00,500 --> 00:00:01,500\nThe police found a rifle in the car.\n"
PLAIN = {"ocr": "false"}


@pytest.fixture(scope="session")
def clip():
    """Two seconds of grey that grows lighter, as MP4."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as out:
        video = out.add_stream("mpeg4", rate=8)
        video.width, video.height, video.pix_fmt = 160, 90, "yuv420p"
        for at in range(16):
            grey = np.full((90, 160, 3), 60 + 4 * at, np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        out.mux(video.encode())
    return stream.getvalue()


def ended(server, token, headers=None):
    until = time.monotonic() + 240
    while time.monotonic() < until:
        told = server.client.get(f"/v1/suitability/{token}", headers=headers).json()
        if told["state"] in ("done", "failed"):
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def files(clip, *more):
    return [("files", ("a.mp4", clip)), ("files", ("a.srt", SAID.encode())), *more]


def refused(server, files, data=None, status=400):
    answer = server.client.post("/v1/suitability", files=files, data=data or {})
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["message"]


def left(server):
    home = server.settings.data / "suitability"
    return sorted(path.name for path in home.iterdir()) if home.is_dir() else []


def test_a_job_assesses_its_clips_one_of_which_is_broken(starting, clip, receiver, root):
    loopback = (ipaddress.ip_network("127.0.0.1/32"),)
    server = starting(webhook_secret="sesame", fetching=Fetching(networks=loopback))
    address = f"http://127.0.0.1:{receiver.server_port}/hook"
    sent = files(clip, ("files", ("broken.mp4", b"this is no clip")))
    policy = b'name = "b"\ndate = 2026-11-30\n[[rules]]\nname = "all"\nrisk = "bsr002"\n'
    sent.append(("files", ("brand.toml", policy)))
    data = PLAIN | {"name": "Spring !", "purpose": "news", "webhook": address}
    answer = server.client.post("/v1/suitability", files=sent, data=data)
    assert answer.status_code == 202, answer.text
    token = answer.json()["job"]
    assert answer.headers["Location"] == f"/v1/suitability/{token}"
    told = ended(server, token)
    assert (told["state"], told["error"]) == ("done", None)
    assert told["name"].startswith("spring-")
    assert told["counts"] == {"pending": 0, "done": 1, "failed": 1}

    found = server.client.get(f"/v1/suitability/{token}/results").json()
    good, bad = found["results"]
    arms = next(each for each in good["categories"] if each["category"] == "arms")
    assert (arms["proposed_risk"], arms["rule"]) == ("bsr002", "all")
    assert arms["coverage"] == "text and sound only"
    assert (bad["status"], bad["categories"]) == ("failed", None)
    assert str(server.settings.data) not in json.dumps(found)

    record = server.client.get(next(o for o in good["outputs"] if o.endswith("suitability.json")))
    schema = json.loads((root / "docs/suitability.schema.json").read_text(encoding="utf-8"))
    jsonschema_rs.validator_for(schema).validate(record.json())
    assert SuitabilityRecord.model_validate(record.json()).context.purpose == "news"
    page = server.client.get(next(o for o in good["outputs"] if o.endswith("report.html")))
    assert "sandbox" in page.headers["Content-Security-Policy"]
    for path in ("../suitability-order.json", "../media/a.mp4", "manifest.jsonl", "a.mp4/x"):
        assert server.client.get(f"/v1/suitability/{token}/outputs/{path}").status_code == 404

    stream = server.client.get(f"/v1/suitability/{token}/events").text
    assert "event: ended" in stream
    until = time.monotonic() + 30
    while not receiver.got and time.monotonic() < until:
        time.sleep(0.05)
    (message,) = [json.loads(data) for _, data in receiver.got]
    assert (message["event"], message["job"]) == ("suitability.done", token)
    assert message["result"] == {"done": 1, "failed": 1}
    assert server.client.get("/v1/campaigns").json()["jobs"] == []
    assert server.client.get(f"/v1/campaigns/{token}").status_code == 404


def test_a_job_is_its_keys_alone(starting, clip):
    server = starting(require_keys=True)
    mine, other = ({"X-Api-Key": server.key("jobs", name=name)} for name in ("a", "b"))
    boss = {"X-Api-Key": server.key("admin", name="c")}
    cut = {"X-Api-Key": server.key("cut", name="d")}
    post = server.client.post
    assert post("/v1/suitability", files=files(clip), headers=cut).status_code == 403
    assert post("/v1/suitability", files=files(clip)).status_code == 401
    asked = post("/v1/suitability", files=files(clip), data=PLAIN, headers=mine)
    token = asked.json()["job"]
    for path in ("", "/results", "/events", "/outputs/index.html"):
        answer = server.client.get(f"/v1/suitability/{token}{path}", headers=other)
        assert answer.status_code == 404, path
    assert server.client.get("/v1/suitability", headers=other).json()["jobs"] == []
    for key in (mine, boss):
        (row,) = server.client.get("/v1/suitability", headers=key).json()["jobs"]
        assert row["job"] == token
    ended(server, token, mine)


def test_a_clip_is_charged_and_the_quota_holds(starting, clip):
    server = starting(require_keys=True)
    key = {"X-Api-Key": server.key("jobs", monthly_credits=1.0)}
    two = files(clip, ("files", ("b.mp4", clip)))
    answer = server.client.post("/v1/suitability", files=two, data=PLAIN, headers=key)
    assert answer.status_code == 402
    assert left(server) == []


@pytest.mark.parametrize(
    ("more", "data", "says"),
    [
        ([("files", ("x.exe", b"x"))], {}, "'x.exe' ends in none of"),
        ([("files", ("b.srt", SAID.encode()))], {}, "b.srt: no clip of that name"),
        ([("files", ("a.srt", SAID.encode()))], {}, "'a.srt' is there twice"),
        ([("files", ("p.toml", b"name ="))], {}, "policy.toml: cannot be read as TOML"),
        (
            [("files", ("p.toml", b'[[rules]]\ncategories = ["armz"]\n'))],
            {},
            "did you mean arms",
        ),
        ([], {"purpose": "newz"}, "did you mean news"),
        ([], {"language": "xx"}, "no term list for 'xx'"),
        ([], {"every_s": "0.01"}, "every_s must be a number from 0.2"),
        ([], {"every_s": "nan"}, "every_s must be a number from 0.2"),
        ([], {"ocr": "perhaps"}, "ocr must be true or false"),
        ([], {"purpos": "news"}, "'purpose' may be meant"),
        ([], {"webhook": "http://127.0.0.1/x"}, "sends no webhooks"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_kept(starting, clip, more, data, says):
    server = starting()
    told = refused(server, files(clip, *more), data)
    assert says in told
    assert str(server.settings.data) not in told
    assert left(server) == []


def test_without_a_clip_or_beyond_the_bounds_it_is_refused(starting, clip):
    server = starting(bounds=Bounds(campaign_bytes=200_000, clips=2))
    answer = server.client.post("/v1/suitability", json={"files": ["a.mp4"]})
    assert answer.status_code == 415
    assert "at least one clip" in refused(server, [("files", ("a.toml", b""))])
    many = [("files", (f"{n}.mp4", clip)) for n in range(3)]
    assert "more than 2 files" in refused(server, many, status=413)
    large = [("files", ("a.mp4", b"0" * 300_000))]
    assert "200,000 bytes" in refused(server, large, status=413)
    assert left(server) == []


def test_a_clip_beyond_its_time_is_ended_and_the_others_go_on(starting, clip):
    server = starting(bounds=Bounds(clip_seconds=0.2))
    answer = server.client.post("/v1/suitability", files=files(clip), data=PLAIN)
    told = ended(server, answer.json()["job"])
    assert told["counts"] == {"pending": 0, "done": 0, "failed": 1}
    found = server.client.get(f"/v1/suitability/{told['job']}/results").json()
    assert "takes longer than 0.2 s" in found["results"][0]["error"]


def test_a_stopped_service_leaves_its_job_to_the_next_one(starting, clip):
    server = starting()
    server.service.runner.stop(10)  # nothing runs here any more
    answer = server.client.post("/v1/suitability", files=files(clip), data=PLAIN)
    token = answer.json()["job"]
    assert answer.json()["counts"] == {"pending": 1, "done": 0, "failed": 0}
    server.stop()
    data = server.settings.data
    again = starting(data=data, database=f"sqlite:///{data}/service.db")
    assert ended(again, token)["counts"]["done"] == 1


def test_what_is_over_its_time_is_deleted(starting, clip):
    server = starting(retention_days=0.0)
    token = server.client.post("/v1/suitability", files=files(clip), data=PLAIN).json()["job"]
    ended(server, token)
    server.service.runner._sweep()
    assert left(server) == []
    assert server.client.get(f"/v1/suitability/{token}").status_code == 404
