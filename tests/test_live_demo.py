"""The site's demo: the page /live from static files, in a real, headless Chromium."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import os
import re
import shutil
import threading
from pathlib import Path

import pytest

from maskworks.apps.demo.photos import samples
from maskworks.apps.http.routes import live


@pytest.fixture(scope="module")
def demo(root, tmp_path_factory):
    """The folder of a site with the demo alone."""
    spec = importlib.util.spec_from_file_location("live_demo", root / "docs/live_demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    site = tmp_path_factory.mktemp("site")
    for place, held in module.demo_files():
        path = site / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(held, Path):
            shutil.copyfile(held, path)
        else:
            path.write_bytes(held)
    return site


@pytest.fixture(scope="module")
def address(demo):
    """Where a plain file server has it, below a folder, as a project's page lies on a host."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    (demo.parent / "host").mkdir(exist_ok=True)
    (demo.parent / "host/project").symlink_to(demo)
    handler = functools.partial(Quiet, directory=demo.parent / "host")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/project/live/"
        server.shutdown()
        thread.join()


def test_page_names_nothing_of_a_service_and_holds_itself_to_its_policy(demo):
    text = (demo / "live/index.html").read_text()
    assert re.findall(r'(?:href|src|action)="/', text) == []
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    for name in re.findall(r'(?:href|src)="([^"#]+)"', text):
        assert name == "../index.html" or (demo / "live" / name).is_file(), name
    assert (demo / "live/model.json").is_file()


def _missing(variable, why):
    if os.environ.get(variable) == "required":
        pytest.fail(why)
    pytest.skip(why)


def test_photo_is_cut_out_from_static_files_and_goes_nowhere(address, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        _missing("MASKWORKS_TEST_BROWSER", "Chromium is needed to look at the demo")
    if live.missing_runtime():
        _missing("MASKWORKS_TEST_NPM", "the browser's runtime is not here; `make web` fetches it")
    playwright = pytest.importorskip("playwright.sync_api")
    (photo,) = [one for one in samples() if one.name == "boots.jpg"]
    (tmp_path / photo.name).write_bytes(photo.content)
    requests, problems = [], []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        page.set_default_timeout(240_000)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        page.wait_for_selector("body[data-state]")
        page.set_input_files("#photo", tmp_path / photo.name)
        page.wait_for_selector("body[data-state=done]")
        assert "Confidence 0." in page.inner_text("#judged")
        corner = page.evaluate(
            "() => [...document.getElementById('cut').getContext('2d')"
            ".getImageData(2, 2, 1, 1).data]"
        )
        if shots := os.environ.get("MASKWORKS_SHOTS"):
            page.screenshot(path=shots, type="jpeg", quality=80)
        browser.close()
    assert corner[3] < 26
    assert problems == []
    home = address.removesuffix("project/live/")
    assert [url for url in requests if not url.startswith((home, "blob:", "data:"))] == []
    assert any(url.endswith(".wasm") for url in requests)
