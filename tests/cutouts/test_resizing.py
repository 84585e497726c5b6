from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskworks.core.values import Image
from maskworks.cutouts.resizing import cover, resize, sharpen, weigh

SIZES = [
    pytest.param((97, 83), id="a-little-smaller"),
    pytest.param((61, 59), id="smaller"),
    pytest.param((50, 50), id="half"),
    pytest.param((17, 23), id="much-smaller"),
    pytest.param((160, 150), id="larger"),
]


def disc(side=100):
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    away = np.hypot(rows, columns)
    return np.clip(side * 0.35 - away, 0, 1).astype(np.float32)


def test_weigh_multiplies_by_alpha_and_keeps_it(rng):
    pixels = rng.integers(0, 256, (70, 9, 3), np.uint8)
    alpha = rng.random((70, 9), np.float32)
    weighed = weigh(pixels, alpha)
    np.testing.assert_array_equal(weighed[..., 3], np.rint(alpha * 255))
    np.testing.assert_allclose(weighed[..., :3], pixels * alpha[..., None], atol=1.01)


@pytest.mark.parametrize("size", SIZES)
def test_no_size_lets_the_background_into_the_edge(size, rng):
    alpha = disc()
    pixels = np.where(alpha[..., None] > 0, (200, 90, 30), rng.integers(0, 256, (100, 100, 3)))
    sized = resize(weigh(pixels.astype(np.uint8), alpha), size)
    expected = sized[..., 3:] * np.array((200, 90, 30)) / 255
    assert np.abs(sized[..., :3] - expected).max() <= 2  # levels, in whatever is laid behind


@pytest.mark.parametrize("size", SIZES)
def test_alpha_stays_in_its_range_and_colours_below_it(size, rng):
    noise = (rng.random((100, 100)) > 0.5).astype(np.float32)
    sized = resize(weigh(np.full((100, 100, 3), 255, np.uint8), noise), size)
    assert (sized[..., :3] <= sized[..., 3:]).all()
    assert np.abs(sized[..., :3].astype(int) - sized[..., 3:]).max() <= 2


def test_half_size_is_the_average_of_four(rng):
    weighed = weigh(rng.integers(0, 256, (40, 60, 3), np.uint8), rng.random((40, 60), np.float32))
    expected = weighed.reshape(20, 2, 30, 2, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(resize(weighed, (20, 30)), expected, atol=0.51)


@pytest.mark.parametrize("size", SIZES[:4])
def test_smaller_picture_is_near_pillows_lanczos(size):
    rows, columns = np.mgrid[:100, :100]
    smooth = 128 + 60 * np.sin(rows / 9) + 60 * np.cos(columns / 11)
    pixels = np.repeat(smooth[..., None], 3, axis=2).astype(np.uint8)
    ours = resize(weigh(pixels, np.ones((100, 100), np.float32)), size)[..., 0]
    theirs = PillowImage.fromarray(pixels[..., 0].astype(np.float32)).resize(
        size[::-1], PillowImage.Resampling.LANCZOS
    )
    inner = (slice(2, -2), slice(2, -2))
    assert np.abs(ours[inner] - np.asarray(theirs)[inner]).max() < 4


def test_own_size_changes_no_bit(rng):
    weighed = weigh(rng.integers(0, 256, (9, 9, 3), np.uint8), rng.random((9, 9), np.float32))
    assert resize(weighed, (9, 9)) is weighed


def test_sharpening_raises_fine_contrast_inside():
    stripes = np.where(np.arange(40)[:, None] // 2 % 2, 120, 136) + np.zeros((40, 40))
    weighed = weigh(np.repeat(stripes[..., None], 3, 2).astype(np.uint8), np.ones((40, 40), "f4"))
    sharp = sharpen(weighed, 0.5)
    assert np.ptp(sharp[10:30, 10:30, 0]) > np.ptp(weighed[10:30, 10:30, 0]) + 2
    assert sharp[10:30, 10:30, 0].mean() == pytest.approx(128, abs=0.2)


def test_sharpening_draws_no_rim_along_the_edge():
    weighed = weigh(np.full((100, 100, 3), 90, np.uint8), disc())
    np.testing.assert_allclose(sharpen(weighed, 2.0).astype(int), weighed, atol=1)


def test_sharpening_leaves_noise_of_one_level_alone(rng):
    noise = np.repeat(rng.integers(127, 129, (30, 30, 1)), 3, 2).astype(np.uint8)
    weighed = weigh(noise, np.ones((30, 30), np.float32))
    np.testing.assert_allclose(sharpen(weighed, 2.0), weighed)


@pytest.mark.parametrize(
    ("focus", "shown"),
    [
        pytest.param((0.5, 0.5), 1, id="middle"),
        pytest.param((0.5, 0.0), 0, id="left"),
        pytest.param((0.5, 1.0), 2, id="right"),
    ],
)
def test_cover_keeps_the_focus_in_the_frame(focus, shown):
    thirds = np.repeat(np.array([20, 120, 220], np.uint8), 50)
    picture = Image(np.broadcast_to(thirds[None, :, None], (50, 150, 3)).copy())
    covered = cover(picture, (50, 50), focus=focus)
    assert np.unique(covered.pixels).tolist() == [[20, 120, 220][shown]]


@pytest.mark.parametrize(
    "size",
    [(30, 80), (90, 20), (10, 10), (101, 99), (400, 300), (1, 1), (3, 200), (200, 3)],
    ids=lambda s: f"{s[1]}x{s[0]}",
)
def test_cover_has_the_asked_size_and_no_empty_corner(size):
    covered = cover(Image(np.full((120, 100, 3), 77, np.uint8)), size)
    assert covered.size == size
    assert np.unique(covered.pixels).tolist() == [77]
