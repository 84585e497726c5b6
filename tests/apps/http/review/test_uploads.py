"""A retoucher's file, uploaded on an item of the review page of a real server."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from maskworks.apps.http.settings import Bounds
from maskworks.studio.store import Filter, deliverables, list_events, list_items
from maskworks.studio.store.reviewing import matte_versions

BOX = slice(20, 100), slice(30, 130)
BLUE = (20, 40, 220)


def retouched(form: str, size=(120, 160)) -> bytes:
    """A blue rectangle, larger than what the model has found, in a file of a retoucher's."""
    pixels = np.zeros((*size, 4), np.uint8)
    pixels[BOX] = (*BLUE, 255)
    picture, written = Image.fromarray(pixels), BytesIO()
    if form == "PSD":
        document = PSDImage.new("RGB", (size[1], size[0]))
        document.create_pixel_layer(picture, name="Cut-out")
        document.save(written)
    else:
        picture.save(written, form)
    return written.getvalue()


@pytest.fixture
def ana(reviewed, sit_down):
    with sit_down(reviewed.server, "spring") as opened:
        yield opened


def item(reviewed, number):
    every = list_items(reviewed.store, reviewed.campaign, Filter())
    return next(one for one in every if one.id == number)


def send(ana, number, name, data, **fields):
    if "lease" not in fields:
        fields["lease"] = ana.take(number)
    return ana.client.post(
        f"{ana.base}/items/{number}/upload",
        files={"file": (name, data)},
        data=fields,
        headers={"X-CSRF-Token": ana.csrf},
    )


def delivered(reviewed, number):
    """The one file of an item that is listed as delivered, opened."""
    (one,) = [
        one for one in deliverables(reviewed.store, reviewed.campaign) if one.item_id == number
    ]
    data = (reviewed.out / "deliver" / one.output.path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == one.output.sha256
    with (reviewed.out / "deliverables.csv").open(newline="") as listed:
        assert any(one.output.path in "".join(row) for row in csv.reader(listed))
    return Image.open(BytesIO(data))


@pytest.mark.parametrize(
    ("form", "name"),
    [
        pytest.param("PSD", "final FINAL.psd", id="psd"),
        pytest.param("TIFF", "p0 ready.TIF", id="tiff"),
        pytest.param("PNG", "done by me.png", id="png"),
    ],
)
def test_file_is_composed_again_and_delivered(ana, reviewed, form, name):
    number = ana.items()[0]["id"]
    before = list(deliverables(reviewed.store, reviewed.campaign, route="review"))
    answer = send(ana, number, name, retouched(form))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"route": "deliver", "decision": "accept", "notes": []}
    made = np.asarray(delivered(reviewed, number).convert("RGB")).astype(int)
    blue = np.abs(made - BLUE).max(axis=2) <= 40  # it is a JPEG
    assert abs(int(blue.sum()) - 80 * 100) < 300, "the subject as the retoucher has cut it"
    assert made[~blue].mean() > 230, "on the campaign's white"
    assert item(reviewed, number).route == "deliver"
    after = list(deliverables(reviewed.store, reviewed.campaign, route="review"))
    assert len(after) == len(before) - 1
    event = list_events(reviewed.store, reviewed.campaign, item=str(number))[-1]
    assert (event.what, event.who, event.after) == ("ingested", "Ana", "deliver")
    assert number not in ana.standing()["waiting"]


def test_matte_of_the_file_is_shown_and_is_what_a_fix_begins_with(ana, reviewed):
    number = ana.items()[0]["id"]
    url = f"{ana.base}/items/{number}/matte"
    tag = ana.client.get(url).headers["ETag"]
    assert ana.client.get(url, headers={"If-None-Match": tag}).status_code == 304
    send(ana, number, "a.png", retouched("PNG"))
    shown = ana.client.get(url, headers={"If-None-Match": tag})
    assert shown.headers["Cache-Control"] == "private, no-cache", "or an old one would be shown"
    alpha = np.asarray(Image.open(BytesIO(shown.content)))
    assert alpha[BOX].min() == 255
    assert alpha[10, 10] == 0
    stroke = {"kind": "add", "points": [[8, 8]], "size": 10, "soft": 0}
    lease = ana.take(number)
    done = ana.post(
        number, "fix", strokes=[stroke], refine=False, lease=lease, seen="accept", anyway=True
    )
    assert done.status_code == 200, done.text
    version = matte_versions(reviewed.store, number)[-1]
    with Image.open(reviewed.out / version.path) as drawn:
        alpha = np.asarray(drawn)
    assert (alpha[8, 8], alpha[22, 32], version.version) == (255, 255, 2)


def test_file_twice_as_large_as_the_photo_is_taken(ana, reviewed):
    number = ana.items()[0]["id"]
    answer = send(ana, number, "large.png", retouched("PNG", (240, 320)))
    assert answer.status_code == 200, answer.text
    version = matte_versions(reviewed.store, number)[0]
    with Image.open(reviewed.out / version.path) as drawn:
        assert drawn.size == (160, 120)


def whole(form: str) -> bytes:
    written = BytesIO()
    Image.new("RGB", (160, 120), BLUE).save(written, form)
    return written.getvalue()


UNUSABLE = [
    ("a.png", b"", "choose a file"),
    ("a.png", b"Dear Sir", "is not a picture"),
    ("a.psd", retouched("PSD")[:900], "damaged"),
    ("a.jpg", whole("JPEG"), "opaque everywhere"),
    ("a.docx", b"PK", "a file .docx is not known here"),
    ("a.png", whole("PNG"), "opaque everywhere"),
    ("a.png", retouched("PNG", (120, 170)), "170x120"),
]


def test_file_that_cannot_be_used_is_told_and_changes_nothing(ana, reviewed):
    number = ana.items()[0]["id"]
    for name, data, message in UNUSABLE:
        answer = send(ana, number, name, data)
        assert answer.status_code == 422
        said = answer.json()["error"]["message"]
        assert message in said
        assert "/tmp" not in said
        assert answer.headers.get("X-Anyway", "0") == "0"
    assert item(reviewed, number).route == "review"
    assert matte_versions(reviewed.store, number) == []


def test_file_that_breaks_a_rule_is_delivered_only_if_that_is_said(
    starting, campaign_folder, sit_down
):
    text = (campaign_folder / "campaign.toml").read_text()
    (campaign_folder / "campaign.toml").write_text(
        text + "[output]\nfill = 0.85\nsize = [400, 400]\n"
    )
    server = starting(campaigns=(campaign_folder,))
    with sit_down(server, "spring") as ana:
        number = ana.items()[0]["id"]
        refused = send(ana, number, "a.png", retouched("PNG"))
        assert refused.status_code == 422, refused.text
        assert refused.headers["X-Anyway"] == "1"
        said = refused.json()["error"]["message"]
        assert said.endswith("correct it"), "`--anyway` is the command's way out, not the page's"
        done = send(ana, number, "a.png", retouched("PNG"), anyway="true")
        assert done.json()["route"] == "deliver"
        assert done.json()["notes"]


def test_file_may_be_larger_than_an_upload_of_the_interface(starting, campaign_folder, sit_down):
    bounds = Bounds(upload_bytes=1000)
    large = retouched("PSD")
    assert len(large) > 60_000
    server = starting(campaigns=(campaign_folder,), bounds=bounds)
    with sit_down(server, "spring") as ana:
        number = ana.items()[0]["id"]
        assert send(ana, number, "a.psd", large).status_code == 200
    server = starting(campaigns=(campaign_folder,), bounds=replace(bounds, returned_bytes=1000))
    with sit_down(server, "spring") as ana:
        number = ana.items()[0]["id"]
        assert send(ana, number, "a.psd", large).status_code == 413


def test_file_for_a_picture_that_somebody_else_has_is_refused(ana, reviewed, sit_down):
    number = ana.items()[0]["id"]
    with sit_down(reviewed.server, "spring", who="Ben") as ben:
        ben.take(number)
        refused = send(ana, number, "a.png", retouched("PNG"), lease="guessed")
        assert refused.status_code == 409
        assert "Ben has this picture open" in refused.json()["error"]["message"]
    without = ana.client.post(f"{ana.base}/items/{number}/upload", files={"file": b"x"})
    assert without.status_code == 403
