"""A drawn clip of two discs that cross the picture, before a camera that stands still."""

from __future__ import annotations

import csv
import io
import json

import av
import numpy as np
import pytest
import supervision

import maskworks as mw
from maskworks.apps.cli.main import main
from maskworks.core.errors import OutputError, UnreadableError, UsageError
from maskworks.core.rle_coco import from_coco
from maskworks.video.tracking.call import parse_line, parse_zone

FRAMES, HEIGHT, WIDTH = 60, 120, 200


def frame(index):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.full((HEIGHT, WIDTH, 3), (90, 100, 110), np.uint8)
    picture[(rows // 12 + columns // 12) % 2 == 0] = (100, 110, 120)
    for x, y, colour in (
        (20 + 3 * (index - 10), 35, (220, 60, 40)),
        (180 - 3 * index, 90, (240, 230, 60)),
    ):
        picture[(rows - y) ** 2 + (columns - x) ** 2 < 12**2] = colour
    return picture


@pytest.fixture
def discs(clip):
    return clip("discs.mkv", [frame(at) for at in range(FRAMES)])


def test_what_moves_before_a_fixed_camera_is_counted_and_crosses(discs):
    found = mw.track(
        discs,
        "background",
        lines={"middle": (100, 0, 100, 120), "upper": (100, 0, 100, 60)},
        zones={"right": (100, 0, 200, 0, 200, 120, 100, 120)},
    )
    (only,) = found.counts
    assert (only.kind, only.counted, only.low, only.high) == ("moving", 2, 2, 2)
    ways = {(each.line, each.direction) for each in found.crossings}
    assert ways == {
        ("middle", "right-to-left"),
        ("middle", "left-to-right"),
        ("upper", "right-to-left"),
    }
    # The lower one is at x = 100 in frame 26, the upper one in frame 37.
    assert [each.frame for each in found.crossings if each.line == "middle"] == pytest.approx(
        [27, 37], abs=2
    )
    assert {each.zone for each in found.stays} == {"right"}
    assert "background model" in found.detector


def test_masks_follow_what_was_drawn(discs):
    found = mw.track(discs, "background")
    for track in found.tracks:
        seen = track.sightings[len(track.sightings) // 2]
        x, y = track.path[len(track.sightings) // 2]
        assert seen.mask.area == pytest.approx(np.pi * 12**2, rel=0.25)
        truth = (180 - 3 * seen.frame, 90) if y > 60 else (20 + 3 * (seen.frame - 10), 35)
        assert (x, y) == pytest.approx(truth, abs=3)


def test_supervision_gets_ids(discs):
    found = mw.track(discs, "background")
    detections = found.to_supervision(30)
    assert isinstance(detections, supervision.Detections)
    assert sorted(detections.tracker_id.tolist()) == [1, 2]
    assert detections.mask.shape == (2, HEIGHT, WIDTH)
    assert len(found.to_supervision(0)) == 0
    with pytest.raises(UsageError, match="the frames 0 to 59, got 60"):
        found.to_supervision(60)


def test_the_command_writes_what_other_tools_read(discs, tmp_path, capsys):
    out = tmp_path / "out"
    line = "100,0,100,120 middle"
    code = main(["track", str(discs), "-o", str(out), "--model", "background", "--line", line])
    said = capsys.readouterr().out
    assert code == 0
    assert "moving: 2 (between 2 and 2)" in said
    assert "line middle: 2 crossed, 1 from its left to its right, 1 back" in said
    rows = list(csv.DictReader(io.StringIO((out / "discs.tracks.csv").read_text())))
    mot = [row.split(",") for row in (out / "discs.mot.txt").read_text().splitlines()]
    assert len(rows) == len(mot)
    assert [(int(r["frame"]) + 1, int(r["id"])) for r in rows] == [
        (int(m[0]), int(m[1])) for m in mot
    ]
    assert float(mot[0][2]) == pytest.approx(float(rows[0]["left"]) + 1)
    coco = json.loads((out / "discs.coco.json").read_text())
    assert coco["videos"][0]["length"] == FRAMES
    for each in coco["annotations"]:
        assert len(each["segmentations"]) == len(each["bboxes"]) == FRAMES
        areas = [from_coco(s).area for s in each["segmentations"] if s is not None]
        assert areas == [a for a in each["areas"] if a is not None]
    report = json.loads((out / "discs.report.json").read_text())
    assert "background model (MOG2)" in report["detector"]
    assert report["lines"][0]["crossings"] == 2
    with av.open(str(out / "discs.tracks.webm")) as shown:
        assert shown.streams.video[0].codec_context.name == "vp9"
        frames = [each.to_ndarray(format="rgb24") for each in shown.decode(video=0)]
    assert len(frames) == FRAMES
    assert np.abs(frames[30].astype(int) - frame(30)).max() > 60  # something is drawn over it


def test_the_same_tracks_measured_against_themselves_are_perfect(discs, tmp_path, capsys):
    assert main(["track", str(discs), "-o", str(tmp_path), "--model", "background", "-q"]) == 0
    file = str(tmp_path / "discs.mot.txt")
    assert main(["evaluate", "tracks", "--truth", file, "--predictions", file]) == 0
    assert capsys.readouterr().out.count("1.000") >= 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.mp4", "-o", "out"], (1, "there is no such file")),
        (["{clip}", "-o", "out", "--write", "gif"], (2, "--write knows csv, mot, coco")),
        (["{clip}", "-o", "out", "--line", "1,2,3 x"], (2, "got 3 numbers")),
        (["{clip}", "-o", "out", "--line", "1,2,3,4"], (2, "without a name")),
        (["{clip}", "-o", "out", "--line", "900,0,900,9 far"], (2, "outside the picture")),
        (["{clip}", "-o", "out", "--zone", "0,0,9,9 thin"], (2, "has 2 corners")),
        (["{clip}", "-o", "out", "--classes", "car"], (2, "cannot tell car apart")),
        (["{clip}", "-o", "out", "--every", "2"], (2, "must see every frame")),
        (["{clip}", "-o", "out", "--min-score", "0.1", "--confirm", "0"], (2, "confirm")),
        (["{clip}", "-o", "{clip}"], (1, "is a file")),
    ],
    ids=[
        "no-clip",
        "write",
        "numbers",
        "no-name",
        "outside",
        "corners",
        "classes",
        "every",
        "confirm",
        "folder",
    ],
)
def test_what_cannot_be_done_is_said(discs, tmp_path, monkeypatch, capsys, arguments, said):
    code, message = said
    monkeypatch.chdir(tmp_path)
    given = [each.format(clip=discs) for each in arguments]
    assert main(["track", *given, "--model", "background"]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_outputs_that_exist_are_kept(discs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "discs.mot.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        _into(discs, out)
    assert (out / "discs.mot.txt").read_text() == "mine"


def _into(source, out):
    from maskworks.video.tracking.call import track_into
    from maskworks.video.tracking.request import TrackRequest

    return track_into(source, out, TrackRequest(model="background"), write=("mot",))


def test_two_places_of_one_name_are_refused(discs):
    square = (0, 0, 9, 0, 9, 9)
    with pytest.raises(UsageError, match="'a' names two lines or zones"):
        mw.track(discs, "background", lines={"a": (0, 0, 9, 9)}, zones={"a": square})


def test_a_model_of_classes_is_refused(discs):
    with pytest.raises(UsageError, match="street tells classes of pixels, not objects"):
        mw.track(discs, "street")


def test_a_file_that_is_no_clip_is_told(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    with pytest.raises(UnreadableError, match="no clip that can be read"):
        mw.track(tmp_path / "a.mp4", "background")


def test_places_are_read_as_they_are_written():
    assert parse_line("1,2,3.5,4 north gate").name == "north gate"
    assert parse_zone("0,0,4,0,4,4 yard").corners == ((0, 0), (4, 0), (4, 4))
    with pytest.raises(UsageError, match="finite"):
        parse_line("0,0,inf,1 gate")
