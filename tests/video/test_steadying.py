"""Mattes are steadier than frame by frame, cuts are kept, windows and aspects are right."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from maskworks.core.errors import UsageError
from maskworks.video.ahead import ahead
from maskworks.video.flow import FrameView, carried, flow_between, warp_error
from maskworks.video.following import Follower, parse_aspect
from maskworks.video.formats import clip_format
from maskworks.video.reading import Frame
from maskworks.video.shots import ShotFinder
from maskworks.video.steadying import Seen, matted

SIZE = (96, 128)


def textured(shift):
    rng = np.random.default_rng(1)
    coarse = rng.integers(40, 220, (15, 25, 3)).astype(np.uint8)
    whole = coarse.repeat(8, axis=0).repeat(8, axis=1)
    return np.ascontiguousarray(whole[8 : 8 + SIZE[0], 20 - shift : 20 - shift + SIZE[1]])


def test_flow_leads_to_where_things_went():
    here, there = FrameView.at(textured(4), SIZE), FrameView.at(textured(0), SIZE)
    flow = flow_between(here, there, fine=True)
    assert np.median(flow[20:70, 20:100, 0]) == pytest.approx(-4, abs=0.4)
    assert np.median(flow[20:70, 20:100, 1]) == pytest.approx(0, abs=0.4)
    ramp = np.tile(np.arange(SIZE[1], dtype=np.float32), (SIZE[0], 1))
    assert np.median((carried(ramp, flow) - ramp)[20:70, 20:100]) == pytest.approx(-4, abs=0.4)


def test_a_matte_that_moves_with_its_clip_is_steady_and_one_that_flickers_is_not():
    here, there = FrameView.at(textured(4), SIZE), FrameView.at(textured(0), SIZE)
    before = np.zeros(SIZE, np.float32)
    before[30:60, 40:80] = 1
    moved = np.roll(before, 4, axis=1)
    assert warp_error(here, there, (moved, before)) < 0.06
    assert warp_error(here, there, (moved * 0.5, before)) > 0.4


def flickering():
    """Frames that stand still, and a network whose answers do not."""
    frames = [Frame(i, i, i / 25, 1, textured(0)) for i in range(12)]
    count = iter(range(100))

    def see(_pixels):
        alpha = np.zeros(SIZE, np.float32)
        alpha[30:60, 40 : 80 + 4 * (next(count) % 2)] = 1
        return Seen(alpha, "ok", 0.9)

    return frames, see


@pytest.mark.parametrize("way", ["quick", "fine"])
def test_steadied_mattes_flicker_less(way):
    errors = {}
    for each in ("off", way):
        frames, see = flickering()
        done = list(matted(frames, see, SIZE, steady=each))
        assert [d.frame.index for d in done] == list(range(12))
        errors[each] = np.mean([d.warp_error for d in done if d.warp_error is not None])
    assert errors[way] < 0.7 * errors["off"]


def test_a_slip_of_the_network_is_bridged_and_told():
    frames = [Frame(i, i, i / 25, 1, textured(0)) for i in range(9)]
    count = iter(range(100))
    whole = np.zeros(SIZE, np.float32)
    whole[30:60, 40:80] = 1

    def see(_pixels):
        slips = next(count) == 2
        return Seen(whole * (not slips), "no-subject" if slips else "ok", 0.9)

    done = list(matted(frames, see, SIZE))
    assert [d.status for d in done].count("review") >= 1
    assert all(d.alpha[45, 60] > 0.9 for d in done)


def test_a_cut_begins_a_shot_and_a_pan_does_not():
    finder = ShotFinder()
    pan = [finder.begins(textured(i)) for i in range(12)]
    assert not any(pan)
    assert finder.begins(255 - textured(0))
    assert finder.number == 1


def test_a_window_jumps_only_where_a_shot_begins():
    follower = Follower(Fraction(9, 16), 25.0)
    left, right = np.zeros((2, 96, 256), np.float32)
    left[40:60, 20:40] = 1
    right[40:60, 200:220] = 1
    first = follower.window(left, begins=True)
    slow = follower.window(right, begins=False)
    jump = follower.window(right, begins=True)
    assert first.size == slow.size == jump.size == (96, 54)
    assert slow.left - first.left < 20
    assert abs(jump.left + 27 - 210) <= 1


@pytest.mark.parametrize("text", ["9", "9:0", "a:b", "1:200"])
def test_an_aspect_that_is_none_is_told(text):
    with pytest.raises(UsageError, match="--crop"):
        parse_aspect(text)


def test_mp4_has_no_alpha_and_h264_is_only_there_when_asked_for():
    with pytest.raises(UsageError, match="mp4 has no alpha"):
        clip_format("mp4", opaque=False)
    assert clip_format("mp4", opaque=True).codec == "libvpx-vp9"
    assert clip_format("mp4", opaque=True, codec="h264").codec == "libx264"


def test_what_runs_ahead_raises_where_it_is_used():
    def items():
        yield 1
        raise ValueError("two")

    taken = ahead(items())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="two"):
        next(taken)
