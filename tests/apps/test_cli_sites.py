"""`maskworks sites`: a table in, a ranking out; going on, deciding, and what is wrong said."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from maskworks.apps.cli.main import main

PLAIN = ["--no-ocr", "--threads", "1"]


def scene(seed):
    """A street: sky, houses with windows, a tree, road and pavement."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (320, 240), (150, 190, 235))
    draw = ImageDraw.Draw(picture)
    left = 0
    while left < 320:
        wide, top = (int(each) for each in random.integers((40, 30), (90, 110)))
        shade = int(random.integers(90, 170))
        draw.rectangle([left, top, left + wide, 170], fill=(shade, shade - 20, shade - 40))
        for x in range(left + 8, left + wide - 10, 18):
            for y in range(top + 10, 150, 24):
                draw.rectangle([x, y, x + 8, y + 12], fill=(60, 70, 85))
        left += wide
    draw.rectangle([0, 170, 320, 190], fill=(170, 165, 160))
    draw.rectangle([0, 190, 320, 240], fill=(80, 80, 84))
    x = int(random.integers(20, 280))
    draw.ellipse([x, 70, x + 60, 140], fill=(50, 110, 40))
    noise = random.normal(0, 6, (240, 320, 3))
    return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)


def photo(path, seed, *, taken=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken is not None:
        exif.get_ifd(0x8769)[36867] = taken
    Image.fromarray(scene(seed)).save(path, exif=exif)


def read_rows(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three sites: one of four photos by hour, one of two of which one is a copy, one without."""
    for at, hour in enumerate(("08", "12", "16", "23")):
        photo(tmp_path / "north" / hour / "a.jpg", at)
    photo(tmp_path / "south" / "a.jpg", 9, taken="2026:11:30 12:00:00")
    photo(tmp_path / "south" / "b.jpg", 9, taken="2026:11:30 12:00:20")
    (tmp_path / "south" / "c.jpg").write_bytes(b"no picture")
    Image.new("RGB", (320, 240), (8, 8, 10)).save(tmp_path / "south" / "night.jpg")
    (tmp_path / "sites.csv").write_text(
        "id,name,venue,lat,lon,photos,hours\n"
        "north,North Street,305,52.5,13.4,north,07:00-22:00\n"
        "south,South Street,399,52.6,13.5,south,\n"
        "gone,Gone,302,,,gone,\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sites_are_ranked_and_what_is_wrong_is_told(folder, capsys):
    assert main(["sites", "sites.csv", "-o", "out", *PLAIN]) == 1
    said = capsys.readouterr()
    assert "gone: " in said.err
    assert "is not there; name the folder of gone's photos" in said.err
    assert "2 sites looked at, 0 kept, 1 failed" in said.out
    rows = {row["id"]: row for row in read_rows(folder / "out/ranking.csv")}
    assert rows["north"]["photos"] == "3"  # the one at 23:00 is from when the screen is off
    assert rows["north"]["unranked"] == "3 photos count, 4 are the least for a rank"
    south = rows["south"]
    assert (south["photos"], south["photos_left_out"]) == ("1", "2")
    for note in ("'399' is not in OpenOOH", "c.jpg", "from one minute"):
        assert note in south["notes"]
    photos = read_rows(folder / "out/photos.csv")
    left_out = {(row["id"], row["photo"]): row["left_out"] for row in photos}
    assert left_out["south", "b.jpg"] == "shows the same as a.jpg"
    assert "in the dark" in left_out["south", "night.jpg"]
    assert "when the screen is off" in left_out["north", "23/a.jpg"]
    page = (folder / "out/index.html").read_text()
    for told in ("North Street", "gone", "does not count", "nobody is sorted", "data:image/jpeg"):
        assert told in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    geo = json.loads((folder / "out/sites.geojson").read_text())
    assert [each["geometry"]["coordinates"] for each in geo["features"]] == [
        [13.4, 52.5],
        [13.5, 52.6],
    ]
    dooh = {
        each["dooh"]["id"]: each["dooh"]
        for each in json.loads((folder / "out/openrtb.json").read_text())
    }
    assert (dooh["north"]["venuetype"], dooh["north"]["venuetypetax"]) == (["302"], 5)
    assert dooh["north"]["ext"]["maskworks"]["openooh_1_2"] == 305
    assert "venuetype" not in dooh["south"]


def test_a_run_goes_on_and_people_decide(folder, capsys):
    assert main(["sites", "sites.csv", "-o", "out", *PLAIN, "--quiet"]) == 1
    capsys.readouterr()
    assert main(["sites", "sites.csv", "-o", "out", *PLAIN]) == 2
    assert "give --resume or --overwrite" in capsys.readouterr().err
    photo(folder / "north" / "13" / "b.jpg", 5)
    assert main(["sites", "sites.csv", "-o", "out", *PLAIN, "--resume", "--json"]) == 1
    told = {row["id"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {name: row["status"] for name, row in told.items()} == {
        "north": "done",
        "south": "kept",
        "gone": "failed",
    }
    assert told["north"]["rank"] == 1
    assert told["north"]["low"] <= told["north"]["score"] <= told["north"]["high"]
    assert told["gone"]["error"]["code"]

    review = ["review", "sites", "out", "--by", "ana"]
    assert main([*review, "--site", "north", "--verdict", "exclude"]) == 2
    assert "excluded with a reason" in capsys.readouterr().err
    assert main([*review, "--site", "nort"]) == 2
    assert "did you mean north?" in capsys.readouterr().err
    assert main([*review, "--site", "north", "--verdict", "override", "--score", "12.5"]) == 0
    assert "north: override, by ana; now rank 1" in capsys.readouterr().out
    assert main([*review, "--site", "south", "--verdict", "exclude", "--reason", "closed"]) == 0
    assert main(["review", "sites", "out"]) == 0
    assert "south South Street: exclude by ana closed" in capsys.readouterr().out
    rows = {row["id"]: row for row in read_rows(folder / "out/ranking.csv")}
    assert rows["north"]["human_score"] == "12.5"
    assert float(rows["north"]["score"]) == pytest.approx(told["north"]["score"])
    assert rows["south"]["unranked"] == "excluded by ana: closed"
    assert rows["gone"]["error"]
    assert "by a person 12.5" in (folder / "out/index.html").read_text()


def test_a_clip_gives_frames_and_who_passes(tmp_path, monkeypatch, capsys):
    av = pytest.importorskip("av")
    ground = scene(3)
    with av.open(str(tmp_path / "feed.mp4"), "w") as out:
        video = out.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.bit_rate = 2_000_000
        for at in range(60):
            frame = ground.copy()
            if 10 <= at < 50:
                left = 6 * (at - 10)
                frame[150:200, left : left + 24] = (200, 40, 40)
            out.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(video.encode())
    (tmp_path / "sites.csv").write_text("id,photos\nfeed,feed.mp4\n")
    monkeypatch.chdir(tmp_path)
    assert main(["sites", "sites.csv", "-o", "out", *PLAIN]) == 0
    record = json.loads((tmp_path / "out/sites/feed/site.json").read_text())
    assert [(each["kind"], each["counted"]) for each in record["passers"]] == [("moving", 1)]
    assert any("what moves before a fixed camera" in note for note in record["notes"])
    assert len(record["photos"]) == 8
    assert "feed: " in capsys.readouterr().out


def test_wrong_use_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "sites.csv").write_text("id,photos\na,a\n")
    for extra, message in (
        (["--model", "kmeans"], "which are not of streets"),
        (["--objects", "street"], "tells classes of pixels, not objects"),
        (["--policy", "none.toml"], "none.toml: cannot be read"),
        (["--overwrite", "--resume"], "exclude each other"),
    ):
        assert main(["sites", "sites.csv", "-o", "out", *PLAIN, *extra]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert main(["sites", "sites.csv", "-o", "out", *PLAIN]) == 0
    assert "no rank: a: no score; has no photo that can be read" in capsys.readouterr().out
