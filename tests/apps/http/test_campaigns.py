from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import time

import pytest

from maskworks.apps.http.settings import Fetching


def ended(server, token, headers=None):
    """Wait for a job's end and return what is told of it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = server.client.get(f"/v1/campaigns/{token}", headers=headers).json()
        if told["state"] in ("done", "failed"):
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def pictures(draw, count):
    return [
        ("pictures", (f"p{n}.png", draw(60, 80, (15, 20, 45, 60), level=200 + n).data))
        for n in range(count)
    ]


def test_campaign_runs_and_its_pictures_can_be_fetched(starting, draw, opened):
    server = starting()
    answer = server.client.post(
        "/v1/campaigns", files=pictures(draw, 3), data={"name": "Spring !", "deliver_at": "0"}
    )
    assert answer.status_code == 202
    token = answer.json()["job"]
    assert answer.headers["Location"] == f"/v1/campaigns/{token}"
    told = ended(server, token)
    assert told["state"] == "done", told["error"]
    assert told["name"].startswith("spring-")
    numbers = told["counts"]
    assert numbers["deliver"] + numbers["review"] + numbers["failed"] == 3
    listed = server.client.get(f"/v1/campaigns/{token}/items", params={"limit": 2}).json()
    assert [item["source"] for item in listed["items"]] == ["p0.png", "p1.png"]
    rest = server.client.get(f"/v1/campaigns/{token}/items", params={"after": listed["next"]})
    assert [item["source"] for item in rest.json()["items"]] == ["p2.png"]
    made = server.client.get(listed["items"][0]["outputs"][0])
    assert opened(made.content).format in ("PNG", "JPEG")
    elsewhere = server.client.get(f"/v1/campaigns/{token}/outputs/../campaign.toml")
    assert elsewhere.status_code == 404
    encoded = server.client.get(f"/v1/campaigns/{token}/outputs/..%2Fcampaign.toml")
    assert encoded.status_code == 404


def test_campaign_that_the_operator_named_is_run_by_its_name(starting, campaign_folder, tmp_path):
    server = starting(campaigns=(campaign_folder,), database=f"sqlite:///{tmp_path}/all.db")
    answer = server.client.post("/v1/campaigns", json={"campaign": "spring"})
    assert answer.status_code == 202, answer.text
    assert ended(server, answer.json()["job"])["counts"]["review"] == 4
    unknown = server.client.post("/v1/campaigns", json={"campaign": "autumn"})
    assert unknown.status_code == 404


def test_campaign_with_a_database_of_its_own_is_not_run_over_http(reviewed):
    refused = reviewed.server.client.post("/v1/campaigns", json={"campaign": "spring"})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "own_database"


def test_events_tell_the_progress_and_the_end(starting, draw):
    server = starting()
    token = server.client.post("/v1/campaigns", files=pictures(draw, 2)).json()["job"]
    with server.client.stream("GET", f"/v1/campaigns/{token}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in stream.iter_lines() if line.startswith("event:")]
    assert lines[0] == "event: progress"
    assert lines[-1] == "event: ended"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"preset": "/etc/passwd"}, "no preset is named", id="preset"),
        pytest.param({"background": "bg.jpg"}, "is not a colour", id="background"),
        pytest.param({"deliver_at": "7"}, "deliver_at must be", id="share"),
        pytest.param({"currency": "GOLD"}, "ISO 4217", id="currency"),
        pytest.param({"webhook": "https://a/b"}, "sends no webhooks", id="webhook"),
        pytest.param({"model": "none-such"}, "no model is named", id="model"),
    ],
)
def test_wrong_order_leaves_nothing_behind(server, draw, fields, message):
    folder = server.service.campaigns.folder
    before = set(folder.glob("*")) if folder.exists() else set()
    answer = server.client.post("/v1/campaigns", files=pictures(draw, 1), data=fields)
    assert message in answer.json()["error"]["message"]
    assert set(folder.glob("*")) | set(folder.glob(".*")) == before


def test_webhook_is_signed_and_tried_again(starting, draw, receiver, monkeypatch):
    monkeypatch.setattr("maskworks.studio.store.jobs.BACKOFF_S", (0.1, 0.1, 0.1))
    loopback = (ipaddress.ip_network("127.0.0.1/32"),)
    server = starting(webhook_secret="sesame", fetching=Fetching(networks=loopback))
    receiver.answers[:] = [500, 503]
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    answer = server.client.post("/v1/campaigns", files=pictures(draw, 1), data={"webhook": url})
    token = answer.json()["job"]
    ended(server, token)
    until = time.monotonic() + 20
    while len(receiver.got) < 3:
        assert time.monotonic() < until, receiver.got
        time.sleep(0.05)
    headers, data = receiver.got[-1]
    seconds, sealed = (part.split("=")[1] for part in headers["X-Maskworks-Signature"].split(","))
    ours = hmac.new(b"sesame", f"{seconds}.".encode() + data, hashlib.sha256).hexdigest()
    assert sealed == ours
    assert json.loads(data)["job"] == token
    assert [h["X-Maskworks-Attempt"] for h, _ in receiver.got] == ["1", "2", "3"]
    told = webhook_in(server, token, "delivered")
    assert told == {"state": "delivered", "attempts": 3, "error": None, "next_at": None}


def webhook_in(server, token, state):
    """Return what a job says of its webhook once that is in a state."""
    until = time.monotonic() + 20
    while (told := server.client.get(f"/v1/campaigns/{token}").json()["webhook"])["state"] != state:
        assert time.monotonic() < until, told
        time.sleep(0.05)
    return told


def test_webhook_that_fails_stands_in_the_job_and_in_the_log(
    starting, draw, receiver, monkeypatch, caplog
):
    monkeypatch.setattr("maskworks.studio.store.jobs.BACKOFF_S", (0.1,))
    loopback = (ipaddress.ip_network("127.0.0.1/32"),)
    server = starting(webhook_secret="sesame", fetching=Fetching(networks=loopback))
    receiver.answers[:] = [500, 503]
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    with caplog.at_level("WARNING", logger="maskworks.http"):
        answer = server.client.post("/v1/campaigns", files=pictures(draw, 1), data={"webhook": url})
        assert answer.json()["webhook"]["state"] == "waiting"
        token = answer.json()["job"]
        told = webhook_in(server, token, "failed")
    assert told == {
        "state": "failed", "attempts": 2, "error": "answered with 503", "next_at": None,
    }  # fmt: skip
    lines = [(r.message, r.fields) for r in caplog.records if "webhook" in r.message]
    assert [line for line, _ in lines] == ["webhook failed", "webhook given up"]
    assert [fields["error"] for _, fields in lines] == ["answered with 500", "answered with 503"]
    assert {fields["job"] for _, fields in lines} == {token}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("http://127.0.0.1:9/x", "leads into a private network", id="loopback"),
        pytest.param("https://10.1.2.3/x", "leads into a private network", id="private"),
        pytest.param("https://93.184.216.34:8443/x", "port 8443 is not allowed", id="port"),
        pytest.param("ftp://example.org/x", "does not begin with http", id="scheme"),
        pytest.param("https:///x", "has no host", id="host"),
        pytest.param("https://me:pw@example.org/x", "a user's name", id="user"),
    ],
)
def test_webhook_that_can_never_be_reached_is_refused_at_once(starting, draw, url, message):
    server = starting(webhook_secret="sesame")
    answer = server.client.post("/v1/campaigns", files=pictures(draw, 1), data={"webhook": url})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_webhook"
    assert message in answer.json()["error"]["message"]
    assert server.client.get("/v1/campaigns").json() == {"jobs": []}


def test_job_is_seen_by_its_own_key_only(starting, draw):
    server = starting()
    mine, other = ({"X-Api-Key": server.key("jobs", name=n)} for n in ("mine", "other"))
    token = server.client.post("/v1/campaigns", files=pictures(draw, 1), headers=mine).json()["job"]
    assert server.client.get(f"/v1/campaigns/{token}", headers=mine).status_code == 200
    assert server.client.get(f"/v1/campaigns/{token}", headers=other).status_code == 404
    assert server.client.get("/v1/campaigns", headers=other).json() == {"jobs": []}
    cutter = {"X-Api-Key": server.key("cut", name="cutter")}
    assert server.client.get("/v1/campaigns", headers=cutter).status_code == 403


def test_improve_goes_to_review(starting, photo):
    server = starting()
    answer = server.client.post(
        "/v1.0/improve",
        files={"image_file": ("../x.png", photo.data)},
        data={"tag": "hair & fur"},
    )
    assert len(answer.json()["id"]) == 16
    token = server.client.get("/v1/campaigns").json()["jobs"][0]["job"]
    assert ended(server, token)["counts"]["review"] == 1
    item = server.client.get(f"/v1/campaigns/{token}/items").json()["items"][0]
    assert item["source"] == f"hair-fur/{answer.json()['id']}-x.png"


def test_finished_campaigns_are_deleted_after_their_time(starting, draw):
    server = starting(retention_days=0.0)
    token = server.client.post("/v1/campaigns", files=pictures(draw, 1)).json()["job"]
    ended(server, token)
    server.service.runner._sweep()
    assert list(server.service.campaigns.folder.glob("*/photos/*")) == []
    assert server.client.get(f"/v1/campaigns/{token}").status_code == 404


@pytest.fixture
def tenants(starting, draw, photo):
    """A server with a campaign of the key `mine`, and a picture in `improve`; its keys."""
    server = starting()
    keys = {
        "mine": {"X-Api-Key": server.key("jobs", "cut", name="mine")},
        "other": {"X-Api-Key": server.key("jobs", name="other")},
        "reviewer": {"X-Api-Key": server.key("jobs", "review", name="reviewer")},
        "admin": {"X-Api-Key": server.key("admin", name="admin")},
    }
    told = server.client.post("/v1/campaigns", files=pictures(draw, 1), headers=keys["mine"]).json()
    ended(server, told["job"])
    files = {"image_file": photo.data}
    assert server.client.post("/v1.0/improve", files=files, headers=keys["mine"]).status_code == 200
    return server, keys, told["name"]


@pytest.mark.parametrize(
    ("who", "whose", "status"),
    [
        pytest.param("other", "improve", 404, id="improve"),
        pytest.param("mine", "improve", 404, id="improve-by-who-gave-to-it"),
        pytest.param("other", "mine", 404, id="another-key's"),
        pytest.param("mine", "mine", 202, id="own"),
        pytest.param("reviewer", "improve", 202, id="improve-by-a-reviewer"),
        pytest.param("reviewer", "mine", 404, id="another-key's-by-a-reviewer"),
        pytest.param("admin", "mine", 202, id="another-key's-by-admin"),
    ],
)
def test_nobody_reads_pictures_of_another_key(tenants, who, whose, status):
    server, keys, name = tenants
    wanted = name if whose == "mine" else "improve"
    answer = server.client.post("/v1/campaigns", json={"campaign": wanted}, headers=keys[who])
    assert answer.status_code == status, answer.text
    jobs = server.client.get("/v1/campaigns", headers=keys["other"]).json()
    assert jobs == {"jobs": []}, "the other key has no job at all"


def test_operators_campaign_is_everybodys_and_its_jobs_are_not(starting, campaign_folder, tmp_path):
    server = starting(campaigns=(campaign_folder,), database=f"sqlite:///{tmp_path}/all.db")
    tokens = []
    for name in ("one", "two"):
        headers = {"X-Api-Key": server.key("jobs", name=name)}
        answer = server.client.post("/v1/campaigns", json={"campaign": "spring"}, headers=headers)
        assert answer.status_code == 202
        tokens.append(answer.json()["job"])
        seen = server.client.get("/v1/campaigns", headers=headers).json()["jobs"]
        assert [job["job"] for job in seen] == [tokens[-1]], "each has a job of its own"
    assert len(set(tokens)) == 2


@pytest.mark.parametrize("harm", ["mistake", "gone", "database"])
def test_broken_campaign_takes_no_other_with_it(starting, campaign_folder, draw, sit_down, harm):
    server = starting(campaigns=(campaign_folder,))
    broken = campaign_folder / "campaign.toml"
    if harm == "mistake":
        broken.write_text("[campaign]\nname = 7\n")
    elif harm == "gone":
        broken.rename(campaign_folder / "elsewhere.toml")
    else:
        broken.with_suffix(".db").write_bytes(b"no database" * 100)
    answer = server.client.post("/v1/campaigns", files=pictures(draw, 1))
    assert answer.status_code == 202, answer.text
    assert ended(server, answer.json()["job"])["state"] == "done"
    named = server.client.post("/v1/campaigns", json={"campaign": "spring"})
    assert named.status_code == 404
    with sit_down(server, answer.json()["name"]) as desk:
        page = desk.client.get("/review").text
    assert "It cannot be used." in page
    assert "spring" in page
    for text in (answer.text, named.text, page):
        assert str(campaign_folder.parent) not in text, "nobody is told of folders"
