"""Clips that were cut out are found again, frame by frame, each with its own matte."""

from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Limits
from maskworks.video.cut_clips import cut_clips, watched
from maskworks.video.reading import open_clip


@pytest.fixture
def cut_one(cut):
    """Cut a clip out into a folder and return what is found there of it."""

    def run(path, folder, **options):
        cut(path, f"{folder}/", **options)
        (found,) = cut_clips(folder)
        return found

    return run


def centre(alpha):
    return float(np.nonzero(alpha >= 128)[1].mean())


@pytest.mark.parametrize("form", ["webm", "prores", "ffv1", "qtrle", "png", "matte"])
def test_every_frame_comes_with_its_own_matte_wherever_one_begins(clip, cut_one, tmp_path, form):
    path = clip(count=14, size=(90, 160))
    found = cut_one(path, tmp_path / "out", form=form, steady="off")
    rows = found.rows()
    assert [row.frame for row in rows] == list(range(14))
    whole = list(watched(found, rows, 0, Limits()))
    for first in (0, 6, 13):
        part = list(watched(found, rows, first, Limits()))
        assert [row.frame for row, _, _ in part] == list(range(first, 14))
        for (_, pixels, alpha), (_, again, same) in zip(whole[first:], part, strict=True):
            assert (pixels == again).all()
            assert (alpha == same).all()
    for row, _, alpha in whole:  # the disc moves: a matte of another frame lies elsewhere
        assert centre(alpha) == pytest.approx(160 * (0.3 + 0.4 * row.frame / 13), abs=1.5)


def test_a_jump_into_a_clip_with_frames_that_lean_on_later_ones_finds_the_same(
    clip, cut_one, tmp_path
):
    setting = {"max_b_frames": 2, "gop_size": 6, "bit_rate": 2_000_000}
    stamps = [40 * n + (7 if n % 3 else 0) for n in range(20)]
    path = clip("b.mkv", count=20, codec="mpeg4", setting=setting, pts_ms=stamps)
    found = cut_one(path, tmp_path / "out")
    with open_clip(path) as opened:
        truth = [frame.pixels for frame in opened.frames()]
    rows = found.rows()
    for first in range(20):
        _, pixels, _ = next(watched(found, rows, first, Limits()))
        assert (pixels == truth[first]).all(), first


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"form": "mp4", "background": "white"}, id="opaque"),
        pytest.param({"form": "webm", "crop": "1:1"}, id="cropped"),
        pytest.param({"form": "gif"}, id="animation"),
    ],
)
def test_an_output_without_a_matte_of_the_whole_frame_gives_none(clip, cut_one, tmp_path, options):
    found = cut_one(clip(count=4), tmp_path / "out", **options)
    assert [alpha for _, _, alpha in watched(found, found.rows(), 0, Limits())] == [None] * 4


def test_rows_that_are_not_there_are_told(clip, cut_one, tmp_path):
    found = cut_one(clip(count=3), tmp_path / "out", report=False)
    with pytest.raises(UnreadableError, match="holds no rows of frames; cut the clip out without"):
        found.rows()


def test_masks_and_the_frame_asked_for_are_named(clip, cut_one, tmp_path):
    found = cut_one(clip(count=3), tmp_path / "out")
    assert (found.drawn(), found.asked()) == ([], [])
    found.keys.mkdir()
    found.key(2).write_bytes(b"")
    found.output.with_name(f"{found.output.name}.ask-00001.png").write_bytes(b"")
    assert (found.drawn(), found.asked()) == ([2], [1])
    assert found.key(2) == tmp_path / "out/clip.webm.keys/00002.png"
