from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image, ImageError, Matte, Trimap, UsageError
from maskworks.refine import GuidedOptions, guided


def scene(size=200):
    """A red disc with a soft edge before blue: alpha is a linear function of the colours."""
    rows, columns = np.mgrid[0:size, 0:size]
    alpha = np.clip((size * 0.3 - np.hypot(rows - size / 2, columns - size / 2)) / 4 + 0.5, 0, 1)
    alpha = alpha.astype(np.float32)
    image = alpha[..., None] * np.array([210, 40, 40]) + (1 - alpha[..., None]) * [30, 60, 200]
    near = np.abs(np.hypot(rows - size / 2, columns - size / 2) - size * 0.3) < 12
    levels = np.where(near, 128, np.where(alpha > 0.5, 255, 0)).astype(np.uint8)
    return Image(np.rint(image).astype(np.uint8)), Matte(alpha), Trimap(levels)


def blurred(matte):
    from scipy.ndimage import gaussian_filter

    return Matte(np.clip(gaussian_filter(matte.alpha, 5), 0, 1))


def test_guided_finds_the_edge_that_the_colours_show():
    image, truth, trimap = scene()
    first = blurred(truth)
    band = trimap.unknown
    before = np.abs(first.alpha - truth.alpha)[band].mean()
    after = np.abs(guided(image, first, trimap).alpha - truth.alpha)[band].mean()
    assert after < 0.7 * before


def test_guided_changes_the_band_alone():
    image, truth, trimap = scene()
    alpha = guided(image, blurred(truth), trimap).alpha
    assert (alpha[trimap.foreground] == 1).all()
    assert (alpha[trimap.background] == 0).all()


def test_guided_scales_with_the_picture():
    errors = []
    for size in (200, 400, 1600):
        image, truth, trimap = scene(size)
        near = guided(image, blurred(truth), trimap).alpha
        errors.append(float(np.abs(near - truth.alpha)[trimap.unknown].mean()))
    assert max(errors) < 0.08


def test_guided_without_a_band_is_the_trimap():
    image, truth, _ = scene(40)
    levels = np.where(truth.alpha > 0.5, 255, 0).astype(np.uint8)
    alpha = guided(image, truth, Trimap(levels)).alpha
    assert np.array_equal(alpha * 255, levels)


def test_guided_keeps_a_flat_half_where_the_picture_says_nothing():
    image = Image(np.full((60, 60, 3), 128, np.uint8))
    half = Matte(np.full((60, 60), 0.5, np.float32))
    alpha = guided(image, half, Trimap(np.full((60, 60), 128, np.uint8))).alpha
    assert np.abs(alpha - 0.5).max() < 1e-3


def test_guided_is_the_same_twice():
    image, truth, trimap = scene(90)
    first, second = (guided(image, blurred(truth), trimap).alpha for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
def test_guided_takes_the_smallest_pictures(size):
    image = Image(np.full((*size, 3), 7, np.uint8))
    matte = Matte(np.full(size, 0.25, np.float32))
    alpha = guided(image, matte, Trimap(np.full(size, 128, np.uint8))).alpha
    assert alpha.shape == size
    assert np.isfinite(alpha).all()


def test_guided_refuses_sizes_that_differ():
    image, truth, _ = scene(40)
    with pytest.raises(ImageError, match="must have one shape"):
        guided(image, truth, Trimap(np.zeros((3, 3), np.uint8)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"radius": 0.0}, "radius must be greater than 0, got 0"),
        ({"radius": float("nan")}, "radius must be greater than 0, got nan"),
        ({"epsilon": 0.0}, "epsilon must be greater than 0"),
        ({"network_px": -1}, "network_px must be at least 0, got -1"),
        ({"doubt": 0.5}, r"doubt must lie in \[0, 0.5\), got 0.5"),
    ],
)
def test_guided_options_refuse(wrong, message):
    with pytest.raises(UsageError, match=message):
        GuidedOptions(**wrong)
