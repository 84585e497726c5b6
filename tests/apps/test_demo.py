from __future__ import annotations

import itertools
import json
import re
import socket
from importlib.resources import files

import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.apps.demo.campaign import PHOTOS as CAMPAIGN_PHOTOS
from maskworks.apps.demo.campaign import write_campaign
from maskworks.apps.demo.page import page
from maskworks.apps.demo.photos import BUNDLED, PHOTOS, samples
from maskworks.batch.work import ManifestRow
from maskworks.studio.campaign.assignment import assign
from maskworks.studio.campaign.campaign_file import read_campaign


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("the demo opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_demo_cuts_photos_out_and_writes_a_page(home, offline, tmp_path, capsys):
    folder = tmp_path / "demo-out"
    (folder / "photos").mkdir(parents=True)  # of an earlier demo: it may be run again
    assert main(["demo", "-o", str(folder), "--model", "bright"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    names = [*PHOTOS, *BUNDLED]
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert [row["source"].rsplit("/", 1)[1] for row in rows] == names
    assert all(name in out for name in names)
    assert str(folder / "index.html") in out
    assert re.search(r"^All of it took \d+ s\.$", out, re.MULTILINE)
    html = (folder / "index.html").read_text()
    assert html.count("<article>") == len(names)
    sources = re.findall(r'(?:src|href)="(.*?)"', html)
    assert all(s.startswith(("data:image/", "#")) or (folder / s).is_file() for s in sources)
    assert 'src="clip/pan.webp"' in html
    with Image.open(folder / "clip/pan.webp") as moving:
        assert moving.n_frames == 12
    assert "$ maskworks run " in out
    check_campaign(folder / "campaign/spring-out", html)
    assert main(["run", str(folder / "campaign")]) == 1
    assert "9 pictures, nothing to do (9 done before)" in capsys.readouterr().out


def check_campaign(out, html):
    """Two concepts with three backgrounds each, an exception, no subject, a corrupt file."""
    figures = json.loads((out / "report.json").read_text())
    assert figures["items_in"] == figures["items"] == sum(figures["routes"].values()) == 9
    assert set(figures["concepts"]) == {"lifestyle", "product"}
    assert (figures["routes"]["manual"], figures["routes"]["failed"]) == (1, 1)
    assert figures["reasons"]["exception:tag:long-fur"] == 1
    made = list(out.glob("*/*/*/photos/**/*.jpg"))
    variants = {path.relative_to(out).parts[1:3] for path in made}
    assert variants == {
        *itertools.product(["lifestyle"], ["marble", "dusk", "f4f1ec"]),
        *itertools.product(["product"], ["linen", "sand", "ffffff"]),
    }
    assert len(made) == figures["outputs"] == html.count("<figcaption>on ")
    assert (out / "manual/brief.csv").is_file()
    assert html.count('class="row"') == 9
    assert "is cut off" in html
    with (out / "deliverables.csv").open() as stream:
        assert next(stream) == "source,sku,concept,variant,path,sha256,score\n"


def test_campaign_of_the_demo_is_one_a_producer_may_go_on_with(home, tmp_path):
    path = write_campaign(tmp_path, samples(), model="bright")
    plan = assign(read_campaign(path))
    assert plan.notes == ()
    assert [(item.source, item.rule is None) for item in plan.items] == [
        (f"photos/{source}", source != "product/fur-hat.jpg") for source in CAMPAIGN_PHOTOS
    ]


def test_demo_does_not_write_into_a_folder_of_other_things(home, tmp_path, capsys):
    (tmp_path / "mine.txt").touch()
    assert main(["demo", "-o", str(tmp_path), "--model", "bright"]) == 2
    assert "name an empty folder" in capsys.readouterr().err


def test_photos_are_really_in_the_wheel():
    assert {sample.name for sample in samples()} == {*PHOTOS, *BUNDLED}


def test_every_photo_of_ours_is_credited():
    folder = files("maskworks.apps.demo") / "bundled"
    credited = set(
        re.findall(r"^\| (\S+\.jpg) \|", (folder / "CREDITS.md").read_text(), re.MULTILINE)
    )
    there = {path.name for path in folder.iterdir()}
    assert credited == set(BUNDLED) == there - {"CREDITS.md"}


@pytest.mark.slow
def test_what_is_delivered_or_ok_in_the_demo_is_not_torn(offline, home, tmp_path):
    assert main(["demo", "-o", str(tmp_path / "out")]) == 0
    lines = (tmp_path / "out/manifest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    said = {row["source"].rsplit("/", 1)[1]: row["status"] for row in rows}
    assert {said["dress.jpg"], said["jacket.jpg"], said["bobble-hat.jpg"]} == {"ok"}
    assert {said["brick.png"], said["grass.png"]} <= {"no-subject", "review"}
    assert all(row["soft_interior"] <= 0.05 for row in rows if row["status"] == "ok")
    report = json.loads((tmp_path / "out/campaign/spring-out/report.json").read_text())
    assert report["routes"]["deliver"] >= 2


def test_page_escapes_names(tmp_path):
    path = tmp_path / '<b>"x".png'
    Image.new("RGB", (4, 4)).save(path)
    row = ManifestRow(source=str(path), output=None, status="no-subject", model="m", confidence=0.5)
    html = page([row], {path.name: "<i>"}, "<u>")
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<u>" not in html
