"""The review page of clips in a real, headless Chromium: see, agree, disagree, correct."""

from __future__ import annotations

import time

import av
import matplotlib as mpl
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image, ImageDraw, ImageFont

import maskworks as mw
from maskworks.scene.writing.files import read_record

FONT = f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
SAID = """1
00:00:00,500 --> 00:00:01,500
The police found a rifle.

2
00:00:02,200 --> 00:00:02,800
What a bastard!
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Three seconds of moving colours, a text at their foot, subtitles beside."""
    path = tmp_path_factory.mktemp("clip") / "spot.mp4"
    y, x = np.mgrid[:360, :640]
    font = ImageFont.truetype(FONT, 28)
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=8)
        video.width, video.height, video.pix_fmt, video.bit_rate = 640, 360, "yuv420p", 4_000_000
        for at in range(24):
            colours = np.stack([(x + 5 * at) % 256 // 3, y % 200 // 2, (x + y) % 256 // 3], -1)
            picture = Image.fromarray(colours.astype(np.uint8))
            ImageDraw.Draw(picture).text((170, 300), "They robbed the bank", "white", font)
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            out.mux(video.encode(frame))
        out.mux(video.encode())
    path.with_suffix(".srt").write_text(SAID)
    return path


@pytest.fixture
def judged(starting, clip):
    """A server with the evidence of a clip that came over HTTP; its folder's name and files."""
    server = starting()
    files = [("files", (p.name, p.read_bytes())) for p in (clip, clip.with_suffix(".srt"))]
    asked = server.client.post("/v1/suitability", files=files, data={"name": "spots"}).json()
    until = time.monotonic() + 240
    while server.client.get(f"/v1/suitability/{asked['job']}").json()["state"] != "done":
        assert time.monotonic() < until
        time.sleep(0.2)
    return server, asked["name"], server.settings.data / "suitability" / asked["name"] / "out"


def go(person, name, clip="spot.mp4"):
    person.page.goto(f"{person.server.url}/review/s/{name}")
    person.page.click(f"text={clip}")
    person.page.wait_for_selector("body[data-shown]")


def verdicts(folder):
    record = read_record(folder / "suitability.json")
    topics = {f.id: f.category for f in record.findings}
    return [
        (v.reviewer, topics[v.finding], v.verdict, v.category, v.reason) for v in record.verdicts
    ]


def test_a_person_agrees_disagrees_and_corrects_by_keys(judged, sitting):
    server, name, out = judged
    ana = sitting(server, "Ana")
    go(ana, name)
    page = ana.page
    assert page.inner_text("#title") == "crime at 00:00:00.0"
    assert page.is_visible("#outline")
    page.wait_for_function("() => document.getElementById('picture').naturalWidth === 360")
    assert "robbed" in page.inner_text("#quote mark")
    ana.press("m")
    page.wait_for_selector("body[data-more]")
    assert page.locator("#strip img").count() == 5
    ana.press("a")
    page.wait_for_selector("body[data-judged=f00001]")
    assert page.inner_text("#title").startswith("arms at")
    assert page.is_visible("#no-picture")
    ana.press("r")
    page.keyboard.type("only news")
    ana.press("Enter")
    ana.press("d")
    page.wait_for_selector("body[data-judged=f00002]")
    ana.press("w")
    page.select_option("#category", "hate")
    page.click("text=Correct it")
    page.wait_for_selector("body[data-judged=f00003]")
    assert verdicts(out / "spot.mp4") == [
        ("Ana", "crime", "confirm", None, ""),
        ("Ana", "arms", "dismiss", None, "only news"),
        ("Ana", "profanity", "wrong category", "hate", ""),
    ]
    assert "Ana" in (out / "spot.mp4/verdicts.jsonl").read_text()

    ben = sitting(server, "Ben")
    go(ben, name)
    assert ben.page.locator("#opinions li").count() == 0  # two opinions are to be two
    ben.press("d")
    ben.page.wait_for_selector("#opinions li >> nth=1")
    assert "Ana: agreed" in ben.page.inner_text("#opinions")
    ben.page.goto(f"{server.url}/review/s/{name}")
    assert "Ana and Ben: kappa" in ben.page.inner_text("main")
    assert "1 of 3" in ben.page.inner_text("main")


def test_the_page_fits_a_phone(judged, sitting):
    server, name, _ = judged
    ana = sitting(server, "Ana", viewport={"width": 390, "height": 844})
    for address in ("/review", f"/review/s/{name}", f"/review/s/{name}/clip?clip=spot.mp4"):
        ana.page.goto(f"{server.url}{address}")
        assert ana.page.evaluate("document.documentElement.scrollWidth") <= 390, address
    ana.page.wait_for_function("() => document.getElementById('picture').naturalWidth === 360")
    picture, outline = (ana.page.locator(i).bounding_box() for i in ("#picture", "#outline"))
    assert picture == outline
    assert picture["width"] / picture["height"] == pytest.approx(640 / 360, rel=0.02)


def test_strangers_see_nothing_and_pages_elsewhere_decide_nothing(judged):
    server, name, out = judged
    address, client = f"/review/s/{name}", server.client
    for path in ("", "/clip?clip=spot.mp4"):
        assert client.get(f"{address}{path}", follow_redirects=False).status_code == 303
    assert client.get(f"{address}/frame?clip=spot.mp4&frame=0").status_code == 401
    assert client.get(f"{address}/more?clip=spot.mp4&finding=f00001").status_code == 401
    client.post("/review/login", data={"who": "Eve"})
    assert client.get(f"{address}/frame?clip=spot.mp4&frame=0").status_code == 200
    for clip in ("../media", "..", "/etc", "other.mp4"):
        got = client.get(f"{address}/frame", params={"clip": clip, "frame": 0})
        assert got.status_code == 404, clip
    assert client.get(f"{address}/more?clip=spot.mp4&finding=f99999").status_code == 400
    said = {"finding": "f00001", "verdict": "confirm"}
    assert client.post(f"{address}/judge?clip=spot.mp4", json=said).status_code == 403
    assert verdicts(out / "spot.mp4") == []


def always_adult(folder):
    """A classifier whose one class is adult, and sees it in everything."""
    folder.mkdir()
    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1, 2, 3], keepdims=0)]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph(nodes, "mean", [given], [gives])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    (folder / "classes.toml").write_text(
        "size = [8, 8]\nmean = [-0.9, -0.9, -0.9]\nstd = [1, 1, 1]\n"
        'activation = "none"\n[[classes]]\nname = "skin"\ncategory = "adult"\n'
    )
    return str(folder)


def test_adult_frames_of_a_named_folder_are_veiled_until_asked_for(
    starting, clip, sitting, tmp_path
):
    choices = mw.SignalChoices(ocr=False, threads=1, classifier=always_adult(tmp_path / "net"))
    options = mw.SuitabilityOptions(choices=choices)
    request = mw.SuitabilityRequest(inputs=(str(clip),), output=tmp_path / "mine", options=options)
    assert [row.status for row in mw.run_suitability(request)] == ["done"]
    report = (tmp_path / "mine/report.html").read_text()
    assert report.count('class="frame veiled"') == report.count('class="frame')
    ana = sitting(starting(evidence=(tmp_path / "mine",)), "Ana")
    go(ana, "mine")
    assert ana.page.is_visible("#shown.veiled #unveil")
    ana.press("v")
    assert ana.page.locator("#shown.veiled").count() == 0
    ana.press("j")
    ana.press("j")
    assert ana.page.is_visible("#shown.veiled #unveil")
    ana.press("m")
    ana.hears("does not lie here")
