from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from maskworks.labels.writing.outlines import grouped, rings_of, signed_area, simplified


def drawn(rings, shape):
    """Fill rings by the even-odd rule at pixel centres, one crossing after the other."""
    crossings = np.zeros(shape, int)
    for ring in rings:
        rows, columns, after = ring[:, 0], ring[:, 1], np.roll(ring[:, 0], -1)
        for y in range(shape[0]):
            for x in columns[(rows > y + 0.5) != (after > y + 0.5)]:
                crossings[y, x:] += 1
    return crossings % 2 == 1


@pytest.mark.parametrize("seed", range(12))
def test_outlines_hold_exactly_the_mask(seed):
    rng = np.random.default_rng(seed)
    noise = rng.random((14, 17))
    mask = (noise if seed % 2 else gaussian_filter(noise, 1.2)) > 0.5
    rings = rings_of(mask)
    assert (drawn(rings, mask.shape) == mask).all()
    assert sum(map(signed_area, rings)) == mask.sum()
    groups = grouped(rings)
    assert sum(1 + len(holes) for _, holes in groups) == len(rings)


def test_only_corners_are_kept_and_moved_into_the_picture():
    (ring,) = rings_of(np.ones((2, 3), bool), top=10, left=20)
    assert ring.tolist() == [[10, 20], [10, 23], [12, 23], [12, 20]]


def test_empty_mask_has_no_outline():
    assert rings_of(np.zeros((3, 3), bool)) == []


def test_hole_belongs_to_the_smallest_ring_around_it():
    mask = np.zeros((11, 11), bool)
    mask[:] = True
    mask[2:9, 2:9] = False
    mask[4:7, 4:7] = True
    mask[5, 5] = False
    groups = {signed_area(outer): [signed_area(h) for h in holes] for outer, holes in
              grouped(rings_of(mask))}  # fmt: skip
    assert groups == {121: [-49], 9: [-1]}


def test_simplified_outline_stays_near(rng):
    rows, columns = np.mgrid[:60, :60]
    (ring,) = rings_of(np.hypot(rows - 30, columns - 30) < 25)
    fewer = simplified(ring, 0.75)
    assert len(fewer) < 0.6 * len(ring)
    assert abs(signed_area(fewer.astype(int)) - signed_area(ring)) < 0.03 * signed_area(ring)
