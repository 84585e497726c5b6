"""A clip on the review page in a real, headless Chromium: film strip, key masks, playing."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image

from maskworks.apps.http.review.clips import number_of
from maskworks.video.cut_clips import cut_clips
from maskworks.video.keyed import read_keys
from maskworks.video.request import VideoRequest, open_video

HIGH, WIDE, FRAMES = 90, 160, 20


def picture(at):
    """A bright square that walks over a dark ground."""
    pixels = np.full((HIGH, WIDE, 3), 20, np.uint8)
    pixels[30:60, 20 + 4 * at : 50 + 4 * at] = 240
    return pixels


def cut(request):
    opened = open_video(request)
    return [row.status for row in opened.rows(threading.Event())]


@pytest.fixture
def shots(tmp_path):
    """A clip and the folder that `maskworks video` wrote of it; the request that did it."""
    path = tmp_path / "walk.mkv"
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = WIDE, HIGH, "bgr0"
        for at in range(FRAMES):
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture(at), format="rgb24")))
        out.mux(video.encode())
    folder = tmp_path / "shots"
    request = VideoRequest(inputs=(str(path),), output=f"{folder}/", model="bright", threads=1)
    assert cut(request) == ["ok"]
    return folder, request


def sit(starting, sitting, folder, who="Ana", **options):
    person = sitting(starting(clips=(folder,)), who, **options)
    person.page.click("text=walk.mkv")
    person.page.wait_for_selector("body[data-shown]")
    return person


def drag(person, *places):
    """Draw with the mouse through places of the frame, in pixels of the clip."""
    box = person.page.locator("#canvas").bounding_box()
    scale = min(box["width"] / WIDE, box["height"] / HIGH)
    left = box["x"] + (box["width"] - WIDE * scale) / 2
    top = box["y"] + (box["height"] - HIGH * scale) / 2
    mouse = person.page.mouse
    for number, (x, y) in enumerate(places):
        mouse.move(left + x * scale, top + y * scale)
        if number == 0:
            mouse.down()
    mouse.up()


def test_a_mask_drawn_on_a_frame_is_what_video_fix_carries_through(shots, starting, sitting):
    folder, request = shots
    (clip,) = cut_clips(folder)
    ana = sit(starting, sitting, folder)
    page = ana.page
    assert page.locator("#strip li").count() >= 2
    assert page.get_attribute("#strip button >> nth=0", "aria-current") == "true"
    first = ana.shown
    page.fill("#at-frame", "10")
    ana.sees(10)
    ana.press("f")
    page.wait_for_selector("#fix-tools:not([hidden])")
    page.fill("#size", "12")
    drag(ana, (100, 75), (140, 75))  # a bar below the square, which no network saw
    page.click("text=Save as key mask")
    page.wait_for_selector("body[data-keys='10']")
    assert "maskworks video fix walk.mkv -o walk.webm --overwrite" in page.inner_text("#then")
    mask = np.asarray(Image.open(clip.key(10)))
    assert mask.shape == (HIGH, WIDE)
    assert (mask[40:50, 65:85] > 250).all()
    assert (mask[74:77, 105:135] > 250).all()
    assert (mask[:20] == 0).all()

    page.click(f"#strip [data-frame='{first}']")
    ana.sees(first)
    masks = read_keys(clip.keys, starting().service.limits).masks
    assert list(masks) == [10]
    fixed = replace(request, keys=str(clip.keys), existing="overwrite", output=f"{folder}/")
    assert cut(fixed) == ["ok"]
    row = json.loads((folder / "manifest.jsonl").read_text())
    assert row["output"] == str(clip.output)

    page.reload()  # the frame has its mark, and the bar is in the matte of its neighbours too
    page.wait_for_selector("#strip [data-frame='10'] .held:not([hidden])")
    page.fill("#at-frame", "11")
    ana.sees(11)
    neighbour = page.evaluate(
        "() => fetch(`${document.querySelector('.desk').dataset.base}/items/11/matte`)"
        ".then(answer => answer.arrayBuffer()).then(data => [...new Uint8Array(data)])"
    )
    matte = np.asarray(Image.open(BytesIO(bytes(neighbour))))
    assert matte[75, 120] > 128
    assert matte[10, 10] == 0


def test_playing_shows_every_frame_with_the_matte_of_that_frame(shots, starting, sitting):
    folder, _ = shots
    ana = sit(starting, sitting, folder)
    page = ana.page
    page.fill("#at-frame", "5")
    ana.sees(5)
    page.evaluate(
        "() => { window.played = []; new MutationObserver(() =>"
        " window.played.push(Number(document.body.dataset.played)))"
        ".observe(document.body, { attributes: true, attributeFilter: ['data-played'] }); }"
    )
    page.focus("#title")
    ana.press(" ")
    page.wait_for_selector(f"body[data-played='{FRAMES - 1}']")
    ana.sees(FRAMES - 1)  # and then the last frame is open, whole
    assert page.evaluate("window.played") == list(range(5, FRAMES))
    address = page.evaluate("document.querySelector('.desk').dataset.base")
    lines = page.evaluate(
        "address => fetch(address).then(answer => answer.text())", f"{address}/play/3"
    ).splitlines()
    assert len(lines) == FRAMES - 3
    for line in map(json.loads, lines):
        data = page.evaluate("data => [...atob(data)].map(c => c.charCodeAt(0))", line["matte"])
        columns = np.nonzero(np.asarray(Image.open(BytesIO(bytes(data)))) > 128)[1]
        assert columns.mean() == pytest.approx(34.5 + 4 * line["frame"], abs=1.5)


def test_an_unfinished_mask_waits_and_a_saved_one_can_be_taken_away(shots, starting, sitting):
    folder, _ = shots
    (clip,) = cut_clips(folder)
    ana = sit(starting, sitting, folder)
    page = ana.page
    frame = ana.shown
    ana.press("f")
    page.wait_for_selector("#fix-tools:not([hidden])")
    drag(ana, (10, 10), (30, 10))
    ana.press("Escape")
    ana.hears("is kept")
    page.reload()
    ana.hears("unfinished mask")
    ana.press("f")
    ana.hears("Going on")
    ana.press("s")
    page.wait_for_selector(f"body[data-keys='{frame}']")
    ana.hears("is kept")

    ben = sitting(ana.server, "Ben")  # knows of this mask, and then it changes
    ben.page.click("text=walk.mkv")
    ben.sees(frame)
    ana.press("r")
    ana.hears("taken away")
    assert not clip.key(frame).exists()
    ben.press("r")
    ben.hears("somebody else has changed the mask")


def test_the_page_of_a_clip_fits_a_phone(shots, starting, sitting):
    folder, _ = shots
    ana = sit(starting, sitting, folder, viewport={"width": 390, "height": 844})
    assert ana.page.evaluate("document.documentElement.scrollWidth") <= 390
    ana.page.click("#fix")
    ana.page.wait_for_selector("#fix-tools:not([hidden])")
    assert ana.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_strangers_and_other_pages_change_nothing(shots, starting):
    folder, _ = shots
    server = starting(clips=(folder,))
    (clip,) = cut_clips(folder)
    address, client = f"/review/v/shots/{number_of(clip)}", server.client
    assert client.get(address, follow_redirects=False).status_code == 303
    for path in ("items/0/photo", "items/0/matte", "play/0"):
        assert client.get(f"{address}/{path}").status_code == 401
    client.post("/review/login", data={"who": "Eve"})
    assert client.get(f"{address}/items/0/photo").status_code == 200
    assert client.get(f"{address}/items/{FRAMES}/photo").status_code == 404
    assert client.get("/review/v/shots/0123456789ab/items/0/photo").status_code == 404
    assert client.get(f"/review/v/others/{number_of(clip)}").status_code == 404
    strokes = [{"kind": "add", "points": [[5, 5]]}]
    for what in ("fix", "draft", "remove", "lease", "preview"):
        sent = client.post(f"{address}/items/0/{what}", json={"strokes": strokes, "lease": "none"})
        assert sent.status_code == 403, what
    assert not clip.keys.exists()


def test_a_clip_without_a_written_matte_says_so_and_a_broken_manifest_takes_no_other(
    shots, starting, tmp_path
):
    _, request = shots
    opaque, broken = tmp_path / "opaque", tmp_path / "broken"
    assert cut(replace(request, output=f"{opaque}/", background="white")) == ["ok"]
    broken.mkdir()
    (broken / "manifest.jsonl").write_text("nothing of ours\n")
    server = starting(clips=(opaque, broken))
    client = server.client
    client.post("/review/login", data={"who": "Ana"})
    listed = client.get("/review").text
    assert "walk.mkv" in listed
    assert "line 1 is not a row of a manifest of ours" in listed
    (clip,) = cut_clips(opaque)
    got = client.get(f"/review/v/opaque/{number_of(clip)}/play/0")
    assert got.status_code == 409
    assert "nothing to lay over the clip; cut it out as webm" in got.json()["error"]["message"]
    matte = client.get(f"/review/v/opaque/{number_of(clip)}/items/3/matte")  # asked of the network
    levels = np.asarray(Image.open(BytesIO(matte.content)))
    assert levels[45, 47] > 200
    assert levels[10, 10] < 50
