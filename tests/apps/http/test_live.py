"""The page /live and the package @maskworks/web, in a real, headless Chromium.

The runtime comes from npm by `make web`; where it or Chromium is missing these tests are skipped,
with the reason. MASKWORKS_TEST_NPM=required and MASKWORKS_TEST_BROWSER=required fail instead.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.demo.photos import bundled, samples
from maskworks.apps.http.routes import live
from maskworks.core.reading import read_picture
from maskworks.core.values import Image as Picture
from maskworks.models import load_catalogue, load_model
from maskworks.models.families.resampling import enlarge, shrink
from maskworks.video.live.seeing import live_model

PARITY = 2 / 255
CONVERTED = 4 / 255  # with a colour profile, which the browser converts by a level otherwise
QUICK = ("boots.jpg", "chelsea.png")
PHOTOS = [
    pytest.param(photo, id=photo.name, marks=[] if photo.name in QUICK else pytest.mark.slow)
    for photo in samples()
]

CUT = """async data => {
  const { load } = await import("/live/files/index.js");
  const runtime = "/live/files/ort.wasm.min.mjs";
  window.cutter ??= await load({ model: "/live/model.json", runtime });
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const found = await window.cutter.cutout(new Blob([bytes]));
  const { buffer, byteOffset, byteLength } = found.matte;
  const raw = new Uint8Array(buffer, byteOffset, byteLength);
  let text = "";
  for (let i = 0; i < raw.length; i += 32768)
    text += String.fromCharCode(...raw.subarray(i, i + 32768));
  return { ...found, matte: btoa(text) };
}"""


def _or_skip(variable, why):
    if os.environ.get(variable) == "required":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def browsing():
    """A function that opens Chromium with these arguments; each is closed at the end."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
    if found is None:
        _or_skip("MASKWORKS_TEST_BROWSER", "Chromium and Playwright are needed to look at /live")
    if live.missing_runtime():
        _or_skip("MASKWORKS_TEST_NPM", "the browser's runtime is not here; `make web` fetches it")
    with sync_playwright() as playwright:
        opened = []

        def launch(*arguments):
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", *arguments]
            )
            opened.append(browser)
            return browser

        yield launch
        for browser in opened:
            browser.close()


class Visitor:
    """A page at /live; `requests` are all that the browser asked for."""

    def __init__(self, browser, server, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(240_000)
        self.requests, self.problems = [], []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(f"{server.url}/live")
        self.page.wait_for_selector("body[data-state]")

    def foreign(self, server):
        return [u for u in self.requests if not u.startswith((server.url, "blob:", "data:"))]


@pytest.fixture(scope="module")
def browser(browsing):
    return browsing()


@pytest.fixture(scope="module")
def visitor(browser, _shared):
    one = Visitor(browser, _shared, viewport={"width": 390, "height": 844})
    yield one
    one.context.close()


def test_the_page_is_isolated_and_may_talk_to_its_own_server_only(server):
    answer = server.client.get("/live")
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == policy["worker-src"] == "'self'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    for headers in (answer.headers, server.client.get("/live/files/index.js").headers):
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


@pytest.mark.parametrize(("kind", "model"), [("model", live.MODEL), ("camera", live.CAMERA)])
def test_the_descriptions_name_the_networks_by_their_checksums(server, kind, model):
    told = server.client.get(f"/live/{kind}.json").json()
    spec = load_catalogue().find(model)
    assert (told["name"], told["sha256"]) == (spec.name, spec.sha256)
    assert told["input"]["previous"] == spec.input.previous
    kept = server.client.get(f"/live/{told['url']}")
    assert len(kept.content) == spec.bytes
    assert kept.headers["Cache-Control"] == "no-cache"
    known = {"If-None-Match": kept.headers["ETag"]}
    again = server.client.get(f"/live/{told['url']}", headers=known)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["x.js", "package.json", "..%2fapp.py", "fetch_runtime.py"])
def test_no_other_file_is_sent(server, name):
    assert server.client.get(f"/live/files/{name}").status_code == 404


def test_without_the_runtime_the_page_says_how_to_bring_it(server, monkeypatch, tmp_path):
    live.missing_runtime.cache_clear()
    monkeypatch.setattr(live, "WEB", tmp_path)
    shutil.copy(live.Path(live.__file__).parent.parent / "web/package.json", tmp_path)
    try:
        text = server.client.get("/live").text
    finally:
        live.missing_runtime.cache_clear()
    assert "make web" in text
    assert "<script" not in text


@pytest.mark.parametrize("photo", PHOTOS)
def test_the_browsers_matte_is_pythons(visitor, server, photo):
    found = visitor.page.evaluate(CUT, base64.b64encode(photo.content).decode())
    seen = read_picture(photo.content).image
    expected = load_model(live.MODEL, threads=1).predict(seen)
    matte = np.frombuffer(base64.b64decode(found["matte"]), np.float32)
    assert (found["height"], found["width"]) == seen.size
    apart = np.abs(matte.reshape(seen.size) - expected.matte.alpha)
    with Image.open(BytesIO(photo.content)) as opened:
        assert apart.max() <= (CONVERTED if "icc_profile" in opened.info else PARITY)
    assert found["confidence"] == pytest.approx(expected.confidence, abs=0.01)
    assert found["presence"] == pytest.approx(expected.presence, abs=0.01)
    assert visitor.foreign(server) == []


AFTER = """async ([data, before, width, height]) => {
  const { load } = await import("/live/files/index.js");
  const runtime = "/live/files/ort.wasm.min.mjs";
  window.remembering ??= await load({ model: "/live/camera.json", runtime });
  const pixels = Uint8ClampedArray.from(data);
  const found = await window.remembering.run(pixels, { width, height }, Float32Array.from(before));
  return [...found.matte];
}"""


def test_the_browser_shows_the_camera_s_network_the_matte_of_the_frame_before(visitor):
    (photo,) = [one for one in samples() if one.name == "astronaut.png"]
    pixels = shrink(read_picture(photo.content).image.pixels, 96, 96)
    model = live_model(live.CAMERA, 96, threads=1)
    before = np.zeros((96, 96), np.float32)
    before[:, :48] = 1
    expected = model.predict(Picture(pixels), before=before).matte.alpha
    assert np.abs(expected - model.predict(Picture(pixels)).matte.alpha).max() > 0.05
    given = np.dstack((pixels, np.full((96, 96), 255, np.uint8)))
    flat = [given.ravel().tolist(), before.ravel().tolist(), 96, 96]
    found = np.array(visitor.page.evaluate(AFTER, flat), np.float32).reshape(96, 96)
    assert np.abs(found - expected).max() <= PARITY


def test_a_photo_goes_through_the_page_on_a_telephone_and_by_keyboard(visitor, server, tmp_path):
    page = visitor.page
    (photo,) = [one for one in samples() if one.name == "boots.jpg"]
    (tmp_path / photo.name).write_bytes(photo.content)
    page.set_input_files("#photo", tmp_path / photo.name)
    page.wait_for_selector("body[data-state=done]")
    assert "Confidence 0." in page.inner_text("#judged")
    corner = page.evaluate(
        "() => [...document.getElementById('cut').getContext('2d').getImageData(2, 2, 1, 1).data]"
    )
    assert corner[3] < 26
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("crossOriginIsolated")
    page.focus("#photo")
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert reached == ["save", "start", "background", "side"]
    page.focus("#start")
    page.keyboard.press("Enter")  # this browser has no camera
    page.wait_for_selector("#said.error")
    assert "photos work without one" in page.inner_text("#said")
    tried = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', error => error.name)")
    assert tried == "TypeError"
    assert [u for u in visitor.foreign(server) if ":9/" not in u] == []
    assert visitor.problems == []


RESIZE = """
import { shrink, enlarge } from "%s";
import { readFileSync, writeFileSync } from "node:fs";
for (const [name, width, height, w, h] of JSON.parse(readFileSync("sizes.json"))) {
  const data = new Uint8ClampedArray(readFileSync(`${name}.in`));
  writeFileSync(`${name}.out`, shrink({ data, width, height }, w, h));
  const map = Float32Array.from({ length: w * h }, (_, i) => ((i * 7919) %% 1000) / 999);
  writeFileSync(`${name}.map`, new Uint8Array(enlarge(map, w, h, width, height).buffer));
}
"""


def test_resizing_in_the_browsers_package_is_the_packages(tmp_path, rng):
    """Of any sizes: within a grey level, and of most to the bit; maps to 1e-6."""
    if shutil.which("node") is None:
        pytest.skip("node is not here, which runs the browser's package without a browser")
    sizes = [(f"p{i}", *rng.integers(8, 200, 2), *rng.integers(8, 120, 2)) for i in range(24)]
    sizes += [("tall", 40, 900, 32, 64), ("same", 64, 48, 64, 48), ("fur", 100, 107, 96, 96)]
    sizes = [(name, *map(int, numbers)) for name, *numbers in sizes]
    pixels = {}
    for name, width, height, _, _ in sizes:
        pixels[name] = rng.integers(0, 256, (height, width, 4), np.uint8)
        (tmp_path / f"{name}.in").write_bytes(pixels[name].tobytes())
    (tmp_path / "sizes.json").write_text(json.dumps(sizes))
    (tmp_path / "run.mjs").write_text(RESIZE % (live.WEB / "resampling.js"))
    subprocess.run(["node", "run.mjs"], cwd=tmp_path, check=True)
    exact = 0
    for name, width, height, w, h in sizes:
        found = np.fromfile(tmp_path / f"{name}.out", np.uint8).reshape(h, w, 4)[..., :3]
        apart = np.abs(found.astype(int) - shrink(pixels[name][..., :3], h, w).astype(int))
        assert apart.max() <= 1
        exact += not apart.any()
        ramp = ((np.arange(w * h, dtype=np.int64) * 7919) % 1000 / 999).astype(np.float32)
        larger = enlarge(ramp.reshape(h, w), height, width)
        drawn = np.fromfile(tmp_path / f"{name}.map", np.float32).reshape(height, width)
        assert np.abs(drawn - larger).max() < 1e-6
    assert exact >= len(sizes) - 2


def _write_y4m(path, picture, frames=8, size=(240, 320)):
    """Write a clip that pans over a picture, as Chromium's fake camera reads it (I420)."""
    height, width = size
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(frames):
            rgb = picture[20 : 20 + height, 4 * index : 4 * index + width].astype(np.float32)
            luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
            blue = 128 + 0.564 * (rgb[..., 2] - luma)
            red = 128 + 0.713 * (rgb[..., 0] - luma)
            out.write(b"FRAME\n")
            for plane in (luma, blue[::2, ::2], red[::2, ::2]):
                out.write(np.clip(plane, 0, 255).astype(np.uint8).tobytes())


def test_the_camera_gets_another_background_and_nothing_leaves(browsing, server, tmp_path):
    (photo,) = [one for one in samples() if one.name == "astronaut.png"]
    _write_y4m(tmp_path / "clip.y4m", read_picture(photo.content).image.pixels)
    browser = browsing(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'clip.y4m'}",
    )
    visitor = Visitor(browser, server, viewport={"width": 1000, "height": 800})
    page = visitor.page
    page.select_option("#side", "128")
    page.select_option("#background", "colour")
    page.click("#start")
    page.wait_for_function("() => Number(document.body.dataset.frames || 0) >= 3")
    share = page.evaluate(
        "() => { const c = document.getElementById('shown'), [r, g, b] = [0x1c, 0x5d, 0x4a];"
        "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        "for (let i = 0; i < p.length; i += 4) n += Math.max(Math.abs(p[i] - r),"
        "Math.abs(p[i + 1] - g), Math.abs(p[i + 2] - b)) < 12; return n * 4 / p.length; }"
    )
    assert 0.1 < share < 0.9  # the ground has the colour, the subject has not
    for kind in ("blur", "portrait", "none"):
        page.select_option("#background", kind)
        before = int(page.evaluate("document.body.dataset.frames"))
        page.wait_for_function(
            "least => Number(document.body.dataset.frames) >= least", arg=before + 2
        )
    assert "frames a second" in page.inner_text("#rate")
    if os.environ.get("MASKWORKS_SHOTS"):  # the picture in docs/live.md
        page.select_option("#background", "colour")
        (tmp_path / "boots.jpg").write_bytes(bundled("boots.jpg"))
        page.set_input_files("#photo", tmp_path / "boots.jpg")
        page.wait_for_selector("body[data-state=done]")
        page.screenshot(path=os.environ["MASKWORKS_SHOTS"], type="jpeg", quality=80)
    page.click("#stop")
    page.wait_for_selector("#start:not([hidden])")
    assert (
        page.evaluate("document.getElementById('camera').srcObject.getTracks()[0].readyState")
        == "ended"
    )
    assert visitor.foreign(server) == []
    assert visitor.problems == []
    visitor.context.close()
