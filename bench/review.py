"""How fast the review page is with 1,000 pictures waiting: `python bench/review.py`.

A campaign of real photos is run so that all of them wait for a person; the queue is filled up to
1,000. Headless Chromium opens it, and walks through it with the key J, after a second of looking
at each picture. Nothing is asserted; needs Playwright and Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from block import machine, put_block
from photos import make_photos

from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.store import (
    NewItem,
    Outcome,
    Output,
    add,
    claim,
    database_beside,
    finish,
    hold,
    open_campaign,
    open_store,
)

ROOT = Path(__file__).resolve().parents[1]
REAL, WAITING = 12, 1000
SIZE = {"2mp": (1224, 1632)}
FIRST_S, NEXT_S = 1.0, 0.150
LOOK_S = 1.0
CAMPAIGN = """\
[campaign]
name = "large"
[input]
folder = "photos"
model = "cutout"
[quality]
deliver_at = 1.0
"""
WATCH = """() => {
  window.waits = [];
  let pressed = 0;
  addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(() => window.waits.push(performance.now() - pressed))
    .observe(document.body, { attributes: true, attributeFilter: ["data-shown"] });
}"""


def make_campaign(folder: Path) -> None:
    """Run a campaign of `REAL` photos, then have `WAITING` copies of them wait for a person."""
    (folder / "photos").mkdir(parents=True)
    (folder / "campaign.toml").write_text(CAMPAIGN)
    made = make_photos(ROOT / "bench/out/photos", REAL, SIZE)["2mp"]
    photos = sorted(made.glob("*.jpg"))
    for path in photos:
        shutil.copy(path, folder / "photos")
    command = [sys.executable, "-m", "maskworks.apps.cli", "run", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file = read_campaign(folder)
    with open_store(database_beside(file.path)) as store:
        campaign = open_campaign(store, "large", currency="USD", settings="more")
        names = [f"more{number:04}.jpg" for number in range(WAITING)]
        for number, name in enumerate(names):
            os.link(folder / "photos" / photos[number % REAL].name, folder / "photos" / name)
        rows = [
            NewItem(source=n, content=n, settings="more", sku=n, tags=(), concept=None)
            for n in names
        ]
        with hold(store, campaign) as worker:
            add(store, worker, rows)
            while items := claim(store, worker, 200):
                for item in items:
                    path = f"default/default/{item.source}"
                    out = Output(path=path, sha256="0" * 64, width=1, height=1, bytes=1)
                    finish(store, item, Outcome(route="review", score=1.0, outputs=(out,)))


def walk(url: str, turns: int) -> dict[str, list[float]]:
    """Open the queue `turns` times and walk on; return the seconds waited."""
    from playwright.sync_api import sync_playwright

    first: list[float] = []
    following: list[float] = []
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for turn in range(turns):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            page = context.new_page()
            page.goto(f"{url}/review")
            page.fill("[name=who]", f"person {turn}")
            page.click("text=Begin")
            page.wait_for_url("**/review")
            began = time.perf_counter()
            page.goto(f"{url}/review/c/large", wait_until="commit")
            page.wait_for_selector("body[data-shown]", timeout=30_000)
            first.append(time.perf_counter() - began)
            page.evaluate(WATCH)
            for _ in range(REAL - 2):
                time.sleep(LOOK_S)
                seen = page.get_attribute("body", "data-shown")
                page.keyboard.press("j")
                page.wait_for_function("id => document.body.dataset.shown !== id", arg=seen)
            following += [each / 1000 for each in page.evaluate("window.waits")]
            context.close()
        browser.close()
    return {"first": first, "next": following}


def table(found: dict[str, list[float]]) -> list[str]:
    """Return the table of the page."""
    lines = [
        (
            f"{machine()}; {WAITING:,} pictures wait, {SIZE['2mp'][1]} x {SIZE['2mp'][0]} pixels "
            f"each, {LOOK_S:g} s of looking at each. Written by `python bench/review.py`."
        ),
        "",
        "| until it is seen | first time, ms | median, ms | slowest, ms | aim, ms |",
        "|---|---|---|---|---|",
    ]
    names = {"first": "the first picture, page included", "next": "the next one (`J`)"}
    for name, aim in (("first", FIRST_S), ("next", NEXT_S)):
        seconds = found[name]
        numbers = (seconds[0], statistics.median(seconds), max(seconds), aim)
        lines.append(f"| {names[name]} | " + " | ".join(f"{1000 * n:.0f}" for n in numbers) + " |")
    return lines


def main(arguments: list[str]) -> int:
    """Measure, print, and write the table where that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3, help="how often the page is opened")
    parser.add_argument("--write", type=Path, help="a page with a place for the table")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="maskworks-") as home:
        folder = Path(home) / "large"
        make_campaign(folder)
        command: list[Any] = [sys.executable, "-m", "maskworks.apps.cli", "serve", "--port", "0"]
        command += ["--data", Path(home) / "data", "--campaign", folder, "--log-level", "error"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            said = next(line for line in server.stderr or () if "serves http" in line)
            lines = table(walk(said.split()[2], options.turns))
        finally:
            server.terminate()
            server.communicate(timeout=60)
    print("\n".join(lines))
    if options.write:
        put_block(options.write, "bench-review", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
