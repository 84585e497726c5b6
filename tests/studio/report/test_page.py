from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from maskworks.studio import report
from maskworks.studio.report import summarise
from maskworks.studio.report.page import page

FILES = Path(report.__file__).parent


@pytest.fixture
def html(book, mixed):
    def draw(items=mixed, **fields):
        head = book.header(fields.pop("items_in", len(items)), **fields)
        return page(head, summarise(head, items), items)

    return draw


class Elements(HTMLParser):
    """Every element with its attributes, the scripts with their text, and all other text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.scripts, self.open, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.open[-1:] != ["style"]:
            self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def data_of(text):
    return json.loads(Elements(text).scripts[0])["items"]


def test_page_fetches_nothing_and_runs_its_own_script_only(html, book):
    text = html(campaign=book.hard_name)
    elements = Elements(text)
    assert len(elements.scripts) == 2
    assert not re.search(r"https?:|@import|url\(", text)
    assert not {name for name, _ in elements.found} & {"link", "iframe", "object", "base", "form"}
    assert [name for _, attributes in elements.found for name in attributes if name == "src"] == []
    handlers = [k for _, attributes in elements.found for k in attributes if k.startswith("on")]
    assert handlers == []
    digest = base64.b64encode(hashlib.sha256(elements.scripts[1].encode()).digest()).decode()
    (policy,) = [m["content"] for m in elements.named("meta") if "http-equiv" in m]
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_names_and_reasons_are_text_everywhere(book, mixed, html):
    hostile = "</script><img src=x onerror=alert(1)>"
    evil = mixed[0].__class__(source=hostile, route="review", sku=hostile, tags=(hostile,),
                              concept=hostile, error=hostile, outputs=(hostile,))  # fmt: skip
    text = html([*mixed, evil], campaign=hostile, model=hostile, preset=hostile)
    elements = Elements(text)
    assert elements.named("img") == []
    assert len(elements.scripts) == 2
    row = data_of(text)[-1]
    assert (row["source"], row["tags"], row["outputs"]) == (hostile, [hostile], [hostile])


def test_script_never_writes_markup():
    script = (FILES / "page.js").read_text()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in script


def test_script_finds_every_element_it_asks_for(html):
    ids = {attributes.get("id") for _, attributes in Elements(html()).found}
    asked = set(re.findall(r'\$\("(\w+)"\)', (FILES / "page.js").read_text()))
    asked |= {"data", "route", "reason", "tag", "concept", "sort"}
    assert asked - ids == set()


@pytest.mark.skipif(not shutil.which("node"), reason="no JavaScript here")
def test_script_is_javascript():
    subprocess.run(["node", "--check", FILES / "page.js"], check=True, capture_output=True)


def test_every_row_is_in_the_page(html, mixed):
    rows = data_of(html())
    assert [row["route"] for row in rows] == [item.route for item in mixed]
    first, second, _, last = rows
    assert (first["cost"], first["score"], first["sku"]) == ("3.40 USD", 0.97, "A-1")
    assert second["reasons"] == [["low-score", "score 0.610 is below 0.85"]]
    assert (last["error"], last["pair"], last["score"]) == ("is <b>cut off</b>", None, None)
    assert [bool(code) for code in first["pair"]] == [True, True]


def test_items_in_are_shown_as_items_out(html, mixed):
    assert "4 in = 4 out: no picture was lost" in Elements(html()).text
    assert "5 in, but 4 out: 1 without a route" in Elements(html(items_in=5)).text
    twice = html([*mixed, mixed[0]], items_in=5)
    assert "5 in, but 5 out: a/1.jpg came out twice" in Elements(twice).text


def test_the_ledger_says_what_is_open_and_what_the_total_can_become(html, book):
    text = html(book.items(deliver=2, review=4))
    words = (
        "6.80 USD settled, 88.00 USD open for 4 that wait for a decision: 20.40 USD in all if "
        "every one is accepted, 94.80 USD if every one is sent out"
    )
    assert words in text
    assert "a year" not in text


def test_headline_and_ledger_say_what_it_cost(html, book):
    text = " ".join(Elements(html(book.items(manual=18, deliver=82))).text.split())
    assert "82 of 100 pictures are ready to use; 18 wait for a person." in text
    assert "A picture costs 6.75 USD on average, 69 % below the baseline." in text
    assert "69 % saved 1,525.20 USD of 2,200.00 USD" in text
    assert "Four campaigns like this one save 6,100 USD a year." in text


def test_a_loss_is_called_a_loss(html, book):
    rates = book.rates.model_copy(update={"manual": 3, "baseline": 3})
    items = [book.item("a", unit_cost=rates.automated, baseline=rates.without)]
    text = Elements(html(items, rates=rates)).text
    assert "13 % dearer" in text
    assert "13 % above the baseline" in text
    assert "like this one save" not in text


def test_page_without_rates_or_pictures_or_tags_is_still_a_page(html, book):
    text = Elements(html([], rates=None)).text
    assert "The campaign names no cost" in text
    assert "No picture was held back" in text
    assert "have no tags" in text


def test_threshold_and_pictures_without_a_score_are_named(html):
    text = Elements(html(deliver_at=0.4)).text
    assert "delivered from 0.4" in text
    assert "2 pictures have no score" in text


def test_pictures_without_a_preview_are_counted(html, book, small, monkeypatch):
    from maskworks.studio.report import thumbnails

    items = [book.item(str(n), before=small, score=0.9) for n in range(5)]
    assert "have no preview here" not in html(items)
    monkeypatch.setitem(thumbnails.PER_ROUTE, "deliver", 2)
    assert "3 pictures have no preview here" in html(items)
    assert "1 picture has no preview here" in html(items[:3])


def test_picture_that_cannot_be_read_is_not_called_left_out(html, book, tmp_path):
    (tmp_path / "cut-off.jpg").write_bytes(b"\xff\xd8\xff")
    item = book.item("cut-off.jpg", "failed", before=tmp_path / "cut-off.jpg", error="is cut off")
    assert "no preview here" not in html([item])


def test_every_control_has_a_name(html):
    elements = Elements(html())
    labels = re.findall(r"<label[^>]*>(.*?)</label>", html(), re.DOTALL)
    named = sum(len(re.findall(r"<(?:input|select)", label)) for label in labels)
    assert named == len(elements.named("input")) + len(elements.named("select"))
    for attributes in [a for name in ("div", "figure", "section") for a in elements.named(name)]:
        if attributes.get("role") == "img":
            assert attributes["aria-label"]


# ------------------------------------------------------------------ colours


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_from_their_ground(scheme):
    """Text at least 4.5 : 1, lines around controls at least 3 : 1 (WCAG 2.2 AA)."""
    light, dark = (FILES / "page.css").read_text().split("@media (prefers-color-scheme: dark)")
    block = light if scheme == "light" else dark.split("} }")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for ground in ("paper", "card", "sunk"):
        for text in ("ink", "dim", "accent", "deliver", "review", "manual", "failed"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["edge"], colours[ground]) >= 3, ground
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
