"""The review page without a browser: who may what, and what follows for store and files."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.dashboard import days_of
from maskworks.apps.http.review.reports import Reports
from maskworks.apps.http.review.strokes import read_strokes
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.store import Filter, list_items, list_reviews
from maskworks.studio.store.reviewing import matte_versions


@pytest.fixture
def ana(reviewed, sit_down):
    with sit_down(reviewed.server, "spring") as opened:
        yield opened


def item(reviewed, number):
    store, campaign = reviewed.store, reviewed.campaign
    return next(i for i in list_items(store, campaign, Filter()) if i.id == number)


def test_queue_is_sorted_and_filtered(ana):
    scores = [row["score"] for row in ana.items()]
    assert len(scores) == 4
    assert scores == sorted(scores)
    assert [row["id"] for row in ana.items(order="number")] == sorted(r["id"] for r in ana.items())
    assert [row["source"] for row in ana.items(sku="p2")] == ["p2.png"]
    assert ana.items(reason="none-such") == []


def test_accepting_delivers_the_file(ana, reviewed):
    number = ana.items()[0]["id"]
    answer = ana.post(number, "decide", verdict="accept", lease=ana.take(number))
    assert answer.json() == {"route": "deliver", "decision": "accept"}
    assert item(reviewed, number).decision == "accept"
    assert len(list((reviewed.out / "deliver").rglob("*.*"))) == 1
    assert list_reviews(reviewed.store, reviewed.campaign)[-1].who == "Ana"
    assert number not in [row["id"] for row in ana.items()]
    assert [row["id"] for row in ana.items(done="1")] == [number]


def test_rejecting_needs_a_reason_and_undo_brings_it_back(ana, reviewed):
    number = ana.items()[0]["id"]
    lease = ana.take(number)
    silent = ana.post(number, "decide", verdict="reject", lease=lease)
    assert "say what is wrong" in silent.json()["error"]["message"]
    done = ana.post(number, "decide", verdict="reject", why="hair", lease=lease)
    assert done.json() == {"route": "manual", "decision": "reject"}
    back = ana.post(number, "undo", lease=ana.take(number), seen="reject")
    assert back.json() == {"route": "review", "decision": None}
    assert item(reviewed, number).decision is None
    assert len(list((reviewed.out / "review").rglob("*.*"))) == 4


def test_two_people_never_have_one_picture(ana, reviewed, sit_down):
    number = ana.items()[0]["id"]
    lease = ana.take(number)
    with sit_down(reviewed.server, "spring", who="Ben") as ben:
        refused = ben.post(number, "lease")
        assert refused.status_code == 409
        assert "Ana has this picture open" in refused.json()["error"]["message"]
        stolen = ben.post(number, "decide", verdict="accept", lease="guessed")
        assert stolen.status_code == 409
        assert next(row for row in ben.items() if row["id"] == number)["leased"] == "Ana"
        ana.post(number, "release", lease=lease)
        assert ben.post(number, "lease").status_code == 200


def test_decision_is_never_overwritten_by_somebody_who_does_not_know_of_it(ana, reviewed, sit_down):
    number = ana.items()[0]["id"]
    with sit_down(reviewed.server, "spring", who="Ben") as ben:
        ana.post(number, "decide", verdict="accept", lease=ana.take(number))
        assert number not in ben.standing()["waiting"]
        lease = ben.take(number)
        late = ben.post(number, "decide", verdict="reject", why="hair", lease=lease)
        assert late.status_code == 409
        assert "Ana has accepted it" in late.json()["error"]["message"]
        late = ben.post(number, "fix", strokes=[], lease=lease)
        assert late.status_code == 409
        assert item(reviewed, number).decision == "accept"
        told = ben.post(number, "lease", lease=lease).json()
        assert (told["decision"], told["decided"]) == ("accept", "Ana has accepted it")
        knowing = {"verdict": "reject", "why": "hair", "seen": told["decision"]}
        assert ben.post(number, "decide", lease=lease, **knowing).status_code == 200
    stale = ana.post(number, "undo", lease=ana.take(number), seen="accept")
    assert "Ben has rejected it" in stale.json()["error"]["message"]


def test_page_loaded_earlier_is_told_who_has_what(ana, reviewed):
    first, second = (row["id"] for row in ana.items()[:2])
    ana.take(first)
    assert ana.standing()["leased"] == {str(first): "Ana"}
    assert second in ana.standing()["waiting"]


def test_fix_makes_a_new_matte_and_delivers(ana, reviewed):
    number = next(row["id"] for row in ana.items() if row["source"] == "p1.png")
    stroke = {"kind": "add", "points": [[20, 20], [60, 20]], "size": 20, "soft": 0}
    lease = ana.take(number)
    assert ana.post(number, "draft", strokes=[stroke], lease=lease).json() == {"kept": 1}
    assert ana.post(number, "lease", lease=lease).json()["draft"][0]["points"][0] == [20, 20]
    shown = ana.post(number, "preview", strokes=[stroke])
    assert np.asarray(Image.open(BytesIO(shown.content)))[20, 40] == 255
    done = ana.post(number, "fix", strokes=[stroke], refine=False, lease=lease)
    assert done.json() == {"route": "deliver", "decision": "accept"}, done.text
    version = matte_versions(reviewed.store, number)[0]
    with Image.open(reviewed.out / version.path) as drawn:
        alpha = np.asarray(drawn)
    assert alpha[20, 40] == 255
    assert alpha[100, 5] == 0
    assert item(reviewed, number).route == "deliver"
    assert ana.post(number, "lease").json()["draft"] == []


def test_click_takes_the_thing_that_was_pointed_at(ana, reviewed):
    number = ana.items()[0]["id"]
    before = ana.post(number, "preview", strokes=[])
    click = {"kind": "background", "points": [[80, 60]]}
    after = ana.post(number, "preview", strokes=[click])
    grey = [np.asarray(Image.open(BytesIO(a.content))).astype(int) for a in (before, after)]
    assert grey[0][60, 80] > 200
    assert grey[1][60, 80] < 50


@pytest.mark.parametrize(
    ("strokes", "message"),
    [
        pytest.param("x", "strokes", id="text"),
        pytest.param([{"kind": "add", "points": []}], "strokes.0.points", id="no-point"),
        pytest.param([{"kind": "fill", "points": [[1, 1]]}], "strokes.0.kind", id="kind"),
        pytest.param([{"kind": "add", "points": [[1, 1]], "size": -1}], "size", id="size"),
        pytest.param([{"kind": "add", "points": [[1e9, 1]]}], "points", id="far"),
    ],
)
def test_wrong_strokes_are_told(strokes, message):
    with pytest.raises(ApiError, match=message) as refused:
        read_strokes(strokes)
    assert refused.value.status == 422


def test_page_is_for_those_who_logged_in(reviewed):
    client = reviewed.server.client
    assert client.get("/review").headers["location"] == "/review/login"
    assert client.get("/review/c/spring/items").status_code == 401
    cookie = {"Cookie": "maskworks_session=a.b"}
    assert client.get("/review/c/spring/items", headers=cookie).status_code == 401


def test_changing_anything_needs_the_pages_token(ana):
    number = ana.items()[0]["id"]
    url = f"{ana.base}/items/{number}/lease"
    assert ana.client.post(url, json={}).status_code == 403
    headers = {"X-CSRF-Token": ana.csrf, "Origin": "https://evil.example"}
    assert ana.client.post(url, json={}, headers=headers).status_code in (401, 403)


def test_key_needs_the_scope_and_its_end_ends_the_session(reviewed, sit_down):
    from maskworks.studio.store.keys import revoke_key

    server = reviewed.server
    cutter = server.key("cut", name="cutter")
    refused = server.client.post("/review/login", data={"who": "Eve", "key": cutter})
    assert refused.status_code == 403
    with sit_down(server, "spring", who="Cem", key=server.key("review", name="cem")) as opened:
        assert opened.items()
        revoke_key(server.service.store, "cem")
        assert opened.client.get(f"{opened.base}/items").status_code == 401


def luminance(colour):
    """Relative luminance of #rrggbb or #rgb, as WCAG 2.2 defines it."""
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    parts = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        *((front, back, 4.5) for front in ("ink", "soft") for back in ("paper", "card", "mark")),
        *((front, back, 4.5) for front in ("main", "bad", "good") for back in ("paper", "card")),
        ("on-main", "main", 4.5),
        ("soft", "card", 3.0),
        ("ring", "paper", 3.0),
    ],
)
def test_colours_can_be_told_apart(server, scheme, front, back, least):
    style = server.client.get("/static/style.css").text
    palettes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", p)) for p in style.split("}")[:2]]
    palette = palettes[scheme == "dark"]
    light, dark = sorted((luminance(palette[n]) for n in (front, back)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= least


def routes_told(out):
    """Return what the report says, None if there is none."""
    file = out / "report.json"
    return json.loads(file.read_text()).get("routes") if file.exists() else None


def until_told(out, **routes):
    until = time.monotonic() + 30
    while (told := routes_told(out) or {}) | routes != told:
        assert time.monotonic() < until, told
        time.sleep(0.05)


def test_report_follows_the_decisions(starting, campaign_folder, monkeypatch, sit_down):
    monkeypatch.setattr("maskworks.apps.http.service.Reports", partial(Reports, pause_s=0.0))
    out = campaign_folder / "spring-out"
    (out / "report.json").write_text('{"wall_seconds": 12.5}')
    with sit_down(starting(campaigns=(campaign_folder,)), "spring") as ana:
        number = ana.items()[0]["id"]
        ana.post(number, "decide", verdict="accept", lease=ana.take(number))
        until_told(out, deliver=1, review=3)
        ana.post(number, "undo", lease=ana.take(number), seen="accept")
        until_told(out, deliver=0, review=4)
    assert json.loads((out / "report.json").read_text())["wall_seconds"] == 12.5


def test_report_that_a_killed_process_owes_is_written_by_the_next(
    starting, campaign_folder, monkeypatch, sit_down
):
    out = campaign_folder / "spring-out"
    with sit_down(starting(campaigns=(campaign_folder,)), "spring") as ana:
        number = ana.items()[0]["id"]
        ana.post(number, "decide", verdict="accept", lease=ana.take(number))
    assert routes_told(out) is None, "reviewers have not paused yet"
    monkeypatch.setattr("maskworks.apps.http.service.Reports", partial(Reports, pause_s=0.0))
    starting(campaigns=(campaign_folder,))
    until_told(out, deliver=1, review=3)


def test_dashboard_counts_and_escapes(ana, reviewed):
    number = ana.items()[0]["id"]
    ana.post(number, "decide", verdict="accept", lease=ana.take(number))
    page = ana.client.get("/review/c/spring/dashboard")
    assert "4</strong> pictures" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    campaigns = ana.client.get("/review").text
    assert "3</strong> await a decision" in campaigns


def finished(one, day, route, *reasons, decision=None):
    """An item as if it had been finished on a day of March."""
    told = tuple(Reason(name, 0.0, 0.0, name) for name in reasons)
    at = datetime(2026, 3, day, 12, tzinfo=UTC)
    return replace(one, route=route, reasons=told, decision=decision, finished_at=at)


def test_dashboard_tells_routes_flags_and_reasons_of_each_day(reviewed):
    one = list_items(reviewed.store, reviewed.campaign, Filter())[0]
    items = [
        finished(one, 2, "deliver"),
        finished(one, 2, "deliver", "low-score", decision="accept"),
        finished(one, 2, "review", "low-score", "touches-border"),
        finished(one, 2, "manual"),
        finished(one, 3, "deliver"),
    ]
    first, second = days_of(items)
    assert (first["day"], first["number"], first["flagged"]) == ("2026-03-02", 4, 0.75)
    assert dict(first["routes"]) == {"deliver": 2, "review": 1, "manual": 1, "failed": 0}
    assert first["reasons"] == [("low-score", 2), ("touches-border", 1)]
    assert (second["number"], second["flagged"], second["reasons"]) == (1, 0.0, [])
