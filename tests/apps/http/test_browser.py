"""The review page in a real, headless Chromium.

Without Chromium or Playwright these tests are skipped, unless MASKWORKS_TEST_BROWSER=required,
as in CI: then they fail.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.store import (
    Filter,
    NewItem,
    Outcome,
    Output,
    add,
    claim,
    database_beside,
    finish,
    hold,
    list_items,
    list_reviews,
    open_campaign,
    open_store,
)
from maskworks.studio.store.reviewing import matte_versions

EVERY = "[...document.querySelectorAll('[data-id]')].map(one => Number(one.dataset.id))"
"""The numbers of the pictures in the list."""


@pytest.fixture
def ana(sitting, reviewed):
    return sitting(reviewed.server, "Ana").open()


def decision(reviewed, number):
    every = list_items(reviewed.store, reviewed.campaign, Filter())
    return next(item for item in every if item.id == number).decision


def test_accept_by_key_shows_the_next_one(ana, reviewed):
    first = ana.shown
    ana.press("a")
    ana.hears("accept → deliver")
    ana.leaves(first)
    assert decision(reviewed, first) == "accept"
    assert ana.page.inner_text("#left") == "3"
    assert list_reviews(reviewed.store, reviewed.campaign)[-1].who == "Ana"


def test_reject_asks_for_a_reason_and_undo_takes_it_back(ana, reviewed):
    first = ana.shown
    ana.press("r")
    ana.page.click("text=hair or fur")
    ana.press("Enter")
    ana.hears("reject → manual")
    assert decision(reviewed, first) == "reject"
    ana.press("z")
    ana.hears("taken back")
    assert decision(reviewed, first) is None
    ana.sees(first)


def test_keys_walk_zoom_and_change_the_view(ana):
    first = ana.shown
    ana.press("j")
    ana.leaves(first)
    ana.press("k")
    ana.sees(first)
    cutout = ana.pixel(0.5, 0.5)
    views = []
    for _ in range(4):
        ana.press(" ")
        views.append(ana.page.get_attribute("[data-view][aria-pressed=true]", "data-view"))
    assert views == ["original", "matte", "overlay", "cutout"]
    assert ana.pixel(0.5, 0.5) == cutout
    ana.press("c")
    assert ana.page.is_visible("#compare")
    ana.press("+")
    ana.press("h")
    ana.press("l")
    assert ana.page.get_attribute("#heat", "aria-pressed") == "true"


def test_list_shows_photos_and_one_without_a_subject_opens_on_its_own(
    starting, sitting, tmp_path, draw, home
):
    folder = tmp_path / "spring"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos/empty.png").write_bytes(draw(level=60).data)  # too dark for a subject
    (folder / "photos/full.png").write_bytes(draw(level=250).data)
    (folder / "campaign.toml").write_text(
        '[campaign]\nname = "spring"\n[input]\nfolder = "photos"\nmodel = "bright"\n'
        "[quality]\ndeliver_at = 1.0\n"
    )
    assert main(["run", str(folder)]) == 0
    ben = sitting(starting(campaigns=(folder,)), "Ben").open()
    ben.page.wait_for_function(
        "() => [...document.querySelectorAll('#list img')].every(one => one.naturalWidth > 0)"
    )
    small = "[...document.querySelectorAll('#list img')].map(one => [one.width, one.height])"
    assert ben.page.evaluate(small) == [[48, 48], [48, 48]]
    pressed = "document.querySelector('[data-view][aria-pressed=true]').dataset.view"
    views = {}
    for number in ben.page.evaluate(EVERY):
        ben.page.click(f"[data-id='{number}']")
        ben.sees(number)
        views[ben.page.inner_text("#title")] = ben.page.evaluate(pressed)
    assert views == {"empty": "original", "full": "cutout"}
    assert ben.pixel(0.5, 0.5)[3] == 255


def test_stroke_is_drawn_undone_saved_and_delivered(ana, reviewed):
    first = ana.shown
    box = ana.page.locator("#canvas").bounding_box()
    ana.press(" ")
    ana.press(" ")  # the matte
    ana.press("f")
    ana.page.wait_for_selector("#fix-tools:not([hidden])")
    middle, low = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.93

    def draw():
        ana.page.mouse.move(middle - 60, low)
        ana.page.mouse.down()
        ana.page.mouse.move(middle, low, steps=4)
        ana.page.mouse.move(middle + 60, low, steps=4)
        ana.page.mouse.up()

    assert ana.pixel(0.5, 0.93)[0] < 30
    draw()
    assert ana.pixel(0.5, 0.93)[0] > 200
    ana.press("z")
    assert ana.pixel(0.5, 0.93)[0] < 30
    ana.press("Shift+Z")
    assert ana.pixel(0.5, 0.93)[0] > 200
    ana.page.uncheck("#refine")
    ana.press("s")
    ana.hears("fixed → deliver")
    version = matte_versions(reviewed.store, first)[0]
    with Image.open(reviewed.out / version.path) as drawn:
        alpha = np.asarray(drawn)
    assert alpha[int(0.93 * 120), 80] == 255
    assert version.who == "Ana"


def test_clicks_take_a_thing_away_and_bring_it_back(ana, reviewed):
    first = ana.shown
    box = ana.page.locator("#canvas").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    ana.press(" ")
    ana.press(" ")  # the matte
    ana.press("f")
    ana.page.wait_for_selector("#fix-tools:not([hidden])")

    def click(tool):
        ana.page.click(f"[data-tool={tool}]")
        with ana.page.expect_response("**/preview"):
            ana.page.mouse.click(*middle)

    def turns(dark):
        ana.page.wait_for_function(
            "dark => { const c = document.getElementById('canvas'), x = c.width / 2;"
            "const p = c.getContext('2d').getImageData(x, c.height / 2, 1, 1).data;"
            "return dark ? p[0] < 30 : p[0] > 200; }",
            arg=dark,
        )

    turns(dark=False)
    click("background")
    turns(dark=True)
    ana.press("z")
    turns(dark=False)
    ana.press("Shift+Z")
    turns(dark=True)
    click("foreground")
    turns(dark=False)
    ana.page.uncheck("#refine")
    ana.press("s")
    ana.hears("fixed → deliver")
    version = matte_versions(reviewed.store, first)[0]
    assert [stroke["kind"] for stroke in version.strokes] == ["background", "foreground"]
    with Image.open(reviewed.out / version.path) as drawn:
        assert np.asarray(drawn)[60, 80] == 255


def test_unfinished_fix_is_kept_and_found_again(ana):
    first = ana.shown
    box = ana.page.locator("#canvas").bounding_box()
    ana.press("f")
    ana.page.wait_for_selector("#fix-tools:not([hidden])")
    ana.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    ana.press("Escape")
    ana.hears("unfinished fix is kept")
    ana.page.reload()
    ana.sees(first)
    ana.hears("unfinished fix")


def test_two_people_get_different_pictures_and_never_overwrite(ana, sitting, reviewed):
    mine = ana.shown
    ben = sitting(reviewed.server, "Ben").open()
    assert ben.shown != mine
    ben.page.click(f"[data-id='{mine}']")
    ben.hears("Ana has this picture open")
    ben.press("a")
    ben.hears("Ana has this picture open")
    assert decision(reviewed, mine) is None
    ana.press("a")
    ana.hears("accept → deliver")
    assert decision(reviewed, mine) == "accept"


def test_decision_of_somebody_else_is_told_before_it_could_be_overwritten(
    ana, sitting, reviewed, sit_down
):
    first = ana.shown
    other = next(i for i in ana.page.evaluate(EVERY) if i != first)
    with sit_down(reviewed.server, "spring", who="Ben") as ben:
        ben.post(other, "decide", verdict="accept", lease=ben.take(other))
    ana.page.click(f"[data-id='{other}']")
    ana.hears("Ben has accepted it meanwhile")
    assert "gone" in ana.page.get_attribute(f"li:has([data-id='{other}']) button", "class")
    ana.page.click(f"[data-id='{first}']")
    ana.sees(first)
    ana.press("a")
    ana.hears("accept → deliver")
    ana.leaves(first)
    assert ana.shown != other, "what is decided is passed over"


def test_retouchers_file_is_chosen_and_delivered(ana, reviewed, tmp_path):
    first = ana.shown
    pixels = np.zeros((120, 160, 4), np.uint8)
    pixels[20:100, 30:130] = (20, 40, 220, 255)
    Image.fromarray(pixels).save(tmp_path / "back.png")
    ana.page.set_input_files("#upload", tmp_path / "back.png")
    ana.hears("handed in → deliver")
    ana.leaves(first)
    assert decision(reviewed, first) == "accept"
    (tmp_path / "letter.png").write_bytes(b"Dear Sir")
    second = ana.shown
    ana.page.set_input_files("#upload", tmp_path / "letter.png")
    ana.hears("is not a picture")
    assert decision(reviewed, second) is None


def test_fix_is_drawn_by_keyboard_alone(ana, reviewed):
    first = ana.shown
    ana.press(" ")
    ana.press(" ")  # the matte
    ana.press("f")
    ana.page.wait_for_selector("#fix-tools:not([hidden])")
    ana.press("e")
    assert ana.pixel(0.5, 0.5)[0] > 200
    ana.press("Enter")
    assert ana.pixel(0.5, 0.5)[0] < 30
    for _ in range(3):
        ana.press("Shift+ArrowRight")
    assert ana.page.is_visible("#ring")
    ana.page.uncheck("#refine")
    ana.page.focus("#canvas")
    ana.press("s")
    ana.hears("fixed → deliver")
    strokes = matte_versions(reviewed.store, first)[0].strokes
    assert [stroke["kind"] for stroke in strokes] == ["erase"] * 4
    assert strokes[0]["points"] == [[80, 60]]
    assert strokes[3]["points"][1][0] > strokes[1]["points"][0][0]


def test_brand_colour_is_the_campaigns_and_can_be_chosen_again(sitting, starting, campaign_folder):
    file = campaign_folder / "campaign.toml"
    concept = '[[concept]]\nname = "default"\nbackgrounds = ["#336699"]\n'
    file.write_text(file.read_text() + concept)
    ana = sitting(starting(campaigns=(campaign_folder,)), "Ana").open()
    for chosen in ("brand", "black", "brand"):
        ana.page.click(f"[data-ground={chosen}]")
    assert ana.pixel(0.5, 0.06)[:3] == [0x33, 0x66, 0x99]


def test_page_survives_a_server_that_is_away(ana, reviewed):
    first = ana.shown
    ana.context.set_offline(True)
    ana.press("a")
    ana.hears("does not answer")
    assert decision(reviewed, first) is None
    ana.context.set_offline(False)
    ana.press("a")
    ana.hears("accept → deliver")


def test_every_control_has_a_name_and_nothing_is_wider_than_a_phone(sitting, reviewed):
    ana = sitting(reviewed.server, "Ana", viewport={"width": 390, "height": 844}).open()
    nameless = ana.page.evaluate(
        "[...document.querySelectorAll('button, input, select, canvas:not([hidden])')].filter(e =>"
        "!(e.textContent.trim() || e.ariaLabel || e.labels?.length || e.hidden"
        " || e.type === 'hidden')).map(e => e.outerHTML)"
    )
    assert nameless == []
    for path in ("", "/dashboard"):
        ana.page.goto(f"{reviewed.server.url}/review/c/spring{path}")
        assert ana.page.evaluate("document.documentElement.scrollWidth") <= 390
    ana.page.fill("#at", "50")
    assert "At 0.50 you would deliver" in ana.page.inner_text("#told")


def test_nothing_moves_for_who_asked_for_less_motion(sitting, reviewed):
    ana = sitting(reviewed.server, "Ana", reduced_motion="reduce").open()
    moving = ana.page.evaluate(
        "[...document.querySelectorAll('*')].map(e => getComputedStyle(e)).filter(s =>"
        " parseFloat(s.transitionDuration) || s.animationName !== 'none'"
        " || s.scrollBehavior === 'smooth').length"
    )
    assert moving == 0


def test_thousand_pictures_are_shown_at_once(starting, sitting, tmp_path, draw):
    folder = tmp_path / "large"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos/0000.png").write_bytes(draw().data)
    (folder / "campaign.toml").write_text(
        '[campaign]\nname = "large"\n[input]\nfolder = "photos"\nmodel = "bright"\n'
    )
    file = read_campaign(folder)
    with open_store(database_beside(file.path)) as store:
        campaign = open_campaign(store, "large", currency="USD", settings="s")
        _fill(store, campaign, folder)
    server = starting(campaigns=(folder,))
    ana = sitting(server, "Ana").open("large")
    assert ana.page.locator("#list li").count() == 1000
    assert ana.page.inner_text("#left") == "1000"
    first = ana.shown
    ana.press("j")
    ana.leaves(first)


def _fill(store, campaign, folder):
    names = [f"{number:04}.png" for number in range(1000)]
    for name in names[1:]:
        os.link(folder / "photos/0000.png", folder / f"photos/{name}")
    rows = [NewItem(source=n, content=n, settings="s", sku=n, tags=(), concept=None) for n in names]
    reasons = (Reason("low-score", 0.5, 0.85, "score 0.5 is below 0.85"),)
    with hold(store, campaign) as worker:
        add(store, worker, rows)
        while items := claim(store, worker, 100):
            for item in items:
                made = Output(
                    path=f"default/default/{item.source}",
                    sha256="0" * 64,
                    width=1,
                    height=1,
                    bytes=1,
                )
                done = Outcome(route="review", score=0.5, reasons=reasons, outputs=(made,))
                finish(store, item, done)
