from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from maskworks.core import Image, Matte, Trimap
from maskworks.refine import RefineOptions, refine

SHIRT, WALL = np.array([200, 60, 40], np.float32), np.array([40, 150, 210], np.float32)


@pytest.fixture(scope="module", params=[(300, 400), (1201, 1603)], ids=["small", "large"])
def scene(request):
    """A disc with a soft edge: picture, alpha, a network's blurred matte."""
    height, width = request.param
    rows, columns = np.mgrid[0:height, 0:width]
    far = np.hypot(rows - height / 2, columns - width / 2)
    soft = height / 60
    alpha = np.clip((height * 0.3 - far) / soft + 0.5, 0, 1).astype(np.float32)
    mixed = alpha[..., None] * SHIRT + (1 - alpha[..., None]) * WALL
    noise = np.random.default_rng(0).normal(0, 2, mixed.shape)
    guess = np.clip(gaussian_filter(alpha, height / 100), 0, 1).astype(np.float32)
    return Image(np.clip(mixed + noise, 0, 255).astype(np.uint8)), alpha, Matte(guess)


FAST = RefineOptions(method="fast")


def test_the_edge_comes_nearer_to_the_truth(scene):
    image, alpha, guess = scene
    done = refine(image, guess, FAST)
    assert np.abs(done.matte.alpha - alpha).sum() < 0.7 * np.abs(guess.alpha - alpha).sum()


def test_outside_the_band_alpha_is_sure_and_the_colours_are_the_pictures_to_the_bit(scene):
    image, _, guess = scene
    done = refine(image, guess, FAST)
    sure = ~done.trimap.unknown
    assert (done.matte.alpha[done.trimap.foreground] == 1).all()
    assert (done.matte.alpha[done.trimap.background] == 0).all()
    assert (done.foreground.pixels[sure] == image.pixels[sure]).all()
    opaque = done.matte.alpha == 1
    assert (done.foreground.pixels[opaque] == image.pixels[opaque]).all()


def test_mixed_pixels_get_the_subjects_own_colours(scene):
    image, alpha, guess = scene
    done = refine(image, guess, FAST)
    mixed = (alpha > 0.3) & (alpha < 0.9)
    before = np.abs(image.pixels[mixed] - SHIRT).mean()
    after = np.abs(done.foreground.pixels[mixed] - SHIRT).mean()
    assert after < 0.2 * before


def test_colours_can_be_left_alone(scene):
    image, _, guess = scene
    done = refine(image, guess, RefineOptions(method="fast", colours=False))
    assert done.foreground is image


def test_a_brought_trimap_decides_where_the_band_is(scene):
    image, alpha, guess = scene
    levels = np.where(alpha > 0.99, 255, np.where(alpha < 0.01, 0, 128)).astype(np.uint8)
    levels[:20, :20] = 128  # doubted by the user, seen by nobody else
    levels[0, 0] = 255
    done = refine(image, guess, FAST, trimap=Trimap(levels))
    assert done.trimap.levels is levels
    assert done.matte.alpha[0, 0] == 1
    assert (done.matte.alpha[levels == 0] == 0).all()
    assert (
        np.abs(done.matte.alpha[30:] - alpha[30:]).sum()
        < np.abs(guess.alpha[30:] - alpha[30:]).sum()
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (33, 2000)])
def test_strips_and_single_pixels_are_no_special_case(size):
    rng = np.random.default_rng(3)
    image = Image(rng.integers(0, 256, (*size, 3), np.uint8))
    done = refine(image, Matte(rng.random(size, np.float32)), FAST)
    assert done.matte.size == size
