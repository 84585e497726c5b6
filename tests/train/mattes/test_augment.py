from __future__ import annotations

import numpy as np
import pytest

from maskworks.train.mattes.augment import damaged, random_view, relit
from maskworks.train.mattes.compose import composite, drawn_object, pattern, plain_backdrop
from maskworks.train.mattes.recipe import Synthesis


@pytest.mark.parametrize("seed", range(8))
def test_picture_and_matte_are_warped_alike(seed):
    pixels = np.zeros((80, 120, 3), np.uint8)
    pixels[20:60, 30:90] = 255
    views = random_view(
        [pixels, pixels[..., 0].copy()], (64, 96), np.random.default_rng(seed), [(0, 0, 0), 0]
    )
    assert views[0].shape == (64, 96, 3)
    assert (views[0][..., 0] == views[1]).all()


def test_a_plain_view_is_squashed_into_the_rectangle_as_at_inference():
    pixels = np.full((50, 100, 3), 200, np.uint8)
    pixels[:, 50:] = 80  # the right half
    (view,) = random_view([pixels], (96, 64), np.random.default_rng(0), [(0, 0, 0)], plain=True)
    assert view.shape == (96, 64, 3)
    assert (view[2:-2, 2:30] == 200).all()
    assert (view[2:-2, 34:-2] == 80).all()


@pytest.mark.parametrize("change", [relit, damaged], ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", range(5))
def test_light_and_damage_keep_shape_and_dtype(change, seed):
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    out = change(pixels, np.random.default_rng(seed))
    assert (out.shape, out.dtype) == (pixels.shape, np.uint8)


def test_a_composite_obeys_the_compositing_equation():
    rules = Synthesis(shadow=0)
    matte = np.full((40, 40), 128, np.uint8)
    fore = np.full((40, 40, 3), 250, np.uint8)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        back = np.full((64, 96, 3), 10, np.uint8)
        pixels, union = composite(back, [(fore, matte)], rules, rng)
        if (pixels[union > 120] > 90).all():  # the light was left alone in this draw
            alpha = union[union > 120][:, None] / 255
            assert np.abs(pixels[union > 120] - (alpha * 250 + (1 - alpha) * 10)).max() <= 4
            break
    else:
        pytest.fail("no draw left the light alone")


def test_glass_is_partly_transparent_and_solid_things_are_not():
    texture = plain_backdrop((96, 96), np.random.default_rng(0))
    _, glass = drawn_object(texture, np.random.default_rng(1), glass=True)
    _, solid = drawn_object(texture, np.random.default_rng(1), glass=False)
    assert 60 < glass.max() < 220
    assert solid.max() == 255


def test_a_pattern_repeats_a_piece_of_the_photo():
    photo = np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8)
    out = pattern(photo, (64, 96), np.random.default_rng(2)).astype(int)
    assert out.shape == (64, 96, 3)
    assert np.abs(out - out[::-1, ::-1]).mean() < 3  # mirrored pieces look the same turned around
