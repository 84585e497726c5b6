"""report.html as a browser shows it, without a connection, on a desk and on a phone."""

from __future__ import annotations

import os
import shutil

import pytest

from maskworks.studio.report import summarise
from maskworks.studio.report.page import page

DESK, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
    if found is None:
        if os.environ.get("MASKWORKS_TEST_BROWSER") == "required":
            pytest.fail("install Chromium and playwright")
        pytest.skip("no Chromium and playwright here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, book, mixed, tmp_path):
    """Open the report of four pictures in a window of this size; return it and its complaints."""
    head = book.header(len(mixed))
    path = tmp_path / "report.html"
    text = page(head, summarise(head, mixed), mixed)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")

    def show(size):
        width, height = size
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True)
        shown, complaints = context.new_page(), []
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("console", lambda line: complaints.append(line.text))
        shown.goto(path.as_uri())
        return shown, complaints

    return show


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_page_fits_its_window_and_finds_pictures(opened, size):
    shown, complaints = opened(size)
    assert shown.evaluate("document.documentElement.scrollWidth") == size[0]
    shown.fill("#words", "A-1")
    assert shown.text_content("#count") == "1 of 4 pictures"
    shown.fill("#words", "")
    shown.select_option("#route", "failed")
    assert shown.text_content("#count") == "1 of 4 pictures"
    assert "is <b>cut off</b>" in shown.text_content("#list")
    shown.click("#clear")
    assert shown.text_content("#count") == "4 of 4 pictures"
    loaded = "[...document.querySelectorAll('#list img')].every(one => one.naturalWidth > 0)"
    assert shown.evaluate(loaded)
    assert complaints == []
