"""What may be wrong with a clip or its place, through the command: message, exit code, the rest.

One bad clip lies beside a good one: whatever is said of it, the good one is written.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from maskworks.apps.cli import main
from maskworks.models import Model
from maskworks.video import formats, request
from maskworks.video.reading import open_clip


def no_frame(clip, tmp_path):
    """A clip whose container is whole and holds nothing that can be decoded."""
    path = clip("bad.mp4", codec="mpeg4", count=3)
    data = bytearray(path.read_bytes())
    frames = slice(data.index(b"mdat") + 4, data.index(b"moov") - 4)
    data[frames] = bytes(frames.stop - frames.start)
    path.write_bytes(data)


def sound_alone(clip, tmp_path):
    source = clip("sound.mkv", sound=True)
    with av.open(str(source)) as whole, av.open(str(tmp_path / "bad.mkv"), "w") as bare:
        stream = bare.add_stream_from_template(whole.streams.audio[0])
        for packet in whole.demux(whole.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                bare.mux(packet)
    source.unlink()


def picture(clip, tmp_path):
    clip("bad.png", count=1, codec="png", form="rgb24").rename(tmp_path / "bad.mp4")


def text(clip, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"Dear Sir, " * 99)


def empty(clip, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"")


def interlaced(clip, tmp_path):
    clip("bad.mp4", codec="mpeg2video", setting={"flags": 1 << 18 | 1 << 29})


def larger_than_8k(clip, tmp_path):
    clip("bad.mkv", frames=[np.zeros((6000, 7000, 3), np.uint8)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(no_frame, "holds no frame that can be decoded; ", id="0 frames"),
        pytest.param(sound_alone, "has no video stream, only audio; name another", id="sound"),
        pytest.param(picture, "is a picture, not a clip; cut it out with `maskworks", id="picture"),
        pytest.param(text, "is no clip", id="text"),
        pytest.param(empty, "is empty", id="empty"),
        pytest.param(interlaced, "is interlaced, its frames show two moments", id="interlaced"),
        pytest.param(larger_than_8k, "42,000,000 pixels, the limit is 40,000,000", id="too large"),
    ],
)
def test_a_clip_that_cannot_be_used_costs_itself_alone(  # noqa: PLR0917 - columns and fixtures
    clip, cut, tmp_path, monkeypatch, capsys, make, message
):
    make(clip, tmp_path)
    clip("good.mkv", count=2)
    (bad,) = tmp_path.glob("bad.*")
    monkeypatch.chdir(tmp_path)
    assert main(["video", bad.name, "good.mkv", "-o", "out"]) == 1
    said = capsys.readouterr()
    assert message in said.out + said.err
    assert "Traceback" not in said.out + said.err
    with open_clip("out/good.webm") as written:
        assert len(list(written.frames())) == 2
    rows = [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["failed", "ok"]


def test_a_clip_that_is_not_there_is_told_and_the_other_is_written(
    clip, cut, tmp_path, monkeypatch, capsys
):
    clip("good.mkv", count=2)
    monkeypatch.chdir(tmp_path)
    assert main(["video", "no.mp4", "good.mkv", "-o", "out"]) == 1
    said = capsys.readouterr()
    assert "no.mp4: there is no such file" in said.out + said.err
    assert Path("out/good.webm").is_file()


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        pytest.param({"count": 1}, 1, id="one frame"),
        pytest.param({"count": 2, "size": (47, 63), "form": "yuv444p"}, 2, id="odd size"),
        pytest.param({"count": 2, "size": (2, 2)}, 2, id="tiny"),
    ],
)
def test_unusual_clips_come_through(clip, cut, tmp_path, monkeypatch, options, frames):
    clip("in.mkv", **options)
    monkeypatch.chdir(tmp_path)
    assert main(["video", "in.mkv", "-o", "out.mov"]) == 0
    with open_clip("out.mov") as written:
        assert len(list(written.frames())) == frames


def test_a_size_that_changes_within_the_stream_is_scaled_and_told(clip, cut, tmp_path, monkeypatch):
    one = clip("one.ts", codec="mpeg2video", size=(48, 64))
    other = clip("other.ts", codec="mpeg2video", size=(96, 128))
    (tmp_path / "both.ts").write_bytes(one.read_bytes() + other.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main(["video", "both.ts", "-o", "out"]) == 0
    row = json.loads(Path("out/manifest.jsonl").read_text())
    assert any("the size changes to 128x96" in note for note in row["notes"])
    with open_clip("out/both.webm") as written:
        sizes = {frame.pixels.shape for frame in written.frames()}
    assert sizes == {(48, 64, 3)}


def test_a_clip_that_breaks_off_is_written_as_far_as_it_goes(clip, cut, tmp_path, monkeypatch):
    path = clip("in.mp4", codec="mpeg4", count=60, movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    monkeypatch.chdir(tmp_path)
    assert main(["video", "in.mp4", "-o", "out"]) == 0
    row = json.loads(Path("out/manifest.jsonl").read_text())
    assert any("the stream is cut off" in note for note in row["notes"])
    with open_clip("out/in.webm") as written:
        assert len(list(written.frames())) == row["frames"]


def test_an_output_that_exists_is_an_error_and_stays(clip, cut, tmp_path, monkeypatch, capsys):
    clip("in.mkv", count=2)
    monkeypatch.chdir(tmp_path)
    Path("out.webm").write_bytes(b"mine")
    assert main(["video", "in.mkv", "-o", "out.webm"]) == 1
    said = capsys.readouterr()
    assert "exists already and is not replaced without being asked" in said.out + said.err
    assert Path("out.webm").read_bytes() == b"mine"
    assert main(["video", "in.mkv", "-o", "out.webm", "--overwrite"]) == 0
    assert Path("out.webm").read_bytes() != b"mine"


def test_a_file_where_a_folder_should_be_is_wrong_use(clip, cut, tmp_path, monkeypatch, capsys):
    clip("in.mkv", count=2)
    monkeypatch.chdir(tmp_path)
    Path("out").write_bytes(b"mine")
    assert main(["video", "in.mkv", "-o", "out"]) == 2
    assert "-o out is a file, not a folder; name another place" in capsys.readouterr().err


def test_an_encoder_that_is_missing_is_told(clip, cut, tmp_path, monkeypatch, capsys):
    """Its name is one that no FFmpeg has."""
    missing = replace(formats.FORMATS["webm"], codec="no-such-codec")
    monkeypatch.setitem(formats.FORMATS, "webm", missing)
    clip("in.mkv", count=2)
    monkeypatch.chdir(tmp_path)
    assert main(["video", "in.mkv", "-o", "out.webm"]) == 1
    said = capsys.readouterr()
    assert "has no encoder" in said.out + said.err


def test_ctrl_c_keeps_what_is_done_and_tells_the_line_to_go_on_with(
    clip, red_model, tmp_path, monkeypatch, capsys
):
    asked = []

    def pressing(batch):
        asked.append(1)
        if len(asked) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return red_model.network(batch)

    stopping = Model(red_model.spec, pressing)
    monkeypatch.setattr(request, "load_model", lambda *_, **__: stopping)
    path = clip("in.mkv", count=60)
    monkeypatch.chdir(tmp_path)
    assert main(["video", path.name, "-o", "out", "--steady", "off"]) == 130
    said = capsys.readouterr()
    assert "--resume" in said.out + said.err
    assert not Path("out/in.webm").exists()
    assert main(["video", path.name, "-o", "out", "--steady", "off", "--resume"]) == 0
    with open_clip("out/in.webm") as written:
        assert len(list(written.frames())) == 60


def test_masks_that_are_not_there_are_looked_for_beside_the_output(
    clip, cut, tmp_path, monkeypatch, capsys
):
    clip("in.mkv", count=2)
    monkeypatch.chdir(tmp_path)
    assert main(["video", "fix", "in.mkv", "-o", "out.webm"]) == 2
    assert "--keys out.webm.keys: is no folder" in capsys.readouterr().err
    Path("out.webm.keys").mkdir()
    clip("out.webm.keys/00001.png", count=1, codec="png", form="rgb24")
    assert main(["video", "fix", "in.mkv", "-o", "out.webm"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(
            ["--source", "98", "--to", "out.y4m"],
            1,
            "/dev/video98: there is no camera",
            id="no camera",
        ),
        pytest.param(
            ["--source", "/dev/null", "--to", "out.y4m"], 1, "is no camera that", id="no device"
        ),
        pytest.param(
            ["--source", "in.mkv", "--to", "/dev/video98"], 1, "no such device", id="no loopback"
        ),
        pytest.param(["--source", "no.mp4", "--to", "out.y4m"], 1, "no such file", id="no file"),
        pytest.param(
            ["--source", "in.mkv", "--to", "there.y4m"], 2, "exists; give --overwrite", id="exists"
        ),
        pytest.param(
            ["--source", "in.mkv", "--to", "/dev/full"], 1, "No space left on device", id="full"
        ),
    ],
)
def test_live_says_what_is_wrong(  # noqa: PLR0917 - columns and fixtures
    clip, tmp_path, monkeypatch, capsys, arguments, code, message
):
    clip("in.mkv", count=2, size=(96, 128))
    monkeypatch.chdir(tmp_path)
    Path("there.y4m").write_bytes(b"mine")
    assert main(["video", "live", *arguments, "--side", "96"]) == code
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert Path("there.y4m").read_bytes() == b"mine"


@pytest.mark.slow
def test_8k_goes_through(clip, cut, tmp_path, monkeypatch):
    frame = np.full((4320, 7680, 3), (40, 60, 150), np.uint8)
    frame[1000:3000, 2000:5000] = (220, 60, 40)
    clip("in.mp4", frames=[frame, frame], codec="mpeg4")
    monkeypatch.chdir(tmp_path)
    assert main(["video", "in.mp4", "-o", "out.webm"]) == 0
    with open_clip("out.webm") as written:
        shown = [frame.alpha for frame in written.frames()]
    assert [alpha.shape for alpha in shown] == [(4320, 7680)] * 2
    assert shown[1][2000, 3500] > 250
    assert shown[1][100, 100] < 5
