from __future__ import annotations

import json
import re
import socket

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.apps.demo import drawings
from maskworks.apps.demo.page import page
from maskworks.apps.demo.photos import DRAWINGS, PHOTOS, samples
from maskworks.studio.item import Row


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("the demo opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_demo_cuts_photos_out_and_writes_a_page(home, offline, tmp_path, capsys):
    folder = tmp_path / "demo-out"
    (folder / "photos").mkdir(parents=True)  # of an earlier demo: it may be run again
    assert main(["demo", "-o", str(folder), "--model", "bright"]) == 0
    out = capsys.readouterr().out
    names = [*PHOTOS, *DRAWINGS]
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert [row["source"].rsplit("/", 1)[1] for row in rows] == names
    assert all(name in out for name in names)
    assert str(folder / "index.html") in out
    html = (folder / "index.html").read_text()
    assert html.count("<article>") == len(names)
    sources = re.findall(r'(?:src|href)="(.*?)"', html)
    assert all(s.startswith("data:image/") or (folder / s).is_file() for s in sources)


def test_demo_does_not_write_into_a_folder_of_other_things(home, tmp_path, capsys):
    (tmp_path / "mine.txt").touch()
    assert main(["demo", "-o", str(tmp_path), "--model", "bright"]) == 2
    assert "name an empty folder" in capsys.readouterr().err


def test_photos_are_really_in_the_wheel():
    assert {sample.name for sample in samples()} == {*PHOTOS, *DRAWINGS}


@pytest.mark.parametrize("draw", [draw for draw, _ in DRAWINGS.values()])
def test_drawings_are_the_same_every_time(draw):
    first, second = draw(None), draw(None)
    assert first.mode == "RGB"
    assert (np.asarray(first) == np.asarray(second)).all()
    assert drawings.png_of(first).startswith(b"\x89PNG")


def test_page_escapes_names(tmp_path):
    path = tmp_path / '<b>"x".png'
    Image.new("RGB", (4, 4)).save(path)
    row = Row(source=str(path), output=None, status="no-subject", model="m", confidence=0.5)
    html = page([row], {path.name: "<i>"}, "<u>")
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<u>" not in html
