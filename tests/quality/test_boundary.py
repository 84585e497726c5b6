from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import disk

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Mask
from maskworks.quality.boundary import boundary_f_score


def blobs(rng, size):
    return Mask(ndimage.gaussian_filter(rng.normal(size=size), 4) > 0)


def outline_by_hand(inside):
    """Pixel by pixel: does the right, lower or lower right neighbour lie on the other side?"""
    height, width = inside.shape
    outline = np.zeros_like(inside)
    for row, column in np.ndindex(inside.shape):
        for down, right in ((0, 1), (1, 0), (1, 1)):
            near = row + down, column + right
            if near[0] < height and near[1] < width and inside[near] != inside[row, column]:
                outline[row, column] = True
    return outline


def score_by_hand(ours, theirs, where, tolerance):
    reach = disk(math.ceil(tolerance * math.hypot(*ours.shape)))
    a, b = outline_by_hand(ours), outline_by_hand(theirs)
    near_a, near_b = (ndimage.binary_dilation(each, reach) for each in (a, b))
    precision = (a & near_b & where).sum() / (a & where).sum()
    recall = (b & near_a & where).sum() / (b & where).sum()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [0.008, 0.02, 0.05])
def test_boundary_f_score_dilates_the_outlines_with_a_disk(rng, tolerance):
    size = (60, 90)
    for _ in range(2):
        ours, theirs, where = blobs(rng, size), blobs(rng, size), Mask(rng.random(size) < 0.8)
        everywhere = np.ones(size, bool)
        expected = score_by_hand(ours.inside, theirs.inside, everywhere, tolerance)
        assert boundary_f_score(ours, theirs, tolerance=tolerance) == pytest.approx(expected)
        expected = score_by_hand(ours.inside, theirs.inside, where.inside, tolerance)
        found = boundary_f_score(ours, theirs, where=where, tolerance=tolerance)
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("radius", [1, 2, 5, 13, 40])
def test_boundary_f_score_counts_a_distance_of_exactly_the_radius(radius):
    side = 200
    tolerance = (radius - 0.5) / math.hypot(side, side)
    truth = Mask(np.tile(np.arange(side) >= 100, (side, 1)))
    at, beyond = (
        Mask(np.tile(np.arange(side) >= 100 + away, (side, 1))) for away in (radius, radius + 1)
    )
    assert boundary_f_score(at, truth, tolerance=tolerance) == 1.0
    assert boundary_f_score(beyond, truth, tolerance=tolerance) == 0.0


def test_boundary_f_score_is_what_trackeval_prints():
    """What TrackEval 1.3.0 (MIT), which has the DAVIS code, gives for these masks."""
    rows, columns = np.mgrid[0:48, 0:64]

    def disc(row, column, ripple):
        away = np.hypot(rows - row, columns - column)
        return Mask(np.round(((16 - away) / 7 + 0.5 + ripple) * 255) >= 128)

    ripple = 0.35 * np.sin(rows * 1.7) * np.cos(columns * 1.3)
    predicted, truth = disc(24, 32, ripple), disc(23, 30, 0.0)
    assert boundary_f_score(predicted, truth) == pytest.approx(0.68176082489094)
    found = boundary_f_score(predicted, truth, tolerance=0.02)
    assert found == pytest.approx(0.8716005549505468)


def test_boundary_f_score_of_masks_without_an_outline():
    empty, full = Mask(np.zeros((9, 9), bool)), Mask(np.ones((9, 9), bool))
    half = Mask(np.tile(np.arange(9) >= 4, (9, 1)))
    assert boundary_f_score(empty, empty) == 1.0
    assert boundary_f_score(full, empty) == 1.0  # as in DAVIS: the border is no outline
    assert boundary_f_score(half, empty) == 0.0
    assert boundary_f_score(empty, half) == 0.0
    assert boundary_f_score(half, half, where=empty) == 1.0
    dot = Mask(np.ones((1, 1), bool))
    assert boundary_f_score(dot, dot) == 1.0


def test_boundary_f_score_refuses():
    mask = Mask(np.ones((2, 3), bool))
    with pytest.raises(UsageError, match=r"above 0, got -1; use 0\.008"):
        boundary_f_score(mask, mask, tolerance=-1)
    with pytest.raises(ImageError, match=r"shapes must be equal, got \(2, 3\), \(3, 2\)"):
        boundary_f_score(mask, Mask(np.ones((3, 2), bool)))
