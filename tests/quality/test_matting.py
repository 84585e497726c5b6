from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from maskworks.core.errors import ImageError
from maskworks.core.values import Image, Mask, Matte
from maskworks.quality.matting import (
    ColourError,
    connectivity_error,
    foreground_colour_error,
    gradient_error,
    mean_squared_error,
    sum_absolute_difference,
)

ERRORS = [sum_absolute_difference, mean_squared_error, gradient_error, connectivity_error]


def matte(levels):
    """A matte of whole 255ths, as files hold them."""
    return Matte(np.asarray(levels).astype(np.float32) / np.float32(255))


def cloud(rng, size=(19, 23)):
    """Soft blobs over the whole range."""
    smooth = ndimage.gaussian_filter(rng.normal(size=size), 2)
    low, high = smooth.min(), smooth.max()
    return matte(np.round(np.clip(1.6 * (smooth - low) / (high - low) - 0.3, 0, 1) * 255))


def somewhere(rng, size=(19, 23)):
    return Mask(rng.random(size) < 0.6)


def drawn():
    """A disc, a shifted and rippled one, and the soft part of the first."""
    rows, columns = np.mgrid[0:48, 0:64]

    def disc(row, column, ripple):
        away = np.hypot(rows - row, columns - column)
        return matte(np.round(np.clip((16 - away) / 7 + 0.5 + ripple, 0, 1) * 255))

    ripple = 0.35 * np.sin(rows * 1.7) * np.cos(columns * 1.3)
    soft = np.abs(np.hypot(rows - 23, columns - 30) - 16) < 7
    return disc(24, 32, ripple), disc(23, 30, 0.0), Mask(soft)


# ------------------------------------------------------------------ SAD and MSE


def test_sum_and_mean_are_taken_pixel_by_pixel(rng):
    ours, theirs, where = cloud(rng), cloud(rng), somewhere(rng)
    away = [
        abs(float(ours.alpha[place]) - float(theirs.alpha[place]))
        for place in np.ndindex(ours.size)
        if where.inside[place]
    ]
    assert sum_absolute_difference(ours, theirs, where=where) == pytest.approx(math.fsum(away))
    squares = math.fsum(each**2 for each in away)
    assert mean_squared_error(ours, theirs, where=where) == pytest.approx(squares / len(away))


@pytest.mark.parametrize("error", ERRORS)
def test_errors_without_a_region_are_those_of_the_whole_picture(rng, error):
    ours, theirs = cloud(rng), cloud(rng)
    everywhere = Mask(np.ones(ours.size, bool))
    assert error(ours, theirs) == error(ours, theirs, where=everywhere)
    assert error(ours, ours) == 0.0
    assert error(ours, theirs) > 0.0
    assert error(ours, theirs) == pytest.approx(error(theirs, ours))


# ------------------------------------------------------------------ gradient


def gradient_by_hand(alpha):
    """Convolve pixel by pixel with the two filters, written out in two dimensions."""
    sigma, least = 1.4, 0.01
    half = math.ceil(sigma * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * sigma * least)))
    assert half == 4

    def gauss(x):
        return math.exp(-(x**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    def slope(x):
        return -x * gauss(x) / sigma**2

    reach = range(-half, half + 1)
    across = np.array([[gauss(row) * slope(column) for column in reach] for row in reach])
    across /= math.sqrt((across**2).sum())
    padded = np.pad(alpha.astype(np.float64), half, mode="edge")
    magnitude = np.zeros(alpha.shape)
    for row, column in np.ndindex(alpha.shape):
        patch = padded[row : row + 2 * half + 1, column : column + 2 * half + 1][::-1, ::-1]
        magnitude[row, column] = math.hypot((patch * across).sum(), (patch * across.T).sum())
    return magnitude


def test_gradient_error_compares_gaussian_derivatives(rng):
    for _ in range(5):
        ours, theirs, where = cloud(rng), cloud(rng), somewhere(rng)
        squares = (gradient_by_hand(ours.alpha) - gradient_by_hand(theirs.alpha)) ** 2
        found = gradient_error(ours, theirs, where=where)
        assert found == pytest.approx(squares[where.inside].sum(), rel=1e-5)
        assert gradient_error(ours, theirs) == pytest.approx(squares.sum(), rel=1e-5)


def test_gradient_of_the_smallest_pictures_is_defined():
    one = Matte(np.ones((1, 1), np.float32))
    none = Matte(np.zeros((1, 1), np.float32))
    assert gradient_error(one, none) == pytest.approx(0, abs=1e-12)
    row = Matte(np.array([[0, 1]], np.float32))
    expected = (gradient_by_hand(row.alpha) ** 2).sum()
    flat = Matte(np.full((1, 2), 0.5, np.float32))
    assert gradient_error(row, flat) == pytest.approx(expected, rel=1e-5)


def test_gradient_error_tells_a_faint_matte_from_a_strong_one_unless_stretched(rng):
    strong = cloud(rng)
    faint = Matte(strong.alpha * np.float32(0.5) + np.float32(0.1))
    assert gradient_error(faint, strong) > 0.1
    assert gradient_error(faint, strong, stretch=True) == pytest.approx(0, abs=1e-8)
    flat = Matte(np.full(strong.size, 0.5, np.float32))
    assert gradient_error(flat, strong, stretch=True) == pytest.approx(gradient_error(flat, strong))


# ------------------------------------------------------------------ connectivity


def levels_by_hand(ours, theirs):
    """For each pixel the last threshold before it first leaves the largest common region."""
    level = np.full(ours.shape, -1.0)
    for step in range(1, 11):
        both = (ours >= np.float32(step / 10)) & (theirs >= np.float32(step / 10))
        labels, count = ndimage.label(both, structure=[[0, 1, 0], [1, 1, 1], [0, 1, 0]])
        sizes = [(labels == label).sum() for label in range(1, count + 1)]
        source = labels == 1 + int(np.argmax(sizes)) if sizes else np.zeros(both.shape, bool)
        for place in np.ndindex(level.shape):
            if level[place] < 0 and not source[place]:
                level[place] = (step - 1) / 10
    level[level < 0] = 1.0
    return level


def connectivity_by_hand(ours, theirs, where):
    level = levels_by_hand(ours, theirs)
    total = 0.0
    for place in zip(*np.nonzero(where), strict=True):
        connectedness = []
        for alpha in (ours, theirs):
            above = float(alpha[place]) - level[place]
            connectedness.append(1 - above if above >= 0.15 else 1)
        total += abs(connectedness[0] - connectedness[1])
    return total


def test_connectivity_error_follows_the_largest_common_region(rng):
    for _ in range(8):
        ours, theirs, where = cloud(rng), cloud(rng), somewhere(rng)
        expected = connectivity_by_hand(ours.alpha, theirs.alpha, where.inside)
        assert connectivity_error(ours, theirs, where=where) == pytest.approx(expected, rel=1e-5)


def test_connectivity_error_of_noise_breaks_ties_by_the_first_row(rng):
    for _ in range(30):
        ours, theirs = (matte(rng.choice([0, 77, 180, 255], (9, 11))) for _ in range(2))
        expected = connectivity_by_hand(ours.alpha, theirs.alpha, np.ones((9, 11), bool))
        assert connectivity_error(ours, theirs) == pytest.approx(expected, rel=1e-5)


def test_connectivity_goes_over_edges_not_corners():
    block = np.zeros((4, 5), np.float32)
    block[:2, :3] = 1
    corner, edge = block.copy(), block.copy()
    corner[2, 3] = edge[2, 2] = 0.8
    assert connectivity_error(Matte(corner), Matte(block)) == pytest.approx(0.8)
    both = Matte(edge)
    assert connectivity_error(both, Matte(block)) == pytest.approx(0.8)
    joined = edge.copy()
    joined[2, 2] = 0.7  # in both mattes connected up to 0.7, so 0.1 more is let pass
    assert connectivity_error(both, Matte(joined)) == 0.0
    apart = corner.copy()
    apart[2, 3] = 0.7  # connected in neither: all of it counts
    assert connectivity_error(Matte(corner), Matte(apart)) == pytest.approx(0.1)


def test_connectivity_error_takes_a_tie_with_a_threshold_as_inside():
    for level in (51, 102, 153, 204):  # 0.2, 0.4, 0.6, 0.8 in 255ths
        wanted = matte(np.full((3, 3), level))
        more = matte(np.full((3, 3), level + 38))  # 0.149 above
        assert connectivity_error(more, wanted) == 0.0


def test_connectivity_error_without_any_common_region_is_the_difference():
    empty, full = Matte(np.zeros((3, 4), np.float32)), Matte(np.ones((3, 4), np.float32))
    assert connectivity_error(empty, full) == 12.0
    assert connectivity_error(empty, empty) == 0.0


# ------------------------------------------------------------------ against a package


def test_errors_are_those_that_mmeval_prints():
    """What mmeval 0.2.1 (Apache-2.0), of OpenMMLab, gives for these mattes with norm_const=1."""
    predicted, truth, soft = drawn()
    assert gradient_error(predicted, truth, where=soft) == pytest.approx(158.14404297)
    assert gradient_error(predicted, truth) == pytest.approx(161.23175049)
    assert connectivity_error(predicted, truth, where=soft) == pytest.approx(175.40197754)
    assert gradient_error(predicted, truth, stretch=True) == pytest.approx(161.23175049)


# ------------------------------------------------------------------ colours


def test_foreground_colour_error_weighs_pixels_by_alpha(rng):
    size = (7, 9)
    ours, theirs = (Image(rng.integers(0, 256, (*size, 3), dtype=np.uint8)) for _ in range(2))
    alpha = Matte(np.clip(rng.normal(0.5, 0.5, size), 0, 1).astype(np.float32))
    where = somewhere(rng, size)
    absolute = squared = weight = 0.0
    for place in np.ndindex(size):
        a = float(alpha.alpha[place])
        if where.inside[place] and 0 < a < 1:
            for channel in range(3):
                off = int(ours.pixels[(*place, channel)]) - int(theirs.pixels[(*place, channel)])
                absolute += a * abs(off / 255)
                squared += a * (off / 255) ** 2
                weight += a
    found = foreground_colour_error(ours, theirs, matte=alpha, where=where)
    assert (found.absolute, found.squared) == pytest.approx((absolute / weight, squared / weight))


def test_foreground_colour_error_ignores_what_is_opaque_or_not_seen():
    alpha = Matte(np.array([[0.0, 0.5, 1.0]], np.float32))
    white, other = np.full((1, 3, 3), 255, np.uint8), np.zeros((1, 3, 3), np.uint8)
    other[0, 1] = 255
    assert foreground_colour_error(Image(other), Image(white), matte=alpha) == ColourError(0, 0)
    black = Image(np.zeros((1, 3, 3), np.uint8))
    assert foreground_colour_error(black, Image(white), matte=alpha) == ColourError(1, 1)


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("error", ERRORS)
def test_errors_refuse_different_shapes(error):
    wide, high = (Matte(np.zeros(size, np.float32)) for size in ((2, 3), (3, 2)))
    with pytest.raises(ImageError, match=r"shapes must be equal, got \(2, 3\), \(3, 2\)"):
        error(wide, high)
    with pytest.raises(ImageError, match=r"got \(2, 3\), \(2, 3\) and \(3, 2\)"):
        error(wide, wide, where=Mask(np.zeros((3, 2), bool)))


def test_errors_over_no_pixel_are_nothing_and_their_mean_is_refused():
    empty, full = (Matte(np.full((2, 3), a, np.float32)) for a in (0, 1))
    nowhere = Mask(np.zeros((2, 3), bool))
    assert sum_absolute_difference(empty, full, where=nowhere) == 0.0
    assert gradient_error(empty, full, where=nowhere) == 0.0
    assert connectivity_error(empty, full, where=nowhere) == 0.0
    with pytest.raises(ImageError, match="no pixel of `where` is inside"):
        mean_squared_error(empty, full, where=nowhere)


@pytest.mark.parametrize(
    ("alpha", "size", "message"),
    [
        pytest.param(1.0, (2, 2), "give a soft matte", id="opaque"),
        pytest.param(0.0, (2, 2), "give a soft matte", id="empty"),
        pytest.param(0.5, (2, 3), "shapes must be equal", id="matte"),
    ],
)
def test_foreground_colour_error_refuses(alpha, size, message):
    black = Image(np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ImageError, match=message):
        foreground_colour_error(black, black, matte=Matte(np.full(size, alpha, np.float32)))


@pytest.mark.parametrize("error", ERRORS)
def test_errors_take_views_and_arrays_that_may_not_be_written(rng, error):
    wide = cloud(rng, (20, 40)).alpha
    view, whole = wide[:, ::2], np.ascontiguousarray(wide[:, ::2])
    other = cloud(rng, (20, 20))
    view.flags.writeable = False
    assert error(Matte(view), other) == error(Matte(whole), other)
