from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image, ImageError, Matte, UsageError
from maskworks.refine import despill
from maskworks.refine.despill import LUMA, REACH

GREEN = (20, 190, 40)
SKIN = (205, 150, 128)


def portrait(colour, *, size=240, spill=0.35, key=GREEN):
    """A disc of one colour before a set whose light falls on its outer rim."""
    rows, columns = np.mgrid[0:size, 0:size]
    far = np.hypot(rows - size / 2, columns - size / 2)
    alpha = np.clip((size * 0.35 - far) / 4 + 0.5, 0, 1).astype(np.float32)
    tint = spill * np.clip(1 - (size * 0.35 - far) / (REACH * size), 0, 1)[..., None]
    pixels = (1 - tint) * np.array(colour) + tint * np.array(key)
    pixels = np.where(alpha[..., None] > 0.02, pixels, np.array(key))
    return Image(np.rint(pixels).astype(np.uint8)), Matte(alpha)


def away_from(image, matte, colour):
    edge = (matte.alpha > 0.02) & (matte.alpha < 1)
    return float(np.abs(image.pixels[edge].astype(float) - colour).mean())


@pytest.mark.parametrize(
    "key", [GREEN, (20, 60, 200), (220, 40, 170)], ids=["green", "blue", "pink"]
)
def test_despill_brings_greys_back(key):
    image, matte = portrait((150, 150, 150), key=key)
    cleaned = despill(image, matte)
    edge = (matte.alpha > 0.02) & (matte.alpha < 1)
    assert np.ptp(cleaned.pixels[edge].astype(int), axis=1).max() <= 2
    assert np.ptp(image.pixels[edge].astype(int), axis=1).max() > 20


def test_despill_brings_skin_nearer_to_skin():
    image, matte = portrait(SKIN)
    assert away_from(despill(image, matte), matte, SKIN) < 0.75 * away_from(image, matte, SKIN)


def test_despill_keeps_the_luminance():
    image, matte = portrait(SKIN)
    before, after = (p.pixels.astype(np.float32) @ LUMA for p in (image, despill(image, matte)))
    assert np.abs(before - after).max() < 1.5


def test_despill_leaves_skin_without_spill_alone():
    image, matte = portrait(SKIN, spill=0)
    assert np.array_equal(despill(image, matte).pixels, image.pixels)


def test_despill_leaves_the_inside_to_the_bit():
    image, matte = portrait((90, 170, 60))
    cleaned = despill(image, matte)
    assert np.array_equal(cleaned.pixels[100:140, 100:140], image.pixels[100:140, 100:140])
    assert not np.array_equal(cleaned.pixels, image.pixels)


@pytest.mark.parametrize("key", [(255, 255, 255), (120, 124, 118), (0, 0, 0)])
def test_despill_before_a_neutral_set_does_nothing(key):
    image, matte = portrait(SKIN, key=key)
    assert despill(image, matte) is image


def test_despill_takes_a_key_that_is_given():
    image, matte = portrait((150, 150, 150))
    given = despill(image, matte, key=GREEN)
    assert np.abs(given.pixels.astype(int) - despill(image, matte).pixels).max() <= 1


def test_despill_of_no_strength_changes_nothing():
    image, matte = portrait(SKIN)
    assert np.array_equal(despill(image, matte, strength=0).pixels, image.pixels)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_despill_without_an_edge_changes_nothing(alpha):
    image, _ = portrait(SKIN)
    full = Matte(np.full(image.size, alpha, np.float32))
    assert np.array_equal(despill(image, full, key=GREEN).pixels, image.pixels)


def test_despill_refuses_what_makes_no_sense():
    image, matte = portrait(SKIN)
    with pytest.raises(ImageError, match="must have one size"):
        despill(image, Matte(np.zeros((2, 2), np.float32)))
    with pytest.raises(UsageError, match=r"strength must lie in \[0, 1\], got 2"):
        despill(image, matte, strength=2)
    with pytest.raises(UsageError, match="a key colour has three levels"):
        despill(image, matte, key=(0, 300, 0))
