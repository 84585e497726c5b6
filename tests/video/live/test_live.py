"""Live mattes: pipes and clips in, frames out, in step, with what is wrong told in words."""

from __future__ import annotations

import io
import json
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import maskworks as mw
from maskworks.apps.cli.main import main
from maskworks.core.errors import OutputError, UnreadableError, UsageError
from maskworks.video.live.painting import Painter
from maskworks.video.live.seeing import HeldRate
from maskworks.video.live.sinks import open_sink
from maskworks.video.live.sources import open_source
from maskworks.video.reading import open_clip

pytest.importorskip("av")

SIZE = (192, 320)


def disc(at: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    rows, columns = np.mgrid[: size[0], : size[1]]
    frame = np.full((*size, 3), (70, 90, 120), np.uint8)
    frame[(rows - 96) ** 2 + (columns - 100 - 6 * at) ** 2 < 60**2] = (225, 70, 40)
    return frame


@pytest.fixture
def y4m(tmp_path: Path) -> Path:
    path = tmp_path / "in.y4m"
    with open_sink(str(path), "y4m", SIZE, Fraction(25)) as put:
        for at in range(6):
            put(disc(at))
    return path


class Pipe:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_live_yields_a_matte_of_each_frame_that_follows_the_subject():
    found = list(mw.live((disc(at) for at in range(6)), rate=25))
    assert len(found) == 6
    middles = []
    for at, (frame, matte) in enumerate(found):
        assert np.array_equal(frame, disc(at))
        assert matte.size == SIZE
        middles.append(float(np.flatnonzero(matte.alpha.max(axis=0) > 0.5).mean()))
    assert all(later > earlier for earlier, later in pairwise(middles))


def test_the_network_is_asked_less_often_before_anything_else_and_again_when_there_is_time():
    rate = HeldRate(0.033)
    for _ in range(60):
        rate.took(0.060, asked=True)
        rate.took(0.004, asked=False)
    assert rate.every == 3
    for _ in range(60):
        rate.took(0.010, asked=True)
        rate.took(0.002, asked=False)
    assert rate.every == 1


def test_a_clip_goes_through_the_command_frame_for_frame(y4m, tmp_path, capfd):
    out = tmp_path / "out.y4m"
    asked = ["video", "live", "--source", str(y4m), "--to", str(out), "--background", "green"]
    assert main([*asked, "--json"]) == 0
    summed = json.loads(capfd.readouterr().err.splitlines()[-1])
    assert (summed["frames"], summed["dropped"], summed["wanted"]) == (6, 0, 25.0)
    with open_clip(out) as clip:
        shown = [frame.pixels for frame in clip.frames()]
        assert clip.facts.rate == 25
    assert len(shown) == 6
    for at, pixels in enumerate(shown):
        assert np.abs(pixels[4, 4].astype(int) - (0, 177, 64)).max() < 12
        assert (
            np.abs(pixels[96, 100 + 6 * at].astype(int) - (225, 70, 40)).max() < 70
        )  # a flat disc is not sure to be a subject
    assert main(asked) != 0
    assert "exists; give --overwrite" in capfd.readouterr().err


def test_raw_rgb_with_alpha_comes_out_of_a_pipe(monkeypatch, tmp_path):
    data = b"".join(disc(at).tobytes() for at in range(3))
    monkeypatch.setattr(sys, "stdin", Pipe(data))
    out = tmp_path / "out.rgba"
    asked = ["video", "live", "--source", "-", "--size", "320x192", "--to", str(out)]
    assert main([*asked, "--background", "none", "--write", "rgba", "--quiet"]) == 0
    frames = np.fromfile(out, np.uint8).reshape(3, *SIZE, 4)
    assert np.array_equal(frames[..., :3], [disc(at) for at in range(3)])
    assert frames[0, 96, 100, 3] > 150
    assert frames[0, 4, 4, 3] < 50


@pytest.mark.parametrize("size", [(192, 320), (193, 321)], ids=["even", "odd"])
def test_y4m_is_read_from_a_pipe_as_it_is_from_a_file(size, monkeypatch, tmp_path):
    path = tmp_path / "in.y4m"
    with open_sink(str(path), "y4m", size, Fraction(30000, 1001)) as put:
        for at in range(2):
            put(disc(at, size))
    monkeypatch.setattr(sys, "stdin", Pipe(path.read_bytes()))
    source = open_source("-")
    assert (source.size, source.rate) == (size, Fraction(30000, 1001))
    with open_clip(path) as clip:
        for ours, theirs in zip(source.frames, clip.frames(), strict=True):
            assert np.abs(ours.astype(int) - theirs.pixels).max() <= 2


@pytest.mark.parametrize(
    ("data", "size", "message"),
    [
        pytest.param(b"\0" * 40, None, "give --size WIDTHxHEIGHT", id="raw-without-size"),
        pytest.param(b"\0" * 40, (4, 4), "ends in the middle of a frame, after 40 of 48", id="cut"),
        pytest.param(b"YUV4MPEG2 W4\n", None, "says no size", id="no-size"),
        pytest.param(b"YUV4MPEG2 W4 H4 F25:1 C420p10\n", None, "8 bits of C420", id="ten-bits"),
        pytest.param(b"YUV4MPEG2 W4 H4 F25:1 It\n", None, "interlaced", id="interlaced"),
        pytest.param(b"YUV4MPEG2 W4 H4 F25:1\nNO", None, "where a frame should begin", id="noise"),
        pytest.param(b"YUV4MPEG2 W4 H4\nFRAME\n123", None, "after 3 of 24 bytes", id="y4m-cut"),
    ],
)
def test_a_pipe_that_cannot_be_read_says_why(data, size, message, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Pipe(data))
    with pytest.raises((UnreadableError, UsageError), match=message):
        list(open_source("-", size=size).frames)


def test_a_camera_and_a_device_that_are_not_there_are_named(tmp_path):
    with pytest.raises(UnreadableError, match="/dev/video98: there is no camera"):
        open_source("98")
    with pytest.raises(UnreadableError, match="is no camera that can be opened"):
        open_source("/dev/null")
    with (
        pytest.raises(OutputError, match="modprobe v4l2loopback"),
        open_sink("/dev/video98", "y4m", SIZE, Fraction(30)),
    ):
        pass
    with pytest.raises(UnreadableError, match="there is no such file"):
        open_source(str(tmp_path / "none.mp4"))


def test_alpha_goes_with_raw_rgba_alone(y4m, capsys):
    asked = ["video", "live", "--source", str(y4m), "--to", "-", "--background", "none"]
    assert main(asked) == 2
    assert "--write rgba belong together" in capsys.readouterr().err


def test_a_blurred_background_holds_nothing_of_the_subject():
    frame = disc(0)
    alpha = (frame[..., 0] > 200).astype(np.float32)
    from maskworks.cutouts.backgrounds import Blurred

    shown = Painter(Blurred(0.02)).paint(frame, alpha, 0.0)
    outside = np.abs(shown[alpha == 0].astype(int) - (70, 90, 120)).max(axis=1)
    assert np.percentile(outside, 95) < 16
    assert np.array_equal(shown[alpha == 1], frame[alpha == 1])


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(UsageError, match="must be above 0"):
        mw.live([], rate=0)
