"""Masks on a few frames are carried through the rest, from both sides."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.video.keyed import KeyMasks, propagate, read_keys
from maskworks.video.reading import open_clip
from maskworks.video.steadying import Seen

SIZE = (96, 128)


def square(index):
    """A textured square that moves over a grey ground; no network knows it."""
    rng = np.random.default_rng(5)
    texture = rng.integers(0, 255, (40, 40, 3)).astype(np.uint8).repeat(1, axis=0)
    picture = np.full((*SIZE, 3), 120, np.uint8)
    picture[::8] = 100
    picture[30:70, 20 + 3 * index : 60 + 3 * index] = texture // 2 + 60
    return picture


def truth(index):
    mask = np.zeros(SIZE, np.float32)
    mask[30:70, 20 + 3 * index : 60 + 3 * index] = 1
    return mask


def iou(one, other):
    a, b = one >= 0.5, other >= 0.5
    return np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b))


def blind(pixels):
    """A network that sees nothing in any frame."""
    return Seen(np.zeros(pixels.shape[:2], np.float32), "no-subject", 0.9)


def test_both_sides_are_carried(clip):
    path = clip(frames=[square(i) for i in range(13)], form="bgr0")
    found = propagate(path, KeyMasks({0: truth(0), 12: truth(12)}), blind, SIZE)
    assert len(found) == 13
    assert [iou(found.alpha(i), truth(i)) > 0.85 for i in range(13)] == [True] * 13
    assert iou(found.alpha(0), truth(0)) == 1


def test_the_frame_asked_for_is_where_the_sides_differ_most(clip):
    frames = [square(i) for i in range(9)]
    frames[5] = frames[5][:, ::-1].copy()  # what comes from the left is lost here
    path = clip(frames=frames, form="bgr0")
    found = propagate(path, KeyMasks({0: truth(0), 8: truth(8)}), blind, SIZE)
    asked = found.next_asked
    assert 3 <= asked.frame <= 6
    assert asked.share == max(each.share for each in found.disagreements)


def test_a_network_that_agrees_has_a_say_and_one_that_does_not_has_none(clip):
    path = clip(frames=[square(0)] * 21, form="bgr0")
    keys = KeyMasks({0: truth(0), 20: truth(0)})
    larger = np.clip(truth(0) + np.roll(truth(0), 3, axis=1), 0, 1)

    def agreeing(pixels):
        return Seen(larger, "ok", 0.9)

    with_say = propagate(path, keys, agreeing, SIZE).alpha(10)
    without = propagate(path, keys, blind, SIZE).alpha(10)
    assert with_say[50, 61] > 0.3
    assert without[50, 61] < 0.05
    assert iou(without, truth(0)) > 0.97


def test_a_key_behind_the_end_is_told(clip):
    path = clip(frames=[square(i) for i in range(3)], form="bgr0")
    with pytest.raises(UsageError, match=r"a key for frame 7, and the clip has 3 frames"):
        propagate(path, KeyMasks({7: truth(0)}), blind, SIZE)


def test_keys_are_read_by_their_number(tmp_path):
    Image.fromarray((truth(2) * 255).astype(np.uint8)).save(tmp_path / "shot_00002.png")
    Image.fromarray(truth(4).astype(np.uint8)).save(tmp_path / "4.png")  # the number of an object
    (tmp_path / "notes.txt").write_text("none")
    keys = read_keys(tmp_path, Limits())
    assert sorted(keys.masks) == [2, 4]
    assert all(np.array_equal(keys.masks[i], truth(i)) for i in (2, 4))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param((), "holds no mask", id="none"),
        pytest.param(("1.png", "001.png"), "two masks are of frame 1", id="twice"),
    ],
)
def test_keys_that_cannot_be_used_are_told(tmp_path, names, message):
    for name in names:
        Image.fromarray((truth(1) * 255).astype(np.uint8)).save(tmp_path / name)
    with pytest.raises(UsageError, match=message):
        read_keys(tmp_path, Limits())


def test_a_clip_is_corrected_by_its_keys(clip, cut, tmp_path):
    path = clip(frames=[square(i) for i in range(9)], form="bgr0")
    keys = tmp_path / "keys"
    keys.mkdir()
    for index in (0, 8):
        mask = Image.fromarray((truth(index) * 255).astype(np.uint8))
        mask.save(keys / f"{index:05d}.png")
    row = cut(path, tmp_path / "out.mkv", keys=str(keys), refine="off")[0]
    with open_clip(tmp_path / "out.mkv") as written:
        frames = list(written.frames())
    assert all(iou(frame.alpha / 255, truth(frame.index)) > 0.8 for frame in frames)
    assert row.frames == 9
    rows = [json.loads(line) for line in (tmp_path / "out.mkv.jsonl").read_text().splitlines()]
    assert [each["frame"] for each in rows] == list(range(9))
    asked = [note for note in row.notes if "would help most" in note]
    assert len(asked) == len(list(tmp_path.glob("out.mkv.ask-*.png")))
