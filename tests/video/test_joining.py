"""What was written is read back: alpha exactly or nearly, frame by frame, with its time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from maskworks.video.encoding import PartEncoder, Rendered
from maskworks.video.formats import FORMATS, STORE
from maskworks.video.joining import Joined, join
from maskworks.video.reading import open_clip

SIZE = (48, 64)
TIMES_MS = [0, 40, 80, 90, 200, 240, 300, 310, 350, 400]


def alpha_at(index):
    """A square with a soft right side that moves down a line a frame."""
    alpha = np.zeros(SIZE, np.uint8)
    alpha[5 + index : 30 + index, 10:50] = 255
    alpha[5 + index : 30 + index, 50:54] = [200, 128, 64, 10]
    return alpha


@pytest.fixture
def joined(draw, tmp_path):
    """Write ten frames in two parts as one file of a format."""

    def write(name):
        form = FORMATS[name]
        store = form if form.joins else STORE
        parts = []
        for number in range(2):
            path = tmp_path / f"part{number}{store.part_suffix}"
            part = PartEncoder(path, store, SIZE, Fraction(25))
            for at in range(5):
                index = 5 * number + at
                part.add(Rendered(index, TIMES_MS[index], draw(index), alpha_at(index)))
            part.close()
            parts.append(path)
        what = Joined(
            parts=parts,
            pts=TIMES_MS,
            time_base=Fraction(1, 1000),
            rate=Fraction(25),
            size=SIZE,
            source=None,
        )
        out = tmp_path / f"out{form.suffix}"
        assert join(out, form, what) == ()
        return out

    return write


@pytest.mark.parametrize(
    ("name", "mean", "most"),
    [
        pytest.param("webm", 3.0, 255, id="vp9"),
        pytest.param("prores", 0.0, 0, id="prores"),
        pytest.param("qtrle", 0.0, 0, id="animation"),
        pytest.param("ffv1", 0.0, 0, id="ffv1"),
        pytest.param("apng", 0.0, 0, id="apng"),
    ],
)
def test_alpha_comes_back_in_step(joined, name, mean, most):
    with open_clip(joined(name)) as clip:
        frames = list(clip.frames())
        assert clip.notes() == ()
    assert [round(frame.time_s * 1000) for frame in frames] == TIMES_MS
    for index, frame in enumerate(frames):
        apart = np.abs(frame.alpha.astype(int) - alpha_at(index))
        assert apart.mean() <= mean
        assert apart.max() <= most


@pytest.mark.parametrize("name", ["qtrle", "ffv1"])
def test_colours_of_lossless_formats_come_back(joined, draw, name):
    with open_clip(joined(name)) as clip:
        for frame in clip.frames():
            assert np.array_equal(frame.pixels, draw(frame.index))


def test_a_webp_has_every_frame_its_time_and_its_alpha(joined):
    with Image.open(joined("webp")) as picture:
        assert picture.n_frames == len(TIMES_MS)
        shown = []
        for index in range(picture.n_frames):
            picture.seek(index)
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
            assert np.array_equal(alpha, alpha_at(index))
            shown.append(picture.info["duration"])
    assert shown[:-1] == np.diff(TIMES_MS).tolist()


def test_a_gif_has_one_bit_of_alpha(joined):
    with Image.open(joined("gif")) as picture:
        assert picture.n_frames == len(TIMES_MS)
        for index in range(picture.n_frames):
            picture.seek(index)
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
            assert np.array_equal(alpha >= 128, alpha_at(index) >= 128)


def test_a_matte_is_nearly_what_alpha_was(joined):
    with open_clip(joined("matte")) as clip:
        for frame in clip.frames():
            assert np.abs(frame.pixels[..., 0].astype(int) - alpha_at(frame.index)).mean() < 3


def test_webm_says_that_it_has_alpha_as_browsers_ask(joined):
    data = joined("webm").read_bytes()
    assert b"\x53\xc0\x81\x01" in data  # AlphaMode of the track
    assert data.count(b"\x75\xa1") == len(TIMES_MS)  # BlockAdditions, one a frame
