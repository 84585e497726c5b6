from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pil
from scipy.ndimage import map_coordinates

from maskworks.models.families.resampling import enlarge, shrink


def smooth(rng, height, width):
    """Photo-like: low frequencies and some noise."""
    coarse = rng.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    return np.asarray(Pil.fromarray(coarse).resize((width, height), Pil.Resampling.BICUBIC))


@pytest.mark.parametrize(
    ("height", "width", "new"),
    [
        pytest.param(1200, 1600, (240, 320), id="rows in twos"),
        pytest.param(2000, 1500, (160, 120), id="rows in fours"),
        pytest.param(1203, 1601, (71, 95), id="odd, rows in eights, a short last group"),
        pytest.param(400, 300, (320, 240), id="little smaller"),
        pytest.param(40, 30, (320, 240), id="larger"),
        pytest.param(3000, 1, (320, 1), id="one column"),
        pytest.param(1, 3000, (1, 320), id="one row"),
    ],
)
def test_shrink_is_close_to_the_exact_filter(rng, height, width, new):
    pixels = smooth(rng, height, width)
    exact = Pil.fromarray(pixels).resize(new[::-1], Pil.Resampling.BILINEAR)
    difference = np.abs(shrink(pixels, *new).astype(int) - np.asarray(exact))
    assert difference.mean() < 1.0
    assert difference.max() <= 10


def test_shrink_does_not_alias():
    stripes = np.zeros((1920, 1920, 3), np.uint8)
    stripes[::2] = 255
    stripes[:, ::2] ^= 255
    small = shrink(stripes, 320, 320)
    assert small.min() >= 126
    assert small.max() <= 129


def test_shrink_keeps_a_flat_picture_and_reads_a_view(rng):
    flat = np.full((1001, 777, 3), 201, np.uint8)
    assert (shrink(flat, 32, 24) == 201).all()
    pixels = smooth(rng, 640, 1280)
    view = pixels[:, ::-2]
    assert (shrink(view, 20, 20) == shrink(np.ascontiguousarray(view), 20, 20)).all()


def brute(small, height, width):
    """Bilinear at aligned pixel centres, by SciPy's interpolation."""
    rows = (np.arange(height) + 0.5) * small.shape[0] / height - 0.5
    columns = (np.arange(width) + 0.5) * small.shape[1] / width - 0.5
    grid = np.meshgrid(rows, columns, indexing="ij")
    return map_coordinates(small.astype(np.float64), grid, order=1, mode="nearest")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param((5, 7), (50, 33), id="both"),
        pytest.param((5, 7), (5, 40), id="columns"),
        pytest.param((5, 7), (40, 7), id="rows"),
        pytest.param((1, 7), (9, 20), id="one row"),
        pytest.param((7, 1), (20, 9), id="one column"),
        pytest.param((1, 1), (3, 4), id="one pixel"),
        pytest.param((320, 240), (321, 241), id="by one"),
        pytest.param((240, 320), (1000, 1333), id="large"),
    ],
)
def test_enlarge_is_bilinear(rng, old, new):
    small = rng.random(old, dtype=np.float32)
    large = enlarge(small, *new)
    assert large.dtype == np.float32
    assert np.abs(large - brute(small, *new)).max() < 1e-5


def test_enlarge_stays_within_its_values(rng):
    for small in (rng.random((9, 9), dtype=np.float32), np.ones((9, 9), np.float32)):
        for new in ((100, 37), (4, 50), (3, 3)):
            large = enlarge(small, *new)
            assert large.shape == new
            assert small.min() - 1e-6 <= large.min()
            assert large.max() <= small.max()


def test_enlarge_never_leaves_the_unit_interval(rng):
    """Values next to 0 and 1 are where rounding could leave it."""
    near = np.nextafter(np.float32(1), np.float32(0))
    for _ in range(20):
        small = rng.choice(np.array([0, 1, near, 1 - near], np.float32), (13, 11))
        large = enlarge(small, *rng.integers(13, 300, 2))
        assert large.min() >= 0
        assert large.max() <= 1
