from __future__ import annotations

import math

import numpy as np
import pytest

from maskworks.refine.texture import ramp, texture


@pytest.fixture(scope="module")
def half_grass():
    """The left half one colour, the right half noise, and a hard contour across the left."""
    pixels = np.full((300, 400, 3), 90, np.uint8)
    pixels[:, 200:] = np.random.default_rng(0).integers(40, 140, (300, 200, 1))
    pixels[150:, :200] = 200
    return pixels


@pytest.mark.parametrize("side", [1, 2, 4])
def test_noise_is_texture_and_a_contour_is_not(half_grass, side):
    found = texture(half_grass, math.hypot(300, 400), side=side)
    assert found.shape == (300 // side, 400 // side)
    middle = 150 // side
    assert found[middle, 100 // side] < 1
    assert found[middle, 300 // side] > 9


def test_the_ramp_is_straight_between_its_ends():
    found = ramp(np.array([0, 2, 3, 4, 9], np.float32), 2, 4)
    assert found.tolist() == [0, 0, 0.5, 1, 1]
