from __future__ import annotations

import numpy as np
import pytest

import maskworks.quality
from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Mask
from maskworks.quality.measures import boundary_iou, iou


def mask(*rows):
    return Mask(np.array([[letter == "#" for letter in row] for row in rows]))


def masks(rng, size=(13, 17)):
    return tuple(Mask(rng.random(size) < share) for share in (0.5, 0.6, 0.8))


def blob(rng, size):
    rows, columns = np.mgrid[: size[0], : size[1]]
    centre, radius = rng.uniform(0.3, 0.7, 2) * size, rng.uniform(0.2, 0.5) * min(size)
    return Mask(np.hypot(rows - centre[0], columns - centre[1]) < radius)


def test_iou_counts_pixel_by_pixel(rng):
    for _ in range(20):
        ours, theirs, where = masks(rng)
        both = either = 0
        for place in np.ndindex(ours.size):
            if where.inside[place]:
                both += bool(ours.inside[place] and theirs.inside[place])
                either += bool(ours.inside[place] or theirs.inside[place])
        assert iou(ours, theirs, where=where) == pytest.approx(both / either)


def test_iou_of_two_empty_masks_is_one():
    empty = mask("...", "...")
    assert iou(empty, empty) == 1.0
    assert boundary_iou(empty, empty) == 1.0
    assert iou(empty, mask("#..", "...")) == 0.0


def band_by_hand(inside, width):
    """Every inside pixel with an outside one (also beyond the border) within `width`."""
    padded = np.pad(inside, 1)
    outside = np.argwhere(~padded)
    band = np.zeros_like(inside)
    for row, column in np.argwhere(inside):
        away = np.hypot(*(outside - (row + 1, column + 1)).T)
        band[row, column] = away.min() <= width
    return band


@pytest.mark.parametrize("band", [0.02, 0.1])
def test_boundary_iou_is_the_iou_of_the_bands(rng, band):
    size = (40, 60)
    width = max(1.0, band * np.hypot(*size))
    for _ in range(5):
        ours, theirs, where = blob(rng, size), blob(rng, size), Mask(rng.random(size) < 0.9)
        a, b = band_by_hand(ours.inside, width), band_by_hand(theirs.inside, width)
        a, b = a & where.inside, b & where.inside
        wanted = (a & b).sum() / (a | b).sum()
        assert boundary_iou(ours, theirs, where=where, band=band) == pytest.approx(wanted)


def test_boundary_iou_is_stricter_than_iou_on_a_shifted_edge(rng):
    truth = mask(*["." * 20 + "#" * 80] * 100)
    ours = mask(*["." * 22 + "#" * 78] * 100)
    assert boundary_iou(ours, truth) < iou(ours, truth)
    assert boundary_iou(truth, truth) == 1.0


def test_boundary_iou_refuses_a_band_of_nothing():
    with pytest.raises(UsageError, match="band is a share of the diagonal"):
        boundary_iou(mask("#"), mask("#"), band=0)


@pytest.mark.parametrize("measure", [iou, boundary_iou])
def test_measures_refuse_different_shapes(measure):
    wide, tall = (Mask(np.zeros(size, bool)) for size in ((2, 3), (3, 2)))
    with pytest.raises(ImageError, match=r"shapes must be equal, got \(2, 3\), \(3, 2\)"):
        measure(wide, tall)
    with pytest.raises(ImageError, match=r"got \(2, 3\), \(2, 3\) and \(3, 2\)"):
        measure(wide, wide, where=tall)


@pytest.mark.parametrize("name", maskworks.quality.__all__)
def test_public_names_exist(name):
    assert getattr(maskworks.quality, name).__module__.startswith("maskworks.quality.")
